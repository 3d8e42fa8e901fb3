"""Reads the ERP's export: the cash entries of one bank account."""

from collections import Counter
from collections.abc import Mapping

from reconcile.ledger.chart import Chart
from reconcile.ledger.entry import Entry
from reconcile.shared import csv_table
from reconcile.shared.errors import LedgerRefused, ReconcileError
from reconcile.shared.text import REFERENCE

COLUMNS = (
    "Document", "Posting date", "Account", "Counterparty", "Reference", "Description", "Receipt", "Payment",
    "Foreign currency", "Foreign amount", "Rate",
)  # fmt: skip


def read_ledger(data: bytes, *, chart: Chart, currency: str) -> tuple[Entry, ...]:
    """Return the ledger's cash entries in *currency*; raise `LedgerRefused` naming the document."""
    table = csv_table.rows(csv_table.decode(data, LedgerRefused), COLUMNS, LedgerRefused)
    entries = tuple(_entry(row, chart, currency) for row in table)
    for document, times in Counter(entry.document for entry in entries).items():
        if times > 1 or REFERENCE.fullmatch(document) is None:
            raise LedgerRefused(f"document {document!r} appears {times} times or is no visible ASCII number")
    return entries


def _entry(row: Mapping[str, str], chart: Chart, currency: str) -> Entry:
    try:
        return Entry(
            document=row["Document"],
            booked_on=csv_table.day(row["Posting date"], LedgerRefused),
            account=chart.named(row["Account"]),
            amount=csv_table.in_or_out(row["Receipt"], row["Payment"], currency, LedgerRefused),
            counterparty=row["Counterparty"],
            reference=row["Reference"],
            text=row["Description"],
            foreign=csv_table.foreign(
                row["Foreign currency"], row["Foreign amount"], row["Rate"], LedgerRefused
            ),
        )
    except ReconcileError as error:
        raise LedgerRefused(f"document {row['Document'] or '(no number)'}: {error}") from error
