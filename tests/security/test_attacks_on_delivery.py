"""What Slack, the network or an ending process may do to the engine and the courier, to no avail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.ingress.socket_mode import SocketMode
from bot.slack.signed_request import SignedRequest
from escalation.engine.metronome import Metronome
from escalation.engine.module import Module, Progress
from escalation.ports import Courier, Delivered, Delivery, Dossier, OutboxKind, Outgoing, TryLater
from escalation.service import deliver
from tests.scenario.world import World, world

SECRET = "xoxb-planted-in-an-argument"


@dataclass(slots=True)
class SlowSlack:
    """A courier for whom Slack takes each message at once and confirms it only when told."""

    confirms: asyncio.Event = field(default_factory=asyncio.Event)
    accepted: list[Outgoing] = field(default_factory=list)

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        self.accepted.append(outgoing)
        await self.confirms.wait()
        return Delivered(channel=outgoing.lane, ts=f"{len(self.accepted)}.0")


@dataclass(slots=True)
class Scripted:
    """A courier that does with each message what the scenario says."""

    does: Callable[[Outgoing, Dossier | None], Awaitable[Delivery]]

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        return await self.does(outgoing, about)


@asynccontextmanager
async def engine(room: World, courier: Courier) -> AsyncIterator[Metronome]:
    """Run a second engine, as another replica would."""
    made = Metronome(room.core, courier)
    try:
        yield made
    finally:
        await made.stop()


def courier_of(engine: Metronome) -> Module:
    """Return the module that delivers the outbox."""
    return next(module for module in engine.modules if module.name == "outbox")


async def _nobody(request: SignedRequest) -> BoltResponse:
    raise AssertionError(request)


async def cards_of(room: World, *asked: object) -> list[str | None]:
    found = []
    async with room.store.read() as tx:
        for request in asked:
            assert isinstance(request, dict)
            card = await tx.cards.get(request["id"])
            found.append(None if card is None else card.ts)
    return found


# --- messages that Slack took and we forgot --------------------------------------------------------------


async def test_a_long_run_breaks_off_no_message() -> None:
    """A backlog takes longer than a run may: the run ends between two messages, not within one."""
    begun, finished = [], []

    async def work() -> Progress:
        begun.append(1)
        await asyncio.sleep(0.03)
        finished.append(1)
        return Progress(done=1)

    module = Module(name="m", work=work, every=1.0, limit=0.1)
    await asyncio.wait_for(module.run(), 5)
    assert len(begun) == len(finished) >= 2
    assert module.error is None


async def test_a_lane_that_fails_breaks_off_no_other() -> None:
    """While one message fails on our side, the one that Slack is taking in another lane is remembered."""
    slow = SlowSlack()

    async def does(outgoing: Outgoing, about: Dossier | None) -> Delivery:
        if outgoing.lane == "C01FINANCE":
            asyncio.get_running_loop().call_later(0.05, slow.confirms.set)
            return Delivered(channel="\0", ts=None)  # type: ignore[arg-type]  # what no record can hold
        return await slow.carry(outgoing, about)

    async with world() as room:
        _, large = await room.agent.asks(), await room.agent.asks(amount="7200.000")
        async with engine(room, Scripted(does)) as other:
            await courier_of(other).run()
        assert await cards_of(room, large) == ["1.0"]
        assert len(slow.accepted) == 1
        room.clock.advance(seconds=31)
        room.expected.add("module_failed")


async def test_an_ending_process_remembers_what_slack_took() -> None:
    """A process that is told to stop waits for the message that Slack is taking, and remembers its place."""
    slow = SlowSlack()
    async with world() as room:
        asked = await room.agent.asks()
        async with engine(room, slow) as other:
            other.start()
            async with asyncio.timeout(5):
                while not slow.accepted:
                    await asyncio.sleep(0.01)
            asyncio.get_running_loop().call_later(0.1, slow.confirms.set)
        assert await cards_of(room, asked) == ["1.0"]


async def test_the_clock_waits_for_no_message() -> None:
    """Slack holds on to a message: the clock's rungs are climbed all the same, side by side with it."""
    slow = SlowSlack()
    async with world() as room:
        await room.agent.asks()
        async with engine(room, slow) as other:
            other.start()
            async with asyncio.timeout(5):
                while not slow.accepted:
                    await asyncio.sleep(0.01)
                room.clock.advance(minutes=8)
                other.beat("deadlines")
                while not await room.events("request.climbed"):
                    await asyncio.sleep(0.01)
            slow.confirms.set()


# --- cards that say what is no longer so -----------------------------------------------------------------


