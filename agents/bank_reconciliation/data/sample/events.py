"""What can happen to a bank account in a month, and what the bank and the ERP each write down about it."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Abroad:
    """Money in another currency, and the price of one unit in rials."""

    currency: str
    amount: Decimal
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BankLine:
    """One line of the statement; money in is positive."""

    on: date
    amount: Decimal
    code: str
    name: str = ""
    end_to_end: str = ""
    text: str = ""
    abroad: Abroad | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CashEntry:
    """One cash entry of the ledger; money in is positive."""

    on: date
    amount: Decimal
    account: str
    name: str
    reference: str
    text: str
    abroad: Abroad | None = None


@dataclass(slots=True, kw_only=True)
class Events:
    """Everything of one month."""

    name: str
    iban: str
    opened_on: date
    closed_on: date
    opening: Decimal
    lines: list[BankLine] = field(default_factory=list)
    entries: list[CashEntry] = field(default_factory=list)

    def both(self, line: BankLine, *entries: CashEntry) -> None:
        """Note what the bank and the ledger both saw."""
        self.lines.append(line)
        self.entries.extend(entries)


def day(number: int, month: int = 10) -> date:
    """Return a day of 2026."""
    return date(2026, month, number)


def omr(text: str) -> Decimal:
    """Return rials with their three places."""
    return Decimal(text).quantize(Decimal("0.001"))


RECEIPT, RECEIPT_ABROAD = "PMNT-RCDT-DMCT", "PMNT-RCDT-XBCT"
PAYMENT, PAYMENT_ABROAD = "PMNT-ICDT-DMCT", "PMNT-ICDT-XBCT"
CHARGE, INTEREST, CHEQUE, CARD = "PMNT-MDOP-CHRG", "PMNT-MCOP-INTR", "PMNT-ICHQ-CCHQ", "PMNT-MCRD-POSP"


def receipt(on: date, amount: Decimal, name: str, reference: str) -> tuple[BankLine, CashEntry]:
    """Return a customer's payment as the bank and the ledger see it, both naming the invoice."""
    line = BankLine(on=on, amount=amount, code=RECEIPT, name=name.upper(), end_to_end=reference)
    text = f"Receipt {reference}"
    return line, CashEntry(on=on, amount=amount, account="1200", name=name, reference=reference, text=text)


def payment(
    on: date, amount: Decimal, name: str, reference: str, *, account: str = "2100"
) -> tuple[BankLine, CashEntry]:
    """Return a payment of *amount*, positive, as the bank and the ledger see it, both naming the bill."""
    text = f"Payment {reference}"
    line = BankLine(on=on, amount=-amount, code=PAYMENT, name=name.upper(), text=text.upper())
    return line, CashEntry(on=on, amount=-amount, account=account, name=name, reference=reference, text=text)


def charge(on: date, amount: Decimal, text: str) -> BankLine:
    """Return a charge of the bank of *amount*, positive; the ledger never knows it."""
    return BankLine(on=on, amount=-amount, code=CHARGE, name="BANK OF WADI ADAI SAOG", text=text)
