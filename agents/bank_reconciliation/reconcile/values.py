"""
The values that a month is made of.

A statement has **lines**, a ledger has **entries**; both are signed from the bank account's point of view:
money in is positive. Amounts are in the account's own currency.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from reconcile.text import references

Key: TypeAlias = tuple[str, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """The same money in another currency: positive amount, and what one unit of it costs at home."""

    currency: str
    amount: Decimal
    rate: Decimal

    def __str__(self) -> str:
        return f"{self.currency} {self.amount:f} @ {self.rate:f}"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One cash entry of the ledger: what the company believes it paid or received."""

    document: str  #: The ERP's document number; unique in the export.
    booked_on: date
    account: str  #: The other side, as a Beancount account.
    amount: Decimal
    counterparty: str = ""
    reference: str = ""
    text: str = ""
    foreign: Foreign | None = None


def keys(item: Line | Entry, currency: str) -> frozenset[Key]:
    """Return the signed amounts by which *item* may be recognised: at home and, if it has one, abroad."""
    home = {(currency, item.amount)}
    if item.foreign is not None:
        sign = 1 if item.amount > 0 else -1
        home.add((item.foreign.currency, sign * item.foreign.amount))
    return frozenset(home)
