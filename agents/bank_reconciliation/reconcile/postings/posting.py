"""
A posting: one account against the bank or the transit account, the argument of the action ``ledger.post``.

The amount is always positive and in the book's own currency; ``side`` says whether ``account`` is debited or
credited, and ``against`` takes the other side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Literal, TypeAlias, assert_never

Side: TypeAlias = Literal["debit", "credit"]


class Kind(StrEnum):
    """Why a posting is needed."""

    BANK_FEE = "bank_fee"  #: The bank charged something that the ledger does not have.
    INTEREST = "interest"
    RECEIPT = "receipt"  #: Money came in that nobody booked.
    PAYMENT = "payment"  #: Money went out that nobody booked.
    FX_DIFFERENCE = "fx_difference"  #: The bank's rate is not the ledger's.
    DUPLICATE = "duplicate"  #: The ledger has a payment or a receipt twice.
    REST = "rest"  #: What an edited posting left of its line.
    REVERSAL = "reversal"  #: Takes an earlier posting back.


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One posting, complete: what a person sees, what is digested, what is written."""

    kind: Kind
    account: str
    side: Side
    against: str
    amount: Decimal
    currency: str
    memo: str
    booking_date: date
    value_date: date
    statement_ref: str
    ledger_ref: str = ""  #: The document of a duplicate, or the posting that is taken back.
    instructed: str = ""  #: ``USD 1200.00 @ 0.3845`` where the line was in another currency.

    @property
    def ident(self) -> str:
        """
        The posting's identity in the book: the same need never has two.

        What a line lacks is one need whatever the agent takes it for, so the kind is no part of it.
        """
        match self.kind:
            case Kind.DUPLICATE | Kind.REVERSAL:
                return f"{self.kind}:{self.ledger_ref}"
            case Kind.REST | Kind.FX_DIFFERENCE:
                return f"{self.kind}:{self.statement_ref}"
            case Kind.BANK_FEE | Kind.INTEREST | Kind.RECEIPT | Kind.PAYMENT:
                return f"line:{self.statement_ref}"
            case _:
                assert_never(self.kind)

    @property
    def moved(self) -> Decimal:
        """What the posting adds to `against`: positive when `account` is credited."""
        return self.amount if self.side == "credit" else -self.amount

    def reversed(self, *, memo: str) -> "Posting":
        """Return the posting that takes this one back in full."""
        side: Side = "credit" if self.side == "debit" else "debit"
        return replace(self, kind=Kind.REVERSAL, side=side, memo=memo, ledger_ref=self.ident)

    def arguments(self) -> Mapping[str, str | Decimal | date]:
        """Return the arguments of ``ledger.post``, each under its own name."""
        return {
            "kind": self.kind.value, "account": self.account, "side": self.side, "against": self.against,
            "amount": self.amount, "currency": self.currency, "memo": self.memo,
            "booking_date": self.booking_date, "value_date": self.value_date,
            "statement_ref": self.statement_ref, "ledger_ref": self.ledger_ref, "instructed": self.instructed,
        }  # fmt: skip


def side_of(moved: Decimal) -> Side:
    """Return the side of the account when `against` gains *moved*."""
    return "credit" if moved > 0 else "debit"
