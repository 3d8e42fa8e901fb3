"""A body that Slack's key signed and that holds nothing is refused as such: no error of ours, no change."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.slack.render.block_kit import action_ids
from tests.harness.fake_person import signature
from tests.scenario.world import SECRET, World

USER = {"id": "U01SALMA", "team_id": "T01ANDON"}
WHOLE = {"team": {"id": "T01ANDON"}, "user": USER, "trigger_id": "1.2"}
CLICK = {**WHOLE, "type": "block_actions"}
MODAL = {**WHOLE, "type": "view_submission"}
ACTIONS = sorted(action_ids.ACTIONS)
CALLBACKS = sorted(action_ids.CALLBACKS - {action_ids.READ})


def without(payload: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in payload.items() if key != name}


def click(**action: Any) -> dict[str, Any]:
    return {**CLICK, "actions": [action]}


HOLLOW: list[Any] = [
    *(click(action_id=name) for name in ACTIONS),
    *(click(action_id=name, value=None) for name in ACTIONS),
    *(
        click(action_id=name, selected_option=odd)
        for name in ACTIONS
        for odd in (None, {}, {"value": 3}, "x")
    ),
    *(without(click(action_id="request:approve", value="req_1"), name) for name in ("user", "trigger_id")),
    *({**click(action_id="request:full", value="req_1"), "user": odd} for odd in (None, {}, "U1", {"id": 1})),
    *({**click(action_id="request:full", value="req_1"), place: "x"} for place in ("channel", "container")),
    click(action_id=action_ids.STOP, value="no scope at all"),
    click(action_id=action_ids.RESUME, value=""),
    *({**MODAL, "view": {"callback_id": name}} for name in CALLBACKS),
    *({**MODAL, "view": {"callback_id": name, "private_metadata": "req_1"}} for name in CALLBACKS),
    *({**MODAL, "view": {"callback_id": name, "state": {"values": {}}}} for name in CALLBACKS),
    *({**MODAL, "view": {"callback_id": name, "private_metadata": 3, "state": 3}} for name in CALLBACKS),
]
#: Nothing that any handler knows.
STRANGE: list[Any] = [
    {},
    CLICK,
    {"type": "block_actions", "actions": []},
    {"type": "block_actions", "actions": [3]},
    {"type": "view_submission", "view": None},
    {"type": 3},
    {"type": "event_callback"},
    {"type": "event_callback", "event": None},
    {"type": "event_callback", "event": {"type": "app_home_opened"}},
]


async def status_of(room: World, payload: Any, *, form: bool = True) -> int:
    """Return what answers *payload*, signed as Slack signs."""
    text = json.dumps(payload)
    body = (urlencode({"payload": text}) if form else text).encode()
    at = int(room.clock.now().timestamp())
    room.clock.advance(seconds=1)  # the same body in the same second would be a replay
    headers = {
        "content-type": "application/x-www-form-urlencoded" if form else "application/json",
        "x-slack-request-timestamp": str(at),
        "x-slack-signature": signature(SECRET, timestamp=at, body=body),
    }
    return (await room.agent.http.post("/slack/events", content=body, headers=headers)).status_code


async def test_what_lacks_something_is_refused(room: World) -> None:
    """Clicks and modals without what their handlers read are answered 400, and change nothing."""
    asked = await room.agent.asks()
    room.expected.add("slack_payload_hollow")
    for payload in HOLLOW:
        assert await status_of(room, payload) == 400, payload
    assert await room.agent.state_of(asked) == "pending"


@pytest.mark.parametrize("form", [True, False])
async def test_what_nobody_knows_is_no_error_of_ours(room: World, *, form: bool) -> None:
    """Whatever else is signed and empty, the answer is never that we failed."""
    room.expected |= {"courtesy_refused", "slack_payload_hollow"}
    for payload in STRANGE:
        assert await status_of(room, payload, form=form) < 500, payload
    for line in ({"command": "/andon"}, {"command": "/andon", "text": "stop all now"}, {"ssl_check": "1"}):
        body = urlencode(line).encode()
        assert (await room.salma.sends(body, "application/x-www-form-urlencoded")).status < 500, line
