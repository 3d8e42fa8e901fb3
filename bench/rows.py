"""One line of the table: what was measured, on what, under which load."""

from dataclasses import dataclass, replace
from typing import Final

from bench.goals import Measured, verdicts
from bench.measure import Figures

#: The row that every share is a share of.
BARE: Final = "bare: one row, one commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    work: str
    database: str
    load: str
    figures: Figures
    commits: int = 0  #: How many commits one of it needs, where that is to be compared.
    is_rate: bool = True  #: Whether "a second" says anything.
    memory: int = 0  #: Bytes that the process holds.
    grown: int = 0  #: Bytes that it holds more than without what the load says.
    idle: float = 0.0  #: Of one core, while there is nothing to do.
    goal: str = ""  #: A verdict that is about other rows too.
    note: str = ""

    def noting(self, note: str) -> "Row":
        """Return the row with *note* added."""
        return replace(self, note="; ".join(filter(None, (self.note, note))))

    @property
    def brief(self) -> str:
        """What was measured, in a line."""
        rate = f"{self.figures.per_second:,.0f} a second, " if self.is_rate else ""
        return f"{self.work}, {self.load}: {rate}{self.figures.brief}; {self.note}"

    @property
    def verdict(self) -> str:
        """What is wanted of it, and whether it is so."""
        measured = Measured(figures=self.figures, memory=self.memory, grown=self.grown, idle=self.idle)
        return "; ".join(
            [*verdicts(self.work, self.database, self.load, measured), *filter(None, [self.goal])]
        )
