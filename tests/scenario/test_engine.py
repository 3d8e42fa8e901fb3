"""The engine in real time: it wakes by itself, strikes at the deadline, and survives its own modules."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from escalation.clock import SystemClock
from escalation.engine import watchdog
from escalation.engine.module import Module, Progress
from escalation.engine.runner import Runner
from escalation.errors import StoreUnavailable
from escalation.service import deadlines
from tests.scenario.unreliable import UnreliableStore
from tests.scenario.world import MovableClock, World, world


@dataclass(slots=True)
class RunningClock(MovableClock):
    """The real time, some way off."""

    off: timedelta = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.off

    def advance(self, **by: float) -> None:
        """Let it run ahead of, or behind, the real time."""
        self.off += timedelta(**by)


@pytest.fixture
async def live() -> AsyncIterator[World]:
    """A world whose clock runs, and whose engine was not started yet."""
    async with world(clock=RunningClock(datetime.min.replace(tzinfo=UTC))) as room:
        yield room
        await room.house.engine.stop()


async def starts(room: World) -> None:
    """Start the engine and let its listeners listen."""
    room.house.engine.start()
    await asyncio.sleep(0.05)


async def eventually(holds: Callable[[], Awaitable[bool]], *, within: float = 8.0) -> None:
    async with asyncio.timeout(within):
        while not await holds():
            await asyncio.sleep(0.02)


def never_beats(room: World, *names: str) -> None:
    """Let the modules called *names* run only when something wakes them."""
    for module in room.house.engine.modules:
        if module.name in names:
            module.every = 3600.0


async def test_a_card_is_posted_without_waiting_for_a_beat(live: World) -> None:
    """A new request wakes the courier at once."""
    never_beats(live, "outbox")
    await starts(live)
    await live.agent.asks()
    await live.salma.sees("61.500", in_="#finance")


async def test_what_waits_under_a_stop_is_ended_without_waiting_for_a_beat(live: World) -> None:
    """A stop wakes the module that sweeps it, and the agent's long poll hears of it."""
    never_beats(live, "sweeping")
    await starts(live)
    asked = await live.agent.asks()
    waiting = asyncio.create_task(live.agent.sees(asked, wait=30))
    await live.khalid.types("/andon stop all It posts twice")
    assert (await asyncio.wait_for(waiting, 8))["state"] == "killed"


async def test_the_engine_strikes_at_the_deadline(live: World) -> None:
    """Once aimed, with no beat for an hour, a request settles at its own deadline; the waiter hears it."""
    never_beats(live, "deadlines")
    await starts(live)
    live.clock.advance(minutes=-15, seconds=1)
    asked = await live.agent.asks()
    live.clock.advance(minutes=15, seconds=-1)
    live.house.engine.beat("deadlines")
    settled = await asyncio.wait_for(live.agent.sees(asked, wait=30), 8)
    assert settled["state"] in {"timed_out", "undeliverable"}
    assert settled["decided_at"] >= settled["deadline"]


async def test_two_deadlines_in_a_row(live: World) -> None:
    """After one strike the engine aims at the next: reminder, backup and deadline follow each other."""
    never_beats(live, "deadlines")
    await starts(live)
    live.clock.advance(minutes=-15, seconds=1)
    first = await live.agent.asks()
    live.clock.advance(seconds=0.5)
    second = await live.agent.asks(memo="a little later")
    live.clock.advance(minutes=15, seconds=-1.5)
    live.house.engine.beat("deadlines")

    async def both() -> bool:
        return {await live.agent.state_of(one) for one in (first, second)} <= {"timed_out", "undeliverable"}

    await eventually(both)


async def test_what_was_overdue_is_settled_at_the_start(live: World) -> None:
    """A process that starts late settles at once what is overdue."""
    live.clock.advance(hours=-1)
    asked = await live.agent.asks()
    live.clock.advance(hours=1)
    await starts(live)
    assert await live.agent.state_of(asked) in {"timed_out", "undeliverable"}


async def test_the_engine_seals_and_stops(live: World) -> None:
    """It seals by itself; after it stopped, nothing beats any more, and stopping twice is harmless."""
    await starts(live)
    await live.agent.asks()

    async def sealed() -> bool:
        async with live.store.read() as tx:
            return await tx.record.count_unlinked() == 0

    await eventually(sealed)
    await live.house.engine.stop()
    asked = await live.agent.asks(memo="after the end")
    await asyncio.sleep(0.1)
    assert live.salma.slack.in_channel("#finance")[-1].says("after the end") is False
    await live.house.engine.stop()
    assert await live.agent.state_of(asked) == "pending"


