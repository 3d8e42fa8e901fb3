"""How long, how often and how much is measured."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a run of the benchmark costs."""

    runs: int  #: Each figure is the median of so many.
    seconds: float  #: Of one loop.
    at_once: tuple[int, ...] = (1, 8, 64)  #: How many callers each wait for their answer.
    by_the_clock: bool = True  #: Whether round trips are measured that arrive by the clock.
    trips_per_second: int = 50  #: Of the round trips over HTTP that arrive by the clock.
    clicks_per_second: tuple[int, ...] = (50, 500)
    clicks: int  #: As fast as they are taken.
    rows: int  #: Pending requests in the database, where it is not empty.
    window: float = 10.0  #: Seconds within which deadlines fall due.
    due: tuple[int, ...] = (1_000, 10_000)  #: How many of them.
    overdue: tuple[int, ...] = (10_000,)  #: Deadlines that are past at the start.
    held: tuple[int, ...] = (100_000,)  #: Pending requests of which none is due.
    idle: float = 4.0  #: Seconds for which a process that has nothing to do is watched.
    replicas: tuple[int, ...] = (1, 2)  #: How many processes share one PostgreSQL.
    settled: tuple[int, ...] = (0, 100_000)  #: Requests that were settled before.

    @property
    def clocked(self) -> float:
        """Seconds of a loop in which something begins by the clock."""
        return 2 * self.seconds

    @property
    def clicks_needed(self) -> int:
        """How many different pending requests the clicks of all runs are about."""
        by_the_clock = sum(round(rate * self.clocked) for rate in self.clicks_per_second)
        return self.runs * (by_the_clock + self.clicks)


FULL = Sizes(runs=3, seconds=1.0, clicks=1000, rows=10_000)
#: As the goals have it: in half an hour or more.
LARGE = replace(
    FULL,
    rows=1_000_000,
    due=(1_000, 10_000, 100_000),
    overdue=(10_000, 100_000),
    held=(100_000, 1_000_000),
    replicas=(1, 2, 4),
    settled=(0, 10_000, 100_000, 1_000_000),
)
#: Shows that every workload still runs and is right; its figures mean nothing.
QUICK = Sizes(
    runs=1,
    seconds=0.2,
    at_once=(1, 8),
    clicks=100,
    rows=0,
    window=2.0,
    due=(200,),
    overdue=(200,),
    held=(200,),
    idle=0.5,
    settled=(200,),
)
