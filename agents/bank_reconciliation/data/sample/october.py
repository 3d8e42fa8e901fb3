"""October 2026 of a trading company: some 220 lines, most of them dull, as a month is."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import cycle, islice

from sample.events import (
    CARD,
    CHEQUE,
    INTEREST,
    BankLine,
    CashEntry,
    Events,
    charge,
    day,
    omr,
    payment,
    receipt,
)
from sample.october_cases import add_cases

CUSTOMERS = (
    "Al Wadi Cold Stores LLC", "Qurum Hospitality SAOC", "Sohar Marine Supplies LLC",
    "Nizwa Dates Packing LLC", "Sur Fisheries SPC", "Jabal Shams Contracting LLC",
    "Mutrah Retail Est", "Barka Poultry Farms LLC", "Salalah Frankincense Trading SPC",
    "Al Ansab Motors LLC", "Ibra Steel Fabrication LLC", "Bahla Pottery House SPC",
    "Musandam Divers Club", "Seeb Garden Nurseries LLC", "Rustaq Honey Traders SPC",
    "Duqm Offshore Supply LLC", "Khasab Ferry Catering LLC", "Yanqul Mining Services LLC",
)  # fmt: skip
SUPPLIERS = (
    "Rusayl Packaging LLC", "Ghala Tools and Hardware LLC", "Misfah Quarry Products LLC",
    "Wadi Kabir Paints LLC", "Sumail Plastics LLC", "Al Amerat Timber Yard",
    "Batinah Freight Services LLC", "Bausher Office Needs SPC", "Darsait Electricals LLC",
    "Al Khuwair Print House",
)  # fmt: skip
HOLIDAYS = frozenset({4, 5})


def month() -> Events:
    """Return October 2026."""
    events = Events(
        name="BWAD-2026-10",
        iban="OM290990000314159265358",
        opened_on=day(1),
        closed_on=day(31),
        opening=omr("48250.375"),
    )
    _receipts(events)
    _payments(events)
    _cards(events)
    _running_costs(events)
    _charges(events)
    _outstanding(events)
    add_cases(events)
    return events


def _working_days() -> Iterator[date]:
    """Yield, again and again, the days on which an Omani bank books: Sunday to Thursday."""
    days = (day(number) for number in range(1, 32))
    return cycle([one for one in days if one.weekday() not in HOLIDAYS])


def _amount(number: int, *, least: int, spread: int) -> Decimal:
    """Return an amount that looks like one: no two numbers give the same below a thousand."""
    return Decimal(least * 1000 + (number * 7919 + 13) * 251 % (spread * 1000)) / 1000


def _receipts(events: Events) -> None:
    for number, (on, name) in enumerate(zip(_working_days(), islice(cycle(CUSTOMERS), 92), strict=False)):
        amount = omr(str(_amount(number, least=85, spread=2400)))
        line, entry = receipt(on, amount, name, f"INV-26-{1001 + number}")
        # The cashier books some receipts a day or two before the bank does.
        events.both(line, replace(entry, on=max(day(1), on - timedelta(days=number % 3))))


def _payments(events: Events) -> None:
    for number, (on, name) in enumerate(zip(_working_days(), islice(cycle(SUPPLIERS), 48), strict=False)):
        amount = omr(str(_amount(number + 500, least=60, spread=1900)))
        events.both(*payment(on, amount, name, f"BILL-{4021 + 3 * number}"))


def _cards(events: Events) -> None:
    """Note the showroom's card takings of each working day."""
    for number, on in enumerate(islice(_working_days(), 21)):
        reference = f"POS-{on:%d%m}"
        amount = omr(str(_amount(number + 900, least=40, spread=350)))
        name = "Wadi Adai Card Services"
        events.both(
            BankLine(on=on, amount=amount, code=CARD, name=name.upper(), text=f"CARD SETTLEMENT {reference}"),
            CashEntry(on=on, amount=amount, account="1200", name=name, reference=reference, text="Showroom"),
        )


