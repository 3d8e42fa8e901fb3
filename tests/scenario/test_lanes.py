"""Each channel is sent to by itself: however slow one is, the others are not, and asks go first."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from escalation.engine import outbox
from escalation.engine.metronome import Metronome
from escalation.engine.reach import Reach
from escalation.ids import OutboxId
from escalation.notice import Resumed, body
from escalation.ports import Delivered, Delivery, Dossier, OutboxKind, Outgoing, Turn
from tests.scenario.world import NOON, World, world

SLOW = "C09SLOW"


@dataclass(slots=True)
class Lanes:
    """A courier whose slow lane answers only when told; it counts what is under way."""

    goes_on: asyncio.Event = field(default_factory=asyncio.Event)
    slow: frozenset[str] = frozenset({SLOW})
    said: list[Outgoing] = field(default_factory=list)
    under_way: Counter[str] = field(default_factory=Counter)
    most: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        self.under_way[outgoing.lane] += 1
        assert self.under_way[outgoing.lane] == 1
        self.most = max(self.most, self.under_way.total())
        self.changed.set()
        if outgoing.lane in self.slow:
            await self.goes_on.wait()
        else:
            await asyncio.sleep(0)
        self.under_way[outgoing.lane] -= 1
        self.said.append(outgoing)
        self.changed.set()
        return Delivered(channel=outgoing.lane, ts=f"{len(self.said)}.0")

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once *holds*, without a guess at how long that takes."""
        async with asyncio.timeout(30):
            while not holds():
                self.changed.clear()
                await self.changed.wait()


def alarm(name: str, lane: str) -> Outgoing:
    said = body(Resumed(scope="all", by="salma", stopped_by="khalid"))
    return Outgoing(id=OutboxId(f"out_{name}"), kind=OutboxKind.ALERT, lane=lane, request=None, body=said,
                    at=NOON, not_before=NOON, turn=Turn.ALARM)  # fmt: skip


async def say(room: World, *rows: Outgoing) -> None:
    async with room.store.write() as tx:
        for row in rows:
            await tx.outbox.add(row)


@asynccontextmanager
async def engine(room: World, lanes: Lanes) -> AsyncIterator[Metronome]:
    """Run an engine over *lanes*, as the room's own would."""
    made = Metronome(room.core, lanes)
    made.start()
    try:
        yield made
    finally:
        lanes.goes_on.set()
        await made.stop()


async def test_a_slow_lane_delays_no_other() -> None:
    """While one channel takes its time over one message, another gets all of its own."""
    async with world() as room:
        lanes = Lanes()
        await say(room, alarm("slow", SLOW), *(alarm(f"{n}", "C01") for n in range(20)))
        async with engine(room, lanes):
            await lanes.until(lambda: len(lanes.said) == 20)
            assert {each.lane for each in lanes.said} == {"C01"}
            assert lanes.under_way[SLOW] == 1


async def test_what_comes_while_a_lane_is_slow_is_said_at_once() -> None:
    """A request that is asked while one channel hangs is posted in its own without waiting for it."""
    async with world() as room:
        lanes = Lanes()
        await say(room, alarm("slow", SLOW))
        async with engine(room, lanes):
            await lanes.until(lambda: lanes.under_way[SLOW] == 1)
            asked = await room.agent.asks()
            await lanes.until(lambda: [each.request for each in lanes.said] == [asked["id"]])
            assert lanes.under_way[SLOW] == 1


async def test_lanes_are_bounded_in_all_and_each() -> None:
    """Of a hundred lanes so many are under way at once, one message each, and all come to their turn."""
    async with world() as room:
        lanes = Lanes()
        await say(room, *(alarm(f"{lane}_{n}", f"C{lane:03}") for lane in range(100) for n in range(2)))
        async with engine(room, lanes):
            await lanes.until(lambda: len(lanes.said) == 200)
        assert lanes.most == outbox.AT_ONCE


async def test_slow_lanes_leave_room_for_quick_ones() -> None:
    """All places but one are taken by channels that hang: the others go on through the one that is left."""
    async with world() as room:
        slow = frozenset(f"C{n:03}" for n in range(outbox.AT_ONCE - 1))
        lanes = Lanes(slow=slow)
        await say(room, *(alarm(f"slow_{lane}", lane) for lane in slow))
        async with engine(room, lanes):
            await lanes.until(lambda: lanes.under_way.total() == len(slow))
            await say(room, *(alarm(f"{n}", f"D{n:03}") for n in range(10)))
            await room.core.wakeups.wake("outbox")
            await lanes.until(lambda: len(lanes.said) == 10)


async def test_an_ask_goes_before_what_its_lane_has_waited_with() -> None:
    """Twenty older messages wait in the channel: the card of a new request is posted before them."""
    async with world() as room:
        lanes = Lanes()
        await say(room, *(alarm(f"{n}", "C01FINANCE") for n in range(20)))
        asked = await room.agent.asks()
        async with engine(room, lanes):
            await lanes.until(lambda: len(lanes.said) == 21)
        assert lanes.said[0].request == asked["id"]


async def test_a_message_that_hangs_is_broken_off_at_the_end() -> None:
    """What hangs for longer than the end of the process waits for is ended with it."""
    async with world() as room:
        lanes = Lanes()
        await say(room, alarm("slow", SLOW))
        relay = outbox.Relay(room.core, lanes, Reach())
        running = asyncio.create_task(relay.empty())
        await lanes.until(lambda: lanes.under_way[SLOW] == 1)
        running.cancel()
        await asyncio.wait([running])
        await relay.stop()
        assert lanes.said == []
        room.clock.advance(seconds=31)
