"""Eight lines that show everything a person may be asked; the README says what to answer."""

from dataclasses import replace
from decimal import Decimal

from sample.events import (
    RECEIPT,
    RECEIPT_ABROAD,
    Abroad,
    BankLine,
    CashEntry,
    Events,
    charge,
    day,
    omr,
    payment,
    receipt,
)


def month() -> Events:
    """Return the small month."""
    events = Events(
        name="BWAD-2026-10-SMALL",
        iban="OM290990000314159265358",
        opened_on=day(1),
        closed_on=day(31),
        opening=omr("12480.750"),
    )
    events.both(*receipt(day(4), omr("1875.500"), "Duqm Offshore Supply LLC", "INV-26-0918"))
    _duplicate(events)
    _abroad(events)
    _ambiguous(events)
    _missing(events)
    return events


def _duplicate(events: Events) -> None:
    """Note a bill that was paid once and booked twice."""
    line, entry = payment(day(6), omr("640.250"), "Rusayl Packaging LLC", "BILL-3311")
    events.both(line, entry, replace(entry, on=day(8)))


def _abroad(events: Events) -> None:
    """Note euros that came in at the rate that the ledger expected: 900.00 × 0.4200 = 378.000."""
    euros = Abroad(currency="EUR", amount=Decimal("900.00"), rate=Decimal("0.4200"))
    name, reference = "Officina Brenta Srl", "INV-26-0925"
    events.both(
        BankLine(
            on=day(11),
            amount=omr("378.000"),
            code=RECEIPT_ABROAD,
            name=name.upper(),
            end_to_end=reference,
            abroad=euros,
        ),
        CashEntry(
            on=day(11),
            amount=omr("378.000"),
            account="1200",
            name=name,
            reference=reference,
            text="Receipt in euros",
            abroad=euros,
        ),
    )


def _ambiguous(events: Events) -> None:
    """Note one receipt without a reference, and two invoices of exactly that amount."""
    name, amount = "Qurum Hospitality SAOC", omr("1250.000")
    events.lines.append(
        BankLine(on=day(14), amount=amount, code=RECEIPT, name=name.upper(), text="PAYMENT OF INVOICE")
    )
    for on, reference in ((day(12), "INV-26-0930"), (day(13), "INV-26-0931")):
        text = f"Receipt {reference}"
        entry = CashEntry(on=on, amount=amount, account="1200", name=name, reference=reference, text=text)
        events.entries.append(entry)


def _missing(events: Events) -> None:
    """Note what the ledger does not know: two charges, an advance, and money that is not ours."""
    events.lines += [
        charge(day(15), omr("4.200"), "TT CHARGES"),
        charge(day(18), omr("105.000"), "LC 26-114 AMENDMENT COMMISSION INCL 5% VAT"),
        BankLine(
            on=day(21),
            amount=omr("7200.000"),
            code=RECEIPT,
            name="DUQM OFFSHORE SUPPLY LLC",
            text="ADVANCE FOR ORDER SO-26-0441",
        ),
        BankLine(
            on=day(27), amount=omr("480.000"), code=RECEIPT, name="AL HAZM DENTAL CLINIC", text="OCT RENT"
        ),
    ]