async def test_an_outage_while_it_aims(live: World) -> None:
    """A beat and a wake-up that come while the database is away end neither the runner nor the listener."""
    inner = live.store
    store = UnreliableStore(inner)
    object.__setattr__(live.core, "store", store)
    await starts(live)
    with store.goes_away():
        live.house.engine.beat("deadlines")
        await live.core.wakeups.wake("outbox")
        await asyncio.sleep(0.05)
    await live.agent.asks()
    await live.salma.sees("61.500", in_="#finance")
    await live.beats()
    object.__setattr__(live.core, "store", inner)


async def test_a_module_runs_until_nothing_is_due() -> None:
    """One run does batch after batch and returns how much it did."""
    batches = iter([Progress(done=3), Progress(done=2), Progress(done=0, next_in=7.0)])

    async def work() -> Progress:
        return next(batches)

    module = Module(name="m", work=work, every=1.0)
    assert await module.run() == 5
    assert (module.error, module.last_ok is not None, module.is_late()) == (None, True, False)
    assert module.next_in == 7.0


async def test_a_module_that_fails_does_not_harm_the_others(room: World) -> None:
    """An unexpected error is logged with its module, shown by readiness, and gone after the next good run."""
    room.expected.add("module_failed")
    broken = [True]
    deadlines = room.house.engine.modules[0]
    work = deadlines.work

    async def work_or_fail() -> Progress:
        if broken:
            broken.clear()
            raise ZeroDivisionError("a bug")
        return await work()

    deadlines.work = work_or_fail
    await room.agent.asks()
    await room.house.engine.tick()
    assert room.slack.in_channel("#finance")
    assert watchdog.trouble(room.house.engine.modules) == ["deadlines: ZeroDivisionError"]
    assert str(deadlines.error).startswith("ZeroDivisionError")
    assert (await room.agent.gets("/readyz")).status_code == 503
    await room.house.engine.tick()
    assert watchdog.trouble(room.house.engine.modules) == []


async def test_a_module_that_hangs_is_cut_off() -> None:
    """A run has a time limit; what stumbles the same way twice is logged once."""
    calls = []

    async def work() -> Progress:
        calls.append(1)
        await asyncio.sleep(60)
        return Progress(done=0)

    module = Module(name="slow", work=work, every=0.0, limit=0.01)
    await module.run()
    await module.run()
    assert len(calls) == 2
    assert str(module.error).startswith("TimeoutError")
    await module.settle()


async def test_a_module_that_stays_away_is_an_alarm(room: World) -> None:
    """The watchdog says which module has not run through for too long."""
    room.expected.add("module_is_late")
    deadlines = room.house.engine.modules[0]
    deadlines.last_ok = -1e9
    assert deadlines.is_late()
    await room.house.engine.modules[-1].run()
    assert [e["module"] for e in room.log if e["event"] == "module_is_late"] == ["deadlines"]


async def test_a_module_that_cannot_reach_the_store_says_so() -> None:
    """An outage is a stumble, not a failure of ours."""

    async def work() -> Progress:
        raise StoreUnavailable("away")

    module = Module(name="m", work=work, every=1.0)
    assert await module.run() == 0
    assert str(module.error).startswith("StoreUnavailable")


async def test_the_oldest_are_settled_first_batch_by_batch(any_room: World) -> None:
    """Twelve overdue requests in batches of five: none twice, none left."""
    room = any_room
    asked = []
    for number in range(12):
        asked.append((await room.agent.asks(memo=f"number {number}"))["id"])
        room.clock.advance(seconds=1)
    room.clock.advance(minutes=15)
    settled = [await deadlines.settle_due(room.core, batch=5) for _ in range(4)]
    assert settled == [5, 5, 2, 0]
    assert [event.subject for event in await room.events("request.undeliverable")] == asked


async def test_a_cancellation_that_leaks_does_not_end_a_module() -> None:
    """A library lets a cancellation escape that nobody asked for: the module runs again at the next beat."""
    runs = []

    async def work() -> Progress:
        runs.append(1)
        if len(runs) == 1:
            raise asyncio.CancelledError
        return Progress(done=0)

    runner = Runner(Module(name="m", work=work, every=1.0))
    runner.start()
    await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    runner.stir()
    async with asyncio.timeout(5):
        while len(runs) < 2:
            await asyncio.sleep(0.01)
    runner.cancel()
    await runner.ended()


async def test_a_module_that_settles_begins_nothing_more() -> None:
    """Once it was told to finish, a module with a backlog begins no further batch, whoever stirs it."""
    runs = []

    async def work() -> Progress:
        runs.append(1)
        return Progress(done=1)

    module = Module(name="m", work=work, every=1.0)
    await module.settle()
    assert await module.run() == 0
    assert runs == []
