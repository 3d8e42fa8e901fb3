"""The fake Slack is honest: what Slack refuses it refuses, its faults are Slack's, its people sign."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.render.card import card
from bot.slack.render.modals import deciding, frame
from tests.harness.fake_faults import (
    AcceptThenSilence,
    Duplicated,
    Fault,
    Lost,
    RateLimited,
    Refuses,
    ServerError,
    Slow,
)
from tests.harness.fake_http import serve
from tests.harness.fake_person import FakePerson, through
from tests.harness.fake_slack import BOT_TOKEN, Answer, FakeSlack
from tests.harness.views import view

NOON = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SECTION: dict[str, Any] = {"type": "section", "text": {"type": "plain_text", "text": "Hello", "emoji": False}}


class StillClock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


class Bot:
    """Keeps what it is sent and answers as it is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answer = Answer(status=200)

    async def __call__(self, _path: str, headers: Any, body: bytes) -> Answer:
        self.heard.append((dict(headers), body))
        return self.answer

    @property
    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(parse_qs(self.heard[-1][1].decode())["payload"][0])
        return found


def workspace(bot: Bot | None = None) -> FakeSlack:
    return FakeSlack(
        clock=StillClock(),
        people={"salma": "U01SALMA", "omar": "U06OMAR"},
        channels={"#finance": "C01FINANCE"},
        signing_secret=SECRET,
        post=bot,
        groups={"S1": ("U01SALMA",)},
    )


@pytest.fixture
async def served() -> AsyncIterator[tuple[FakeSlack, AsyncWebClient]]:
    slack = workspace()
    async with serve(slack) as url:
        yield slack, AsyncWebClient(token=BOT_TOKEN, base_url=url, timeout=2, retry_handlers=[])


async def post(client: AsyncWebClient, **more: Any) -> Any:
    return await client.chat_postMessage(
        **{"channel": "C01FINANCE", "text": "Hello", "blocks": [SECTION], **more}
    )


async def test_slack_sdk_posts_and_updates_over_http(served: tuple[FakeSlack, AsyncWebClient]) -> None:
    """A message is kept as it was sent, and changed when it is updated."""
    slack, client = served
    first = await post(client)
    reply = await post(client, thread_ts=first["ts"], text="Reply")
    await client.chat_update(channel="C01FINANCE", ts=first["ts"], text="Changed", blocks=[SECTION])
    kept = slack.in_channel("#finance")
    assert [(m.text, m.thread, m.edits) for m in kept] == [("Changed", None, 1), ("Reply", first["ts"], 0)]
    assert kept[1].ts == reply["ts"] != first["ts"]


async def test_every_method_the_bot_uses_is_there(served: tuple[FakeSlack, AsyncWebClient]) -> None:
    """Identity, direct messages, private answers, groups, modals and Home work through slack_sdk."""
    slack, client = served
    assert (await client.auth_test())["team_id"] == "T01ANDON"
    assert (await client.conversations_open(users=["U01SALMA"]))["channel"]["id"] == "DU01SALMA"
    await client.chat_postEphemeral(channel="C01FINANCE", user="U01SALMA", text="Only you", blocks=[SECTION])
    assert (await client.usergroups_users_list(usergroup="S1"))["users"] == ["U01SALMA"]
    opened = await client.views_open(
        trigger_id=slack.trigger("U01SALMA"), view=frame.said("One moment", "Fetching it")
    )
    await client.views_update(view_id=opened["view"]["id"], view=deciding.reject(view()))
    await client.views_publish(user_id="U01SALMA", view={"type": "home", "blocks": [SECTION]})
    salma, omar = slack.person("salma"), slack.person("omar")
    assert salma.modal is not None
    assert salma.modal["callback_id"] == "request:rejected"
    assert salma.home is not None
    assert (await salma.sees("Only you", in_="#finance")).only_for == "U01SALMA"
    assert await omar.misses("Only you", in_="#finance")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"channel": "C99"}, "channel_not_found"),
        ({"blocks": [SECTION] * 51}, "invalid_blocks"),
        (
            {"blocks": [{"type": "section", "text": {"type": "plain_text", "text": "x" * 3001}}]},
            "invalid_blocks",
        ),
    ],
)
async def test_what_slack_refuses_it_refuses(
    served: tuple[FakeSlack, AsyncWebClient], changes: dict[str, Any], error: str
) -> None:
    """An illegal payload or an unknown channel is answered with Slack's word for it, and not kept."""
    slack, client = served
    with pytest.raises(SlackApiError) as refused:
        await post(client, **changes)
    assert refused.value.response["error"] == error
    assert slack.messages == []


