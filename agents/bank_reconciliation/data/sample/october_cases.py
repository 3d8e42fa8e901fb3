"""The few things in October that need thought: batches, splits, currencies, duplicates, doubts, gaps."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from sample.events import (
    PAYMENT,
    PAYMENT_ABROAD,
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


def add_cases(events: Events) -> None:
    """Add every case to *events*."""
    _batch(events)
    _split(events)
    _sum(events)
    _currencies(events)
    _duplicates(events)
    _doubts(events)
    _gaps(events)


def _entry(on: date, amount: str, name: str, reference: str) -> CashEntry:
    account = "2100" if amount.startswith("-") else "1200"
    return CashEntry(
        on=on, amount=omr(amount), account=account, name=name, reference=reference, text=f"For {reference}"
    )


def _line(on: date, amount: str, name: str, text: str) -> BankLine:
    code = PAYMENT if amount.startswith("-") else RECEIPT
    return BankLine(on=on, amount=omr(amount), code=code, name=name.upper(), text=text)


def _batch(events: Events) -> None:
    """Note one transfer for three bills: 410.500 + 233.125 + 98.000 = 741.625."""
    name = "Batinah Freight Services LLC"
    bills = (("-410.500", "BILL-7001"), ("-233.125", "BILL-7002"), ("-98.000", "BILL-7003"))
    events.both(
        _line(day(13), "-741.625", name, "BILL-7001, BILL-7002, BILL-7003"),
        *(_entry(day(12), amount, name, reference) for amount, reference in bills),
    )


def _split(events: Events) -> None:
    """Note one invoice of 6,400.000 paid in two parts: 4,000.000 and 2,400.000."""
    name = "Jabal Shams Contracting LLC"
    events.both(
        _line(day(14), "4000.000", name, "PART 1 OF INV-26-1201"),
        _entry(day(14), "6400.000", name, "INV-26-1201"),
    )
    events.lines.append(_line(day(21), "2400.000", name, "PART 2 OF INV-26-1201"))


def _sum(events: Events) -> None:
    """Note one receipt for two invoices that it does not name: 512.750 + 388.400 = 901.150."""
    name = "Musandam Divers Club"
    events.both(
        _line(day(19), "901.150", name, "ACCOUNT SETTLEMENT"),
        _entry(day(18), "512.750", name, "INV-26-1203"),
        _entry(day(19), "388.400", name, "INV-26-1204"),
    )


def _currencies(events: Events) -> None:
    """Note dollars and euros, two of them at another rate than the ledger expected."""
    ningbo, brenta, zanzibar = (
        "Ningbo Harbour Tools Co Ltd",
        "Officina Brenta Srl",
        "Zanzibar Spice Importers",
    )
    _abroad(events, day(8), ningbo, "PO-26-0071 USD -4000.00", rates=("0.3845", "0.3845"))
    _abroad(events, day(15), ningbo, "PO-26-0077 USD -10000.00", rates=("0.3850", "0.3845"))
    _abroad(events, day(22), brenta, "PO-26-0080 EUR -3150.00", rates=("0.4213", "0.4213"))
    _abroad(events, day(27), zanzibar, "INV-26-1210 USD 2500.00", rates=("0.3852", "0.3845"))
    events.lines.append(charge(day(15), omr("12.600"), "TT CHARGES PO-26-0077"))


def _abroad(events: Events, on: date, name: str, what: str, *, rates: tuple[str, str]) -> None:
    """Note money of another country at the bank's rate and at the ledger's, in this order."""
    reference, currency, signed = what.split()
    amount = Decimal(signed)
    at_bank, in_ledger = (Abroad(currency=currency, amount=abs(amount), rate=Decimal(rate)) for rate in rates)
    line = BankLine(
        on=on,
        amount=omr(str(amount * at_bank.rate)),
        code=PAYMENT_ABROAD if amount < 0 else RECEIPT_ABROAD,
        name=name.upper(),
        end_to_end=reference,
        abroad=at_bank,
    )
    entry = _entry(on, str(amount * in_ledger.rate), name, reference)
    events.both(line, replace(entry, abroad=in_ledger))


def _duplicates(events: Events) -> None:
    """Note a bill and a receipt that were booked twice."""
    line, entry = payment(day(11), omr("1312.400"), "Wadi Kabir Paints LLC", "BILL-7010")
    events.both(line, entry, replace(entry, on=day(13)))
    line, entry = receipt(day(18), omr("265.900"), "Rustaq Honey Traders SPC", "INV-26-1215")
    events.both(line, entry, replace(entry, on=day(19)))


def _doubts(events: Events) -> None:
    """Note two invoices of one amount; and an invoice that somebody mistyped: 1,530.000 for 1,350.000."""
    name = "Khasab Ferry Catering LLC"
    events.both(
        _line(day(20), "775.000", name, "PAYMENT OCTOBER"),
        _entry(day(18), "775.000", name, "INV-26-1220"),
        _entry(day(19), "775.000", name, "INV-26-1221"),
    )
    name = "Seeb Garden Nurseries LLC"
    events.both(
        _line(day(25), "1350.000", name, "INV-26-1225"), _entry(day(25), "1530.000", name, "INV-26-1225")
    )


def _gaps(events: Events) -> None:
    """Note what the ledger does not know: receipts, a direct debit, and money from a stranger."""
    events.lines += [
        _line(day(12), "2640.000", "Ibra Steel Fabrication LLC", "ON ACCOUNT"),
        _line(day(26), "9850.000", "Yanqul Mining Services LLC", "ADVANCE SO-26-0460"),
        _line(day(27), "-89.250", "Gulf Line Telecom", "ROUTER"),
        _line(day(28), "333.000", "M S AL BALUSHI", "REF GIFT"),
    ]
