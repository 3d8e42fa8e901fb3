"""The database's clock, reckoned between two looks at it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalation.store.postgres.server_clock import ServerClock
from tests.contract.samples import MINUTE, NOON, MovableClock

SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)


@dataclass
class Machine:
    """A database and a machine beside it, whose clocks a test moves together or apart."""

    server: datetime = NOON
    wall: MovableClock = field(default_factory=lambda: MovableClock(NOON + MINUTE))
    ticks: float = 0.0
    asked: int = 0

    async def fetchval(self, _sql: str) -> datetime:
        """Tell the database's time, as its connection does."""
        self.asked += 1
        return self.server

    def pass_time(self, by: timedelta) -> None:
        """Let time pass everywhere."""
        self.server += by
        self.wall.advance(by)
        self.ticks += by.total_seconds()

    def clock(self) -> ServerClock:
        """Return a clock that looks at these."""
        return ServerClock(ticks=lambda: self.ticks, wall=self.wall)


async def test_it_is_the_databases_time_and_not_the_machines() -> None:
    """The machine's clock is a minute ahead, and nobody notices."""
    machine = Machine()
    clock = machine.clock()
    assert await clock.now(machine) == NOON
    machine.pass_time(300 * MILLISECOND)
    assert await clock.now(machine) == NOON + 300 * MILLISECOND


async def test_the_database_is_asked_once_a_second() -> None:
    """Within a second the time is reckoned; after it the database is asked again."""
    machine = Machine()
    clock = machine.clock()
    for _ in range(11):
        assert await clock.now(machine) == machine.server
        machine.pass_time(100 * MILLISECOND)
    assert machine.asked == 1
    assert await clock.now(machine) == machine.server
    assert machine.asked == 2


async def test_a_machine_that_slept_asks_again() -> None:
    """After a suspended machine wakes, its stopped counter is not believed: no deadline is overslept."""
    machine = Machine()
    clock = machine.clock()
    await clock.now(machine)
    machine.server += 10 * MINUTE
    machine.wall.advance(10 * MINUTE)
    assert await clock.now(machine) == NOON + 10 * MINUTE


async def test_a_machine_whose_clock_was_set_is_not_fooled() -> None:
    """Setting the machine's clock, either way, moves no instant."""
    machine = Machine()
    clock = machine.clock()
    for jump in (5 * MINUTE, -9 * MINUTE):
        await clock.now(machine)
        machine.wall.advance(jump)
        assert await clock.now(machine) == machine.server


async def test_time_does_not_run_backwards_by_a_hair() -> None:
    """An answer that was longer under way than the one before does not turn time back."""
    machine = Machine()
    clock = machine.clock()
    await clock.now(machine)
    machine.pass_time(SECOND)
    latest = await clock.now(machine)
    machine.pass_time(MILLISECOND)
    machine.server -= 5 * MILLISECOND
    assert await clock.now(machine) >= latest


async def test_a_database_whose_clock_is_set_back_is_followed() -> None:
    """When the database's own clock is set back, that is the time from then on."""
    machine = Machine()
    clock = machine.clock()
    await clock.now(machine)
    machine.pass_time(2 * SECOND)
    machine.server -= 10 * MINUTE
    assert await clock.now(machine) == machine.server


async def test_a_clock_of_a_tests_own_is_obeyed() -> None:
    """With a clock to move, the database is never asked."""
    machine = Machine()
    assert await ServerClock(MovableClock()).now(machine) == NOON
    assert machine.asked == 0