async def test_a_message_without_a_text_is_refused() -> None:
    """Blocks alone are silent to notifications and screen readers."""
    slack = workspace()
    answer = slack.keep({"channel": "C01FINANCE", "text": "", "blocks": [SECTION]})
    assert answer == {"ok": False, "error": "no_text"}
    assert slack.messages == []


async def test_a_wrong_token_is_refused(served: tuple[FakeSlack, AsyncWebClient]) -> None:
    """Whoever has another token is nobody."""
    slack, client = served
    client.token = "xoxb-wrong"
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await post(client)
    assert slack.messages == []


async def test_a_trigger_works_once_and_for_three_seconds(served: tuple[FakeSlack, AsyncWebClient]) -> None:
    """A used, unknown or old trigger opens nothing."""
    slack, client = served
    used, old = slack.trigger("U01SALMA"), slack.trigger("U01SALMA")
    await client.views_open(trigger_id=used, view=frame.said("One moment", "Fetching it"))
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id=used, view=frame.said("One moment", "Fetching it"))
    assert isinstance(slack.clock, StillClock)
    slack.clock.at += timedelta(seconds=4)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=old, view=frame.said("One moment", "Fetching it"))


@pytest.mark.parametrize(
    ("fault", "status", "error", "kept"),
    [
        (RateLimited(after=7), 429, "ratelimited", 0),
        (ServerError(), 500, "internal_error", 0),
        (Refuses("is_archived"), 200, "is_archived", 0),
        (Refuses("channel_not_found"), 200, "channel_not_found", 0),
        (Refuses("invalid_auth"), 200, "invalid_auth", 0),
    ],
)
async def test_a_fault_hits_one_call(
    served: tuple[FakeSlack, AsyncWebClient], fault: Fault, status: int, error: str, kept: int
) -> None:
    """The call that meets a fault fails as at Slack and leaves nothing; the next one works."""
    slack, client = served
    slack.fails("chat.postMessage", fault)
    with pytest.raises(SlackApiError) as refused:
        await post(client)
    assert (refused.value.response.status_code, refused.value.response["error"]) == (status, error)
    assert len(slack.messages) == kept
    if isinstance(fault, RateLimited):
        assert refused.value.response.headers["retry-after"] == "7"
    assert (await post(client))["ok"]
    assert [call.error for call in slack.calls] == [error, None]


async def test_lost_duplicated_and_slow(served: tuple[FakeSlack, AsyncWebClient]) -> None:
    """Slack may lose what it acknowledged, do it twice, or take its time."""
    slack, client = served
    slack.fails("chat.postMessage", Lost(), Duplicated(), Slow(0.05))
    assert (await post(client, text="lost"))["ts"]
    await post(client, text="twice")
    await post(client, text="late")
    assert [m.text for m in slack.messages] == ["twice", "twice", "late"]


async def test_it_may_accept_and_then_fall_silent(served: tuple[FakeSlack, AsyncWebClient]) -> None:
    """The message is there, though the client only ever saw a timeout."""
    slack, client = served
    client.timeout = 1
    slack.fails("chat.postMessage", AcceptThenSilence())
    with pytest.raises(TimeoutError):
        await post(client)
    assert [m.text for m in slack.messages] == ["Hello"]


async def test_it_also_works_without_a_port() -> None:
    """Httpx reaches it in the same process."""
    slack = workspace()
    transport = httpx.ASGITransport(slack)
    async with httpx.AsyncClient(transport=transport, base_url="http://slack") as client:
        answer = await client.post("/api/auth.test", headers={"authorization": f"Bearer {BOT_TOKEN}"})
    assert answer.json()["user_id"] == "U0ANDON"


async def with_card(bot: Bot) -> tuple[FakeSlack, FakePerson]:
    slack = workspace(bot)
    drawn = card(view())
    slack.keep({"channel": "C01FINANCE", "text": drawn.text, "blocks": list(drawn.blocks)})
    return slack, slack.person("salma")


async def test_a_click_is_signed_as_slack_signs() -> None:
    """slack_sdk's own verifier takes the signature of what a person sends, and no other body under it."""
    bot = Bot()
    _, salma = await with_card(bot)
    await salma.clicks("Approve", on=await salma.sees("approve?", in_="#finance"))
    headers, body = bot.heard[-1]
    verifier = SignatureVerifier(SECRET, clock=_At())
    given = headers["x-slack-request-timestamp"], headers["x-slack-signature"]
    assert verifier.is_valid(body, *given)
    assert not verifier.is_valid(body + b" ", *given)


class _At(Clock):
    def now(self) -> float:
        return NOON.timestamp()


