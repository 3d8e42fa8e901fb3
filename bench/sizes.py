"""How long, how often and how much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What a run of the benchmark costs."""

    runs: int  #: Each figure is the median of so many.
    seconds: float  #: Of one loop.
    at_once: tuple[int, ...] = (1, 8, 64)  #: How many callers each wait for their answer.
    trips_per_second: int = 50  #: Of the round trips over HTTP that arrive by the clock.
    clicks_per_second: tuple[int, ...] = (50, 500)
    clicks: int  #: As fast as they are taken.
    rows: int  #: Pending requests in the database, where it is not empty.

    @property
    def clicks_needed(self) -> int:
        """How many different pending requests the clicks of all runs are about."""
        by_the_clock = sum(round(rate * self.seconds) for rate in self.clicks_per_second)
        return self.runs * (by_the_clock + self.clicks)


FULL = Sizes(runs=3, seconds=1.5, clicks=1000, rows=10_000)
#: Shows that every workload still runs and is right; its figures mean nothing.
QUICK = Sizes(runs=1, seconds=0.2, at_once=(1, 8), clicks=100, rows=0)
