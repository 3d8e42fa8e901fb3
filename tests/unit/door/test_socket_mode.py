"""Over the socket a click is taken as over HTTP: stored, then acknowledged, and never if it failed."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.config import SlackMode
from bot.slack.ingress.socket_mode import SocketMode
from escalation.store.memory import MemoryStore
from tests.scenario.laws import clicks_in
from tests.scenario.unreliable import UnreliableStore
from tests.scenario.world import World, world

MODE = {"andon_slack_mode": SlackMode.SOCKET, "slack_app_token": SecretStr("xapp-1-A-fake")}


@dataclass(slots=True)
class Line:
    """The connection's other end: what was acknowledged."""

    acknowledged: list[str] = field(default_factory=list)
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("line"))

    async def send_socket_mode_response(self, response: Any) -> None:
        self.acknowledged.append(response.envelope_id)


@pytest.fixture
async def room() -> AsyncIterator[World]:
    """A bot that Slack reaches over a socket."""
    async with world(settings=MODE, store=lambda clock: UnreliableStore(MemoryStore(clock))) as made:
        yield made
        await socket_of(made).stop()


def socket_of(room: World) -> SocketMode:
    assert room.house.socket_mode is not None
    return room.house.socket_mode


def approval(asked: dict[str, Any], *, user: str = "U01SALMA", team: str = "T01ANDON") -> dict[str, Any]:
    return {
        "type": "block_actions",
        "team": {"id": "T01ANDON"},
        "user": {"id": user, "team_id": team},
        "trigger_id": "t",
        "container": {"type": "message", "channel_id": "C02DIRECT", "message_ts": "1.0"},
        "channel": {"id": "C02DIRECT"},
        "actions": [
            {"type": "button", "action_id": "request:approve", "block_id": "b", "value": asked["id"]}
        ],
    }


async def arrives(room: World, line: Line, envelope: str, payload: dict[str, Any]) -> None:
    request = SocketModeRequest(type="interactive", envelope_id=envelope, payload=payload)
    await socket_of(room)._take(line, request)  # type: ignore[arg-type]  # the other end of the line


async def test_a_click_counts_and_is_acknowledged(room: World) -> None:
    """A click that arrives on the socket decides, and is acknowledged when it is stored."""
    asked, line = await room.agent.asks(), Line()
    await arrives(room, line, "e1", approval(asked))
    assert line.acknowledged == ["e1"]
    assert (await room.agent.sees(asked))["decided_by"] == ["salma"]


async def test_the_same_envelope_is_the_same_click(room: World) -> None:
    """Slack delivers an envelope again when it saw no acknowledgement: it counts once and is acknowledged."""
    asked, line = await room.agent.asks(amount="7200.000"), Line()
    for _ in range(2):
        await arrives(room, line, "e1", approval(asked, user="U03MARYAM"))
    assert line.acknowledged == ["e1", "e1"]
    assert (await room.agent.sees(asked))["decided_by"] == ["maryam"]
    assert len(await clicks_in(room.store)) == 1
    assert await room.refusals() == []


async def test_authority_is_the_same(room: World) -> None:
    """Another workspace's user is nobody on the socket as well."""
    asked, line = await room.agent.asks(), Line()
    await arrives(room, line, "e1", approval(asked, team="T99OTHER"))
    await room.house.listeners.drain()
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("account:T99OTHER/U01SALMA", "unknown_person")]


async def test_what_failed_is_not_acknowledged(room: World) -> None:
    """While the database is away nothing is acknowledged; the envelope comes again and counts."""
    room.expected |= {"listener_failed"}
    asked, line = await room.agent.asks(), Line()
    assert isinstance(room.store, UnreliableStore)
    with room.store.goes_away():
        await arrives(room, line, "e1", approval(asked))
    assert line.acknowledged == []
    await arrives(room, line, "e1", approval(asked))
    assert line.acknowledged == ["e1"]
    assert await room.agent.state_of(asked) == "approved"


async def test_over_http_there_is_no_slack(room: World) -> None:
    """With Socket Mode, Slack's path over HTTP is one that nobody knows."""
    answer = await room.agent.http.post("/slack/events", content=b"payload=x")
    assert answer.status_code in {404, 415}


async def test_slack_may_be_away_when_the_socket_opens(room: World) -> None:
    """Starting and mending never fail: what keeps us off is logged, and the next attempt asks again."""
    await socket_of(room).start()
    await socket_of(room).mend()
    assert not await socket_of(room).is_connected()
    assert [entry["event"] for entry in room.log].count("socket_mode_refused") == 2
    room.slack.calls.clear()  # apps.connections.open, which this Slack does not know


@dataclass(slots=True)
class Ghost:
    """A client of the socket that is connected, or fails as told."""

    connected: bool = False
    error: Exception | None = None
    attempts: int = 0

    async def is_connected(self) -> bool:
        return self.connected

    async def connect_to_new_endpoint(self, *, force: bool) -> None:
        assert force
        self.attempts += 1
        if self.error is not None:
            raise self.error
        self.connected = True

    async def close(self) -> None:
        self.connected = False


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (ConnectionResetError("gone"), "socket_mode_away"),
        (TimeoutError(), "socket_mode_away"),
        (ZeroDivisionError("a bug"), "socket_mode_failed"),
    ],
)
async def test_whatever_went_wrong_it_is_tried_again(room: World, error: Exception, event: str) -> None:
    """No failure ends the watch: a ghost would swallow clicks until the next start."""
    room.expected.add("socket_mode_failed")
    ghost = Ghost(error=error)
    await socket_of(room)._client.close()  # type: ignore[no-untyped-call]  # the SDK does not type it
    socket_of(room)._client = ghost  # type: ignore[assignment]  # stands in for the SDK's
    await socket_of(room).mend()
    assert [entry["event"] for entry in room.log][-1] == event
    ghost.error = None
    await socket_of(room).mend()
    await socket_of(room).mend()
    assert (ghost.connected, ghost.attempts) == (True, 2)
