"""Writes a month's events as the bank and the ERP export them: camt.053, the bank's CSV, the ledger's CSV."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from xml.sax.saxutils import escape

from sample.events import BankLine, CashEntry, Events

# Spelled out again, not imported from the reader: samples made from its own mistakes would hide them.
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
BANK_COLUMNS = (
    "Booking date", "Value date", "Bank reference", "Transaction code", "Debit", "Credit",
    "Instructed currency", "Instructed amount", "Exchange rate", "Counterparty", "End-to-end", "Details",
)  # fmt: skip
LEDGER_COLUMNS = (
    "Document", "Posting date", "Account", "Counterparty", "Reference", "Description", "Receipt", "Payment",
    "Foreign currency", "Foreign amount", "Rate",
)  # fmt: skip
BANK = ("Bank of Wadi Adai SAOG", "BWADOMRX")
COMPANY = "Bahar Al Khaleej Trading LLC"

Numbered = list[tuple[str, BankLine]]


def write(folder: Path, events: Events) -> None:
    """Write the three files of *events* to *folder*."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(events.lines, key=lambda line: line.on)
    lines = [(f"FT26{line.on:%j}{number:04d}", line) for number, line in enumerate(ordered, start=1)]
    (folder / "statement.camt053.xml").write_text("\n".join(_xml(events, lines)) + "\n", encoding="utf-8")
    _write_csv(folder / "statement.csv", _bank_rows(events, lines))
    _write_csv(folder / "ledger.csv", _ledger_rows(events))


def _closing(events: Events) -> Decimal:
    return events.opening + sum((line.amount for line in events.lines), Decimal(0))


def _xml(events: Events, lines: Numbered) -> Iterator[str]:
    period = f"{events.opened_on}T00:00:00+04:00", f"{events.closed_on}T23:59:59+04:00"
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield f'<Document xmlns="{NAMESPACE}"><BkToCstmrStmt>'
    yield f"<GrpHdr><MsgId>{events.name}</MsgId><CreDtTm>{period[1]}</CreDtTm></GrpHdr>"
    yield f"<Stmt><Id>{events.name}</Id><ElctrncSeqNb>10</ElctrncSeqNb><CreDtTm>{period[1]}</CreDtTm>"
    yield f"<FrToDt><FrDtTm>{period[0]}</FrDtTm><ToDtTm>{period[1]}</ToDtTm></FrToDt>"
    yield f"<Acct><Id><IBAN>{events.iban}</IBAN></Id><Ccy>OMR</Ccy><Ownr><Nm>{COMPANY}</Nm></Ownr>"
    yield f"<Svcr><FinInstnId><BICFI>{BANK[1]}</BICFI><Nm>{BANK[0]}</Nm></FinInstnId></Svcr></Acct>"
    yield _xml_balance("OPBD", events.opening, str(events.opened_on))
    yield _xml_balance("CLBD", _closing(events), str(events.closed_on))
    yield f"<TxsSummry><TtlNtries><NbOfNtries>{len(lines)}</NbOfNtries></TtlNtries></TxsSummry>"
    for ref, line in lines:
        yield _xml_entry(ref, line)
    yield "</Stmt></BkToCstmrStmt></Document>"


def _xml_balance(code: str, amount: Decimal, on: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_xml_amount(amount)}"
        f"<Dt><Dt>{on}</Dt></Dt></Bal>"
    )


def _xml_amount(amount: Decimal) -> str:
    sign = "CRDT" if amount >= 0 else "DBIT"
    return f'<Amt Ccy="OMR">{abs(amount):f}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def _xml_entry(ref: str, line: BankLine) -> str:
    domain, family, sub = line.code.split("-")
    return (
        f"<Ntry><NtryRef>{ref}</NtryRef>{_xml_amount(line.amount)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{line.on}</Dt></BookgDt><ValDt><Dt>{line.on}</Dt></ValDt><AcctSvcrRef>{ref}</AcctSvcrRef>"
        f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls>{''.join(_xml_details(line))}</TxDtls></NtryDtls></Ntry>"
    )


def _xml_details(line: BankLine) -> Iterator[str]:
    yield f"<Refs><EndToEndId>{escape(line.end_to_end or 'NOTPROVIDED')}</EndToEndId></Refs>"
    if line.abroad is not None:
        abroad = line.abroad
        yield (
            f'<AmtDtls><InstdAmt><Amt Ccy="{abroad.currency}">{abroad.amount:f}</Amt><CcyXchg>'
            f"<SrcCcy>{abroad.currency}</SrcCcy><TrgtCcy>OMR</TrgtCcy><UnitCcy>{abroad.currency}</UnitCcy>"
            f"<XchgRate>{abroad.rate:f}</XchgRate></CcyXchg></InstdAmt></AmtDtls>"
        )
    if line.name:
        party = "Dbtr" if line.amount > 0 else "Cdtr"
        yield f"<RltdPties><{party}><Pty><Nm>{escape(line.name)}</Nm></Pty></{party}></RltdPties>"
    if line.text:
        yield f"<RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf>"


def _bank_rows(events: Events, lines: Numbered) -> Iterator[tuple[str, ...]]:
    yield "Statement", events.name
    yield "IBAN", events.iban
    yield "Currency", "OMR"
    yield "From", str(events.opened_on)
    yield "To", str(events.closed_on)
    yield "Opening balance", f"{events.opening:f}"
    yield "Closing balance", f"{_closing(events):f}"
    yield ()
    yield BANK_COLUMNS
    for ref, line in lines:
        out, income = (f"{-line.amount:f}", "") if line.amount < 0 else ("", f"{line.amount:f}")
        yield (
            str(line.on), str(line.on), ref, line.code, out, income, *_abroad(line),
            line.name, line.end_to_end or "NOTPROVIDED", line.text,
        )  # fmt: skip


def _ledger_rows(events: Events) -> Iterator[tuple[str, ...]]:
    yield LEDGER_COLUMNS
    ordered = sorted(events.entries, key=lambda entry: entry.on)
    for number, entry in enumerate(ordered, start=1):
        income, out = (f"{entry.amount:f}", "") if entry.amount > 0 else ("", f"{-entry.amount:f}")
        yield (
            f"CB-{26100000 + number}", str(entry.on), entry.account, entry.name, entry.reference, entry.text,
            income, out, *_abroad(entry),
        )  # fmt: skip


def _abroad(item: BankLine | CashEntry) -> tuple[str, str, str]:
    if item.abroad is None:
        return "", "", ""
    return item.abroad.currency, f"{item.abroad.amount:f}", f"{item.abroad.rate:f}"


def _write_csv(path: Path, rows: Iterator[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
