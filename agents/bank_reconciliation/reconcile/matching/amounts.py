"""The amounts by which a line and an entry may be recognised as the same money."""

from decimal import Decimal
from typing import TypeAlias

from reconcile.ledger.entry import Entry
from reconcile.statement.statement import Line

Key: TypeAlias = tuple[str, Decimal]  #: Currency and signed amount.


def amount_keys(item: Line | Entry, currency: str) -> frozenset[Key]:
    """Return the signed amounts by which *item* may be recognised: at home and, if it has one, abroad."""
    home = {(currency, item.amount)}
    if item.foreign is not None:
        sign = 1 if item.amount > 0 else -1
        home.add((item.foreign.currency, sign * item.foreign.amount))
    return frozenset(home)
