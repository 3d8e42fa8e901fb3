"""
The lines and entries that have no match yet.

A line or an entry leaves the pool with its match and never comes back: that is why no ledger entry can be
matched twice.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from reconcile.ledger.entry import Entry
from reconcile.matching.match import Match
from reconcile.statement.statement import Line


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
