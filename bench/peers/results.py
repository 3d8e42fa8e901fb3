"""What was measured beside other tools."""

import sys
from dataclasses import dataclass, field
from typing import Final

from bench.measure import Figures

OURS: Final = "Andon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """What became of timers."""

    count: int  #: How many fired.
    wanted: int
    early: int
    p50: float | None  #: Seconds.
    p99: float | None
    most: float | None
    cpu: float  #: Seconds.
    memory: int  #: Bytes.
    created_in: float | None = None  #: Seconds.


@dataclass(slots=True, kw_only=True)
class Results:
    """What was measured, and who was left out."""

    trips: dict[tuple[str, str, int], list[Figures]] = field(default_factory=dict)  #: By work, name, callers.
    timers: dict[tuple[str, int], Timed] = field(default_factory=dict)  #: By name and how many.
    left_out: dict[str, str] = field(default_factory=dict)  #: Who, and why.

    def leave_out(self, name: str, why: object) -> None:
        """Note that *name* cannot be measured, and say so."""
        self.left_out[name] = " ".join(str(why).split()) or type(why).__name__
        print(f"left out: {name}: {self.left_out[name]}", file=sys.stderr, flush=True)
