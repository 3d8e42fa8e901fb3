"""What our client makes of Slack's answers, and of the words of whoever stands in between."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.slack.web_api import (
    AWAY,
    SlackRefused,
    client,
    error_code,
    identify,
    is_busy,
    may_pass,
    pooled,
    without_secrets,
)
from tests.unit.door.canned import TOKEN, TROUBLE, Canned, slack_saying


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_trouble_in_between_may_pass(trouble: str) -> None:
    """Whatever a proxy says instead of Slack, it is trouble that may pass, and never an error of ours."""
    canned = replace(TROUBLE[trouble], asked=[])
    async with slack_saying(canned) as slack:
        with pytest.raises(SlackApiError) as raised:
            await slack.api_test()
    assert is_busy(raised.value)
    assert may_pass(raised.value)
    assert error_code(raised.value) in {"no answer", "fatal_error", "ratelimited"}
    assert canned.asked == ["api.test"]


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        *((code, True) for code in ("ratelimited", "internal_error", "token_revoked", "missing_scope")),
        *((code, False) for code in ("is_archived", "channel_not_found", "invalid_blocks", "no_text", "odd")),
    ],
)
async def test_what_slack_says_decides(error: str, passes: bool) -> None:  # noqa: FBT001  a table's column
    """Slack's trouble and our token's may pass; what is wrong with the message or its place will not."""
    async with slack_saying(Canned().says(ok=False, error=error)) as slack:
        with pytest.raises(SlackApiError) as raised:
            await slack.api_test()
    assert error_code(raised.value) == error
    assert may_pass(raised.value) is passes


async def test_who_we_are() -> None:
    """Team, bot and user come from Slack."""
    answer = Canned().says(ok=True, team_id="T01ANDON", bot_id="B1", user_id="U1")
    async with slack_saying(answer) as slack:
        found = await identify(slack, workspace="T01ANDON")
    assert (found.workspace, found.bot_id, found.user_id) == ("T01ANDON", "B1", "U1")


async def test_a_token_of_another_workspace_is_refused() -> None:
    """A bot that would post into another company's Slack does not start."""
    async with slack_saying(Canned().says(ok=True, team_id="T99OTHER")) as slack:
        with pytest.raises(SlackRefused, match="belongs to workspace T99OTHER, but"):
            await identify(slack, workspace="T01ANDON")


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive", "missing_scope"])
async def test_a_token_that_slack_refuses_is_refused(error: str) -> None:
    """The process does not start, and says what to do without showing the token."""
    async with slack_saying(Canned().says(ok=False, error=error)) as slack:
        with pytest.raises(SlackRefused) as raised:
            await identify(slack, workspace="T01ANDON")
    assert f"Slack refuses SLACK_BOT_TOKEN ({error})" in str(raised.value)
    assert TOKEN not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_slack_may_be_away_while_we_start(trouble: str) -> None:
    """Agents are served all the same; who we are in Slack is found out later, or not needed."""
    async with slack_saying(replace(TROUBLE[trouble], asked=[])) as slack:
        with capture_logs() as log:
            found = await identify(slack, workspace="T01ANDON")
    assert (found.workspace, found.bot_id) == ("T01ANDON", "")
    assert [entry["event"] for entry in log] == ["slack_is_away"]


async def test_nobody_listens_while_we_start() -> None:
    """A refused connection is the same as being away."""
    with capture_logs() as log:
        found = await identify(client(TOKEN, "http://127.0.0.1:9/api/"), workspace="T01ANDON")
    assert found.workspace == "T01ANDON"
    assert [entry["event"] for entry in log] == ["slack_is_away"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("xoxb-1-2-AbC9 is refused", "xox… is refused"),
        ("url?token=xoxp-9&x", "url?token=xox…&x"),
        ("xapp-1-A-2-ff", "xox…"),
        ("nothing secret", "nothing secret"),
    ],
)
def test_tokens_are_blotted_out(text: str, clean: str) -> None:
    """Whatever looks like one of Slack's tokens does not reach a log or a row."""
    assert without_secrets(text) == clean


async def test_calls_share_connections() -> None:
    """Within the pool calls in a row go over one connection; without it each opens its own."""
    canned = Canned()
    async with slack_saying(canned) as slack:
        async with pooled(slack):
            for _ in range(3):
                await slack.api_test()
        assert len(canned.ports) == 1
        await slack.api_test()
    assert len(canned.ports) == 2
    assert canned.asked == ["api.test"] * 4


_OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"ok":true}'


@asynccontextmanager
async def answering(calls: list[int], answers: Sequence[bytes]) -> AsyncIterator[str]:
    """Serve connections that each hear *answers* and are closed then; *calls* counts the calls of each."""
    closed: asyncio.Queue[int] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(calls)
        calls.append(0)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            for answer in answers:
                await reader.readuntil(b"\r\n\r\n")
                calls[mine] += 1
                writer.write(answer)
            if not any(answers):
                await reader.read()
        writer.close()
        await writer.wait_closed()
        await closed.put(mine)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/"
        async with asyncio.timeout(5):
            for _ in calls:
                await closed.get()


async def test_a_connection_that_went_stale_is_replaced() -> None:
    """A pooled connection that Slack closed costs a retry, not a message."""
    calls: list[int] = []
    async with answering(calls, [_OK, b""]) as url:
        slack = client(TOKEN, url)
        async with pooled(slack):
            assert (await slack.api_call("api.test", http_verb="GET"))["ok"]
            assert (await slack.api_call("api.test", http_verb="POST"))["ok"]
    assert calls == [2, 1]


async def test_a_post_is_never_repeated_blindly() -> None:
    """A connection that breaks under a post may have carried it: whoever posts has to find out first."""
    calls: list[int] = []
    async with answering(calls, [_OK, b""]) as url:
        slack = client(TOKEN, url)
        async with pooled(slack):
            assert (await slack.api_call("api.test", http_verb="GET"))["ok"]
            with pytest.raises(AWAY):
                await slack.chat_postMessage(channel="C1", text="once")
    assert calls == [2]


async def test_a_pooled_call_has_its_time() -> None:
    """A Slack that takes a call and never answers is given up after the client's timeout."""
    async with answering([], [b""]) as url:
        slack = AsyncWebClient(token=TOKEN, base_url=url, timeout=1)
        async with pooled(slack):
            with pytest.raises(TimeoutError):
                await slack.api_test()