async def test_a_process_that_slept_leaves_no_stale_card() -> None:
    """A replica that slept past its lease draws an old state over a newer one: the card is drawn again."""
    async with world() as room:
        asked = await room.agent.asks()
        card = await room.card(asked)
        await room.salma.clicks("I am looking", on=card)
        (row,) = [row for row in await deliver.take(room.core, limit=10) if row.kind is OutboxKind.CARD]
        drawn = list(card.blocks)

        async def sleeps(outgoing: Outgoing, about: Dossier | None) -> Delivery:
            room.clock.advance(seconds=31)
            await room.salma.clicks("Approve", on=card)
            await room.beats()
            assert card.says("Approved by")
            card.blocks = drawn
            return Delivered(channel=card.channel, ts=card.ts)

        await deliver.send(room.core, Scripted(sleeps), row)
        assert card.blocks == drawn
        await room.beats()
        assert "Approved by" in str(card.blocks)


# --- lanes that stand still ------------------------------------------------------------------------------


async def test_what_cannot_be_drawn_is_given_up_and_not_quoted() -> None:
    """A message that cannot be drawn stops neither its channel nor the agent; the log keeps its secret."""

    async def does(outgoing: Outgoing, about: Dossier | None) -> Delivery:
        if about is not None and about.request.id == poison["id"]:
            raise ValueError(f"cannot draw {SECRET}")
        return Delivered(channel=outgoing.lane, ts="1.0")

    async with world() as room:
        poison, other = await room.agent.asks(memo=SECRET), await room.agent.asks()
        async with engine(room, Scripted(does)) as drawing:
            for _ in range(60):
                await drawing.tick()
                room.clock.advance(seconds=1)
        assert await room.agent.state_of(poison) == "undeliverable"
        assert await cards_of(room, other) == ["1.0"]
        assert "message_not_drawn" in {entry["event"] for entry in room.log}
        assert SECRET not in str(room.log)
        room.expected.add("message_not_drawn")


async def test_slack_cannot_ask_us_to_wait_for_ever() -> None:
    """However long a rate limit claims to last, the message is tried again within the hour."""
    tries = []

    async def does(outgoing: Outgoing, about: Dossier | None) -> Delivery:
        tries.append(outgoing.id)
        return TryLater(why="ratelimited", after=timedelta(days=999_999_999))

    async with world() as room:
        await room.agent.wonders("Whose?", "Al Wadi")
        async with engine(room, Scripted(does)) as other:
            await courier_of(other).run()
            room.clock.advance(hours=1)
            await courier_of(other).run()
        assert len(tries) == 2
        room.clock.advance(hours=1)


# --- a clock that is ahead -------------------------------------------------------------------------------


async def test_a_clock_ahead_of_the_stores_does_not_make_the_engine_spin() -> None:
    """Our clock says due, the store's says not yet: the aim goes by the store's clock alone."""
    async with world() as room:
        room.clock.at = datetime(2020, 1, 1, tzinfo=UTC)
        await room.agent.asks()
        runs = []
        async with engine(room, SlowSlack(asyncio.Event())) as other:
            deadlines = other.modules[0]
            work, deadlines.every = deadlines.work, 3600.0

            async def counted() -> Progress:
                runs.append(1)
                return await work()

            deadlines.work = counted
            other.start()
            await asyncio.sleep(0.5)
        assert len(runs) <= 3


# --- a socket that goes deaf -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        SlackApiError("no", {"ok": False, "error": "internal_error"}),  # type: ignore[no-untyped-call]  # as the SDK has it
        aiohttp.ClientConnectionError("gone"),
        TimeoutError(),
        RuntimeError("Session is closed"),
    ],
)
async def test_the_watch_over_the_socket_survives(error: Exception) -> None:
    """Whatever goes wrong while Socket Mode connects, neither the start nor the watch ends by it."""
    socket = SocketMode(_nobody, app_token="xapp-1",
                        slack=AsyncWebClient(token="xoxb-1"))  # fmt: skip
    tries = []

    async def fails(force: bool = False) -> None:  # noqa: FBT001, FBT002  # as the SDK calls it
        tries.append(1)
        raise error

    socket._client.connect_to_new_endpoint = fails  # type: ignore[method-assign]  # the network, for once
    await asyncio.wait_for(socket.start(), 1)
    await socket.mend()
    assert len(tries) == 2
    await socket.stop()


async def test_the_sockets_address_is_not_logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slack's address for the socket holds a ticket: a refused connection writes it nowhere."""

    async def refuses(_: web.Request) -> web.Response:
        return web.Response(status=403)

    door = web.Application()
    door.router.add_get("/", refuses)
    async with TestServer(door) as server:
        socket = SocketMode(_nobody, app_token="xapp-1",
                            slack=AsyncWebClient(token="xoxb-1"))  # fmt: skip
        socket._client.wss_uri = str(server.make_url("/").with_query(ticket=SECRET))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                await socket._client.connect()  # type: ignore[no-untyped-call]  # as the SDK has it
        await socket.stop()
    said = "".join(capsys.readouterr())
    assert SECRET not in caplog.text + said
