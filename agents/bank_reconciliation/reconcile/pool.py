"""
What is not matched yet, and what has been.

A line or an entry leaves the pool with its match and never comes back: that is why no ledger entry can be
matched twice.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from reconcile.evidence import Evidence, confidence
from reconcile.values import Entry, Line


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


class Pool:
    """The open lines and entries of a month, each in a fixed order."""

    def __init__(self, lines: Iterable[Line], entries: Iterable[Entry], *, currency: str) -> None:
        self.currency = currency
        self._lines = {line.ref: line for line in sorted(lines, key=lambda one: (one.booked_on, one.ref))}
        by_age = sorted(entries, key=lambda one: (one.booked_on, one.document))
        self._entries = {entry.document: entry for entry in by_age}

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines without a match, oldest first."""
        return tuple(self._lines.values())

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries without a match, oldest first."""
        return tuple(self._entries.values())

    def has(self, match: Match) -> bool:
        """Whether every part of *match* is still open."""
        return all(line.ref in self._lines for line in match.lines) and all(
            entry.document in self._entries for entry in match.entries
        )

    def take(self, match: Match) -> None:
        """Remove what *match* settles; to take a line or entry twice is a defect and raises KeyError."""
        for line in match.lines:
            del self._lines[line.ref]
        for entry in match.entries:
            del self._entries[entry.document]


Stage: TypeAlias = Callable[[Pool], Sequence[Match]]
