"""What a close came to, as values; see `render` for how it is shown."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class State(StrEnum):
    """Where a line, or a ledger entry that moves no line, ended."""

    MATCHED = "matched"  #: By code.
    ASKED = "asked"  #: A person chose the entry.
    POSTED = "posted"  #: A posting was allowed and is in the book.
    REFUSED = "refused"  #: A person said no; nothing was written.
    OPEN = "open"  #: Nobody said anything that settles it; nothing was written.
    TRANSIT = "in transit"  #: In the ledger, not yet at the bank; for the statements to come.


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report."""

    state: State
    ref: str
    on: date
    amount: Decimal  #: Of the line; of the entry or difference where it moves no line.
    left: Decimal  #: What of it is not in the book yet (or not cleared, for what moves no line).
    about: str
    detail: str
    is_line: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a close."""

    workflow: str
    iban: str
    currency: str
    closed_on: date
    closing: Decimal  #: What the bank says.
    booked: Decimal  #: What the book says.
    in_transit: Decimal
    rows: tuple[Row, ...]

    @property
    def is_reconciled(self) -> bool:
        """Whether every line of the statement is in the book in full."""
        return not any(row.left for row in self.rows if row.is_line)

    @property
    def is_done(self) -> bool:
        """Whether nothing waits for anybody: reconciled, and what moves no line was decided too."""
        return self.is_reconciled and not self.of(State.OPEN)

    def of(self, *states: State) -> tuple[Row, ...]:
        """Return the rows in *states*."""
        return tuple(row for row in self.rows if row.state in states)
