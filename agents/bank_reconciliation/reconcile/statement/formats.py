"""Reads a statement in whichever of the bank's formats the file is."""

from reconcile.statement.bank_csv import read_csv
from reconcile.statement.camt053 import read_camt053
from reconcile.statement.statement import Statement


def read_statement(data: bytes) -> Statement:
    """Return the statement in *data*: camt.053 when it begins like XML, the bank's CSV otherwise."""
    return read_camt053(data) if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else read_csv(data)
