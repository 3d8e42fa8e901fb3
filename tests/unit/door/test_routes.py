"""Which way a signed request takes, and that nothing is acknowledged before its handler is done."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote_plus

import pytest

from bot.slack.render.block_kit import action_ids
from bot.slack.routes import handler_of
from escalation.store.memory import MemoryStore
from tests.scenario.unreliable import UnreliableStore
from tests.scenario.world import World, world

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@pytest.fixture
async def room() -> AsyncIterator[World]:
    """A bot that Slack reaches over HTTP."""
    async with world(store=lambda clock: UnreliableStore(MemoryStore(clock))) as made:
        yield made


def clicked(action_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "block_actions", "actions": [{"action_id": action_id, **more}]}


@pytest.mark.parametrize("action_id", sorted(action_ids.ACTIONS))
def test_every_button_that_is_drawn_has_a_handler(action_id: str) -> None:
    """No action id is rendered that nobody handles."""
    assert handler_of(clicked(action_id)) is not None


@pytest.mark.parametrize("callback_id", sorted(action_ids.CALLBACKS))
def test_every_modal_that_can_be_submitted_has_a_handler(callback_id: str) -> None:
    """Only a modal that is read has none: it has no submit button."""
    submitted = {"type": "view_submission", "view": {"callback_id": callback_id}}
    assert (handler_of(submitted) is None) is (callback_id == action_ids.READ)


def test_numbered_answers_and_links_have_handlers() -> None:
    """Each option of a question has a button of its own; a link only wants to be acknowledged."""
    answer = handler_of(clicked("request:answer"))
    assert handler_of(clicked("request:answer:3")) is answer
    assert handler_of(clicked("link:runbook")) is not None


@pytest.mark.parametrize(
    "body",
    [
        clicked("request:answer:"),
        clicked("request:answer:x"),
        clicked("request:approve:1"),
        clicked("request:approve "),
        clicked("unknown"),
        {"type": "block_actions", "actions": []},
        {"type": "block_actions", "actions": [{}]},
        {"type": "block_actions", "actions": ["request:approve"]},
        {"type": "block_actions"},
        {"type": "block_suggestion", "actions": [{"action_id": "request:approve"}]},
        {"actions": [{"action_id": "request:approve"}]},
        {"type": "view_submission", "view": {}},
        {"type": "view_closed", "view": {"callback_id": "request:rejected"}},
        {},
    ],
)
def test_what_we_never_draw_has_no_handler(body: dict[str, Any]) -> None:
    """An id in other words, a body without one, or another kind of interaction reaches no use case."""
    assert handler_of(body) is None


def form(payload: dict[str, Any]) -> bytes:
    return f"payload={quote_plus(json.dumps(payload))}".encode()


#: All that Slack sends of a click, on a button that we never draw.
WHOLE = {
    "type": "block_actions",
    "user": {"id": "U01SALMA"},
    "trigger_id": "1.2",
    "actions": [{"action_id": "unknown", "value": "x"}],
}


@pytest.mark.parametrize(
    ("body", "media", "status", "answer"),
    [
        (b'{"type":"url_verification","challenge":"c"}', JSON, 200, b'{"challenge": "c"}'),
        (b"ssl_check=1&token=x", FORM, 200, b""),
        (b"command=%2Fother&text=stop+all&user_id=U01SALMA", FORM, 404, b'{"error": "unhandled request"}'),
        (form(WHOLE), FORM, 404, b'{"error": "unhandled request"}'),
        (form(clicked("unknown")), FORM, 400, b""),
        (
            b'{"type":"event_callback","event":{"type":"message"}}',
            JSON,
            404,
            b'{"error": "unhandled request"}',
        ),
    ],
)
async def test_what_no_table_knows_goes_to_bolt(
    room: World, body: bytes, media: str, status: int, answer: bytes
) -> None:
    """Slack's checks of the address are answered, and what nobody listens to is said to be unhandled."""
    heard = await room.salma.sends(body, media)
    assert (heard.status, heard.body) == (status, answer)


async def test_a_click_is_acknowledged_with_nothing(room: World) -> None:
    """The acknowledgement of a button is empty: what it did is said by the card."""
    card = await room.card(await room.agent.asks())
    heard = await room.salma.clicks("Approve", on=card)
    assert (heard.status, heard.body) == (200, b"")


async def test_a_click_that_fails_is_not_acknowledged(room: World) -> None:
    """While the database is away a click and a modal are both answered with 503, and say where it failed."""
    room.expected |= {"listener_failed", "slack_request_failed"}
    assert isinstance(room.store, UnreliableStore)
    card = await room.card(await room.agent.asks())
    await room.salma.clicks("Reject", on=card)
    await room.house.listeners.drain()
    form_ = room.salma.fills("Why? The agent reads this and does better.", "no invoice")
    with room.store.goes_away():
        assert (await form_.submits()).status == 503
        assert (await room.salma.clicks("Approve", on=card)).status == 503
    failed = [entry for entry in room.log if entry["event"] == "listener_failed"]
    assert [entry["error"] for entry in failed] == ["StoreUnavailable"] * 2
    assert all(entry["where"] for entry in failed)
