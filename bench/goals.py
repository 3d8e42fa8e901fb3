"""What each figure should be, and whether it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bench.measure import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A line's figures by the names that goals use."""

    figures: Figures
    memory: float  #: Bytes.
    idle: float  #: Of one core.
    grown: float  #: Bytes.

    def value(self, name: str) -> float:
        """Return the figure called *name*, in the unit that goals have."""
        match name:
            case "a second":
                return self.figures.per_second
            case "p50":
                return self.figures.p50 * 1e3
            case "p99":
                return self.figures.p99 * 1e3
            case "max":
                return self.figures.most * 1e3
            case "memory":
                return self.memory / 2**20
            case "memory added":
                return self.grown / 2**20
            case "idle":
                return self.idle * 100
            case _:
                raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure that should not be above a limit, or not below it."""

    name: str
    limit: float
    unit: str
    at_least: bool = False

    def verdict(self, value: float) -> str:
        """Say what is wanted of *value*, and whether it is so or by how much it is missed."""
        sign = "≥" if self.at_least else "≤"
        wanted = f"{self.name} {sign} {self.limit:,g}{self.unit}"
        if value >= self.limit if self.at_least else value <= self.limit:
            return f"{wanted}: met"
        missed = self.limit / value if self.at_least else value / self.limit
        return f"**{wanted}: missed × {missed:,.1f}**"


def times(**limits: float) -> tuple[Goal, ...]:
    """Return goals in milliseconds."""
    return tuple(Goal(name, limit, " ms") for name, limit in limits.items())


_READY: Final = (*times(p50=1500), Goal("memory", 120, " MiB"))
_HELD: Final = (*times(p50=5), Goal("idle", 1, " %"), Goal("memory added", 30, " MiB"))
_CLICK: Final = times(p50=2.5, p99=8)
#: By work, database (or any) and load.
_GOALS: Final[Mapping[tuple[str, str, str], Sequence[Goal]]] = {
    ("round trip in process", "SQLite", "8 at once"): (
        Goal("a second", 1500, "", at_least=True),
        *times(p50=6),
    ),
    ("round trip in process", "PostgreSQL", "64 at once"): times(p99=60),
    ("round trip over HTTP", "", "50 a second"): times(p99=30),
    ("… from click to agent", "", "one at a time"): times(p50=2.5, p99=6),
    ("click → 200, committed", "", "50 a second"): (*_CLICK, *times(max=3000)),
    ("click → 200, committed", "", "500 a second"): (*_CLICK, *times(max=3000)),
    ("click → 200, committed", "", "64 at once"): (
        Goal("a second", 1500, "", at_least=True),
        *times(max=3000),
    ),
    ("start → ready", "", "empty"): _READY,
    ("start → ready", "", "10,000 pending requests"): _READY,
    ("start → ready", "", "1,000,000 pending requests"): _READY,
    ("start → ready", "", "10,000 overdue"): times(p50=1500),
    ("start → ready", "", "100,000 overdue"): times(p50=1500),
    ("deadline → settled, committed", "", "1,000 within 10 s"): times(p99=20),
    ("deadline → settled, committed", "", "10,000 within 10 s"): times(p99=50, max=250),
    ("deadline → settled, committed", "", "100,000 within 10 s"): times(p99=250),
    ("ready → all settled", "", "10,000 overdue"): times(max=3000),
    ("ready → all settled", "", "100,000 overdue"): times(max=20_000),
    ("rules changed → decided by", "", "one serving"): times(max=1000),
    ("rules changed → decided by", "", "3 serving"): times(max=1000),
    ("a tick that finds nothing due", "", "100,000 pending"): _HELD,
    ("a tick that finds nothing due", "", "1,000,000 pending"): _HELD,
}


def verdicts(work: str, database: str, load: str, measured: Measured) -> Iterator[str]:
    """Yield what is wanted of a line, and whether it is so."""
    for known in (database, ""):
        for goal in _GOALS.get((work, known, load), ()):
            yield goal.verdict(measured.value(goal.name))