async def test_a_click_says_who_what_and_where() -> None:
    """The payload carries the person, the workspace, the action with its value, and the message."""
    bot = Bot()
    _, salma = await with_card(bot)
    shown = await salma.sees("approve?", in_="#finance")
    await salma.clicks("Approve", on=shown)
    payload = bot.payload
    assert payload["user"]["id"] == "U01SALMA"
    assert payload["team"]["id"] == "T01ANDON"
    assert payload["actions"][0]["action_id"] == "request:approve"
    assert payload["actions"][0]["value"].startswith("req_")
    assert payload["container"] == {"type": "message", "message_ts": shown.ts, "channel_id": "C01FINANCE"}
    await salma.clicks("I am looking", on=shown)
    assert bot.payload["actions"][0]["selected_option"]["value"].startswith("acknowledge:")


async def test_nobody_clicks_what_is_not_there() -> None:
    """A click on a button that is not drawn fails the test that tries."""
    _, salma = await with_card(Bot())
    with pytest.raises(AssertionError, match="Launch"):
        await salma.clicks("Launch", on=await salma.sees("approve?", in_="#finance"))
    with pytest.raises(TimeoutError):
        await salma.sees("no such words", in_="#finance", within=0.05)


async def test_a_form_is_filled_in_and_sent() -> None:
    """What is typed arrives by block, and the form closes, complains or changes as the bot says."""
    bot = Bot()
    slack, salma = await with_card(bot)
    slack.modals["U01SALMA"] = [{**deciding.reject(view()), "id": "V1"}]
    bot.answer = Answer(status=200, body=b'{"response_action": "errors", "errors": {"reason": "why?"}}')
    await salma.fills("Why? The agent reads this and does better.", "No").submits()
    assert bot.payload["view"]["state"]["values"]["reason"]["reason"]["value"] == "No"
    assert salma.modal is not None
    bot.answer = Answer(status=200)
    await salma.submits()
    assert bot.payload["view"]["state"]["values"]["reason"]["reason"]["value"] == "No"
    assert salma.modal is None


async def test_commands_and_home_arrive_as_slack_sends_them() -> None:
    """A command is a form, the Home an event; both say who."""
    bot = Bot()
    _, salma = await with_card(bot)
    await salma.types("/andon stop all now", in_="#finance")
    form = parse_qs(bot.heard[-1][1].decode())
    assert (form["command"], form["text"], form["user_id"]) == (["/andon"], ["stop all now"], ["U01SALMA"])
    await salma.opens_home()
    event = json.loads(bot.heard[-1][1])
    assert event["event"]["type"] == "app_home_opened"
    assert event["event"]["user"] == "U01SALMA"


async def test_people_reach_an_asgi_app() -> None:
    """``through`` carries headers and body to the bot's own app and brings its answer back."""
    heard: dict[str, Any] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.update(path=scope["path"], body=(await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"ok": true}'})

    slack = workspace()
    slack.post = through(app)
    answer = await asyncio.wait_for(slack.person("salma").opens_home(), 5)
    assert answer.json == {"ok": True}
    assert heard["path"] == "/slack/events"
    assert b"app_home_opened" in heard["body"]


async def test_history_is_read_as_slack_tells_it(served: tuple[FakeSlack, AsyncWebClient]) -> None:
    """Newest first, page by page, threads apart; what a message carries beside its text only when asked."""
    _, client = served
    carried = {"event_type": "mark", "event_payload": {"row": "out_1"}}
    first = await post(client, metadata=carried)
    await post(client, text="Second")
    await post(client, text="Reply", thread_ts=first["ts"])
    whole = await client.conversations_history(channel="C01FINANCE", include_all_metadata=True)
    assert [(m["text"], m["metadata"]) for m in whole["messages"]] == [("Second", {}), ("Hello", carried)]
    bare = await client.conversations_history(channel="C01FINANCE", limit=1)
    assert [("metadata" in m, m["text"]) for m in bare["messages"]] == [(False, "Second")]
    cursor = bare["response_metadata"]["next_cursor"]
    rest = await client.conversations_history(channel="C01FINANCE", limit=1, cursor=cursor)
    assert [m["text"] for m in rest["messages"]] == ["Hello"]
    thread = await client.conversations_replies(channel="C01FINANCE", ts=first["ts"])
    assert {m["text"] for m in thread["messages"]} == {"Hello", "Reply"}


async def test_an_update_keeps_what_a_message_carries(served: tuple[FakeSlack, AsyncWebClient]) -> None:
    """Metadata stays with a message whose text changes, unless the update brings its own."""
    slack, client = served
    stands = await post(client, metadata={"event_type": "mark", "event_payload": {"row": "out_1"}})
    at = {"channel": "C01FINANCE", "ts": stands["ts"], "text": "New", "blocks": [SECTION]}
    await client.chat_update(**at)
    assert slack.messages[0].metadata["event_type"] == "mark"
    await client.chat_update(**at, metadata={"event_type": "closed", "event_payload": {}})
    assert slack.messages[0].metadata["event_type"] == "closed"
