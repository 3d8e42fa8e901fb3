"""What our client makes of Slack's answers, and of the words of whoever stands in between."""

from dataclasses import replace

import pytest
from slack_sdk.errors import SlackApiError
from structlog.testing import capture_logs

from bot.slack.web_api import SlackRefused, client, error_code, identify, is_busy, may_pass, without_secrets
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
