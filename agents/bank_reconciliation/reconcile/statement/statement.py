"""
A statement and its lines, as values.

Amounts are in the account's own currency and signed from its point of view: money in is positive.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconcile.shared.money import Foreign
from reconcile.shared.text import references


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One booked entry of the bank's statement."""

    ref: str  #: The bank's own reference; unique on the statement.
    booked_on: date
    value_on: date
    amount: Decimal
    counterparty: str = ""
    end_to_end: str = ""
    text: str = ""
    code: str = ""  #: ISO 20022 bank transaction code, ``PMNT-RCDT-ESCT``.
    foreign: Foreign | None = None

    @property
    def references(self) -> frozenset[str]:
        """Every normalised reference that the line names."""
        return references(self.end_to_end, self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One account's statement; opening plus all lines equals closing, or it was refused."""

    ident: str
    iban: str
    currency: str
    opened_on: date
    closed_on: date
    opening: Decimal
    closing: Decimal
    lines: tuple[Line, ...]

    @property
    def workflow(self) -> str:
        """The name of this month's close, ``close-2026-10``."""
        return f"close-{self.closed_on:%Y-%m}"