RUNNING = (
    # day, amount, account, name in the ledger, what the bank writes; no reference anywhere
    (1, "1450.000", "6110", "Ghala Estates LLC", "WAREHOUSE 7 OCT"),
    (1, "620.000", "6110", "Mutrah Souq Properties", "SHOWROOM OCT"),
    (6, "182.445", "6210", "Muscat Power Distribution", "A/C 2207781"),
    (6, "38.120", "6210", "Muscat Water Services", "A/C 118820"),
    (7, "61.950", "6210", "Gulf Line Telecom", "FIBRE AND MOBILE"),
    (8, "214.300", "6250", "Al Hajar Fuel Stations", "FUEL CARDS SEP"),
    (12, "905.210", "6410", "Royal Port Customs Office", "DECLARATION 99120"),
    (15, "447.880", "6410", "Royal Port Customs Office", "DECLARATION 99344"),
    (20, "1210.660", "6410", "Royal Port Customs Office", "DECLARATION 99871"),
    (22, "201.115", "6250", "Al Hajar Fuel Stations", "FUEL CARDS OCT 1"),
    (25, "11842.500", "2150", "Payroll October", "SALARY FILE WPS 26-10"),
    (26, "1530.720", "2160", "Social Protection Fund", "CONTRIBUTION OCT"),
    (28, "75.600", "6210", "Gulf Line Telecom", "LEASED LINE"),
)


def _running_costs(events: Events) -> None:
    for number, amount, account, name, text in RUNNING:
        on, paid = day(number), -omr(amount)
        events.both(
            BankLine(on=on, amount=paid, code="PMNT-ICDT-DMCT", name=name.upper(), text=text),
            CashEntry(on=on, amount=paid, account=account, name=name, reference="", text=text.capitalize()),
        )


def _charges(events: Events) -> None:
    """Note what the bank took and gave by itself."""
    weekly = (
        (6, "4.200"),
        (8, "3.150"),
        (13, "4.200"),
        (15, "2.100"),
        (20, "6.300"),
        (22, "4.200"),
        (27, "3.150"),
    )
    events.lines += [charge(day(number), omr(amount), "TT CHARGES") for number, amount in weekly]
    events.lines += [
        charge(day(29), omr("5.250"), "SMS AND E-STATEMENT FEE OCT"),
        charge(day(29), omr("21.000"), "PAYROLL FILE PROCESSING FEE"),
        charge(day(29), omr("157.500"), "LC 26-121 ISSUANCE COMMISSION INCL 5% VAT"),
        BankLine(on=day(29), amount=omr("18.642"), code=INTEREST, text="CREDIT INTEREST OCT"),
        BankLine(on=day(29), amount=-omr("212.330"), code=INTEREST, text="TERM LOAN INTEREST OCT"),
    ]


def _outstanding(events: Events) -> None:
    """Note cheques of September that cleared now, and what October leaves on its way."""
    for number, (written, cleared, amount, name) in enumerate(
        (
            (date(2026, 9, 22), day(6), "318.000", "Al Amerat Timber Yard"),
            (date(2026, 9, 28), day(11), "1044.250", "Misfah Quarry Products LLC"),
        )
    ):
        reference = f"CHQ-00{4417 + number}"
        entry = CashEntry(
            on=written, amount=-omr(amount), account="2100", name=name, reference=reference, text="Cheque"
        )
        text = f"CHEQUE {reference}"
        events.both(BankLine(on=cleared, amount=-omr(amount), code=CHEQUE, text=text), entry)
    for on, amount, name, reference in (
        (day(26), "-702.900", "Sumail Plastics LLC", "CHQ-004431"),
        (day(29), "-1188.000", "Darsait Electricals LLC", "CHQ-004432"),
        (day(29), "940.115", "Sur Fisheries SPC", "INV-26-1190"),
    ):
        account = "1200" if reference.startswith("INV") else "2100"
        entry = CashEntry(
            on=on, amount=omr(amount), account=account, name=name, reference=reference, text="On its way"
        )
        events.entries.append(entry)
