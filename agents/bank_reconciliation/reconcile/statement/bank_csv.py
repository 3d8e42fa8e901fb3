"""Reads the CSV that banks offer beside camt.053: six header rows, an empty one, then the booked lines."""

from collections.abc import Mapping
from decimal import Decimal

from reconcile.shared import csv_table
from reconcile.shared.errors import ReconcileError, StatementRefused
from reconcile.shared.money import parse_amount
from reconcile.statement.consistency import consistent
from reconcile.statement.statement import Line, Statement

HEADER = ("Statement", "IBAN", "Currency", "From", "To", "Opening balance", "Closing balance")
COLUMNS = (
    "Booking date", "Value date", "Bank reference", "Transaction code", "Debit", "Credit",
    "Instructed currency", "Instructed amount", "Exchange rate", "Counterparty", "End-to-end", "Details",
)  # fmt: skip


def read_csv(data: bytes) -> Statement:
    """Return the statement in *data*; raise `StatementRefused` naming the row that is wrong."""
    lines = csv_table.decode(data, StatementRefused)
    size = len(HEADER)
    head = dict(_pair(line) for line in lines[:size])
    if tuple(head) != HEADER or "".join(lines[size : size + 1]).strip(", \r\n"):
        raise StatementRefused(f"the file must begin with the rows {', '.join(HEADER)} and an empty one")
    currency = head["Currency"]
    body = csv_table.rows(lines[size + 1 :], COLUMNS, StatementRefused)
    return consistent(
        Statement(
            ident=head["Statement"],
            iban=head["IBAN"],
            currency=currency,
            opened_on=csv_table.day(head["From"], StatementRefused),
            closed_on=csv_table.day(head["To"], StatementRefused),
            opening=_balance(head["Opening balance"], currency),
            closing=_balance(head["Closing balance"], currency),
            lines=tuple(_line(row, currency) for row in body),
        )
    )


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(",")
    return name.strip(), value.strip()


def _balance(text: str, currency: str) -> Decimal:
    """Return a balance: an account may be overdrawn, so a balance may carry a minus."""
    amount = parse_amount(text.removeprefix("-"), currency, StatementRefused)
    return -amount if text.startswith("-") else amount


def _line(row: Mapping[str, str], currency: str) -> Line:
    ref = row["Bank reference"]
    try:
        return Line(
            ref=ref or _no_reference(),
            booked_on=csv_table.day(row["Booking date"], StatementRefused),
            value_on=csv_table.day(row["Value date"], StatementRefused),
            amount=csv_table.in_or_out(row["Credit"], row["Debit"], currency, StatementRefused),
            counterparty=row["Counterparty"],
            end_to_end=row["End-to-end"],
            text=row["Details"],
            code=row["Transaction code"],
            foreign=csv_table.foreign(
                row["Instructed currency"], row["Instructed amount"], row["Exchange rate"], StatementRefused
            ),
        )
    except ReconcileError as error:
        raise StatementRefused(f"line {ref or '(no reference)'}: {error}") from error


def _no_reference() -> str:
    raise StatementRefused("the bank reference is missing, so the line could not be told from another")
