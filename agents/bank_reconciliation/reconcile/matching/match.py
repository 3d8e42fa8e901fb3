"""What matching finds: lines and entries that are the same money, or a line that only a person can match."""

from dataclasses import dataclass
from decimal import Decimal

from reconcile.ledger.entry import Entry
from reconcile.shared.evidence import Evidence, confidence
from reconcile.statement.statement import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Lines of the statement and entries of the ledger that are the same money."""

    lines: tuple[Line, ...]
    entries: tuple[Entry, ...]
    how: str
    evidence: tuple[Evidence, ...]

    @property
    def confidence(self) -> float:
        """How sure the match is, 0 to 1."""
        return confidence(self.evidence)

    @property
    def difference(self) -> Decimal:
        """What the bank moved beyond the ledger; zero unless currencies or a person came between."""
        booked = sum((entry.amount for entry in self.entries), Decimal(0))
        return sum((line.amount for line in self.lines), Decimal(0)) - booked


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A line that code must not match: there are several candidates, or one that is not sure enough."""

    line: Line
    candidates: tuple[Match, ...]  #: Best first.
