"""A cash entry of the ledger, as a value; money in is positive, as on the statement."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reconcile.shared.money import Foreign


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
