"""
What can go wrong before anybody is asked.

    ReconcileError
    ├── StatementRefused   the bank's file is malformed, hostile or does not add up
    ├── LedgerRefused      the ERP's file or the chart of accounts is malformed
    ├── BookRefused        the book on disk is not one this program wrote
    └── PostingRefused     an approved posting does not fit what it settles; nothing was written
"""


class ReconcileError(Exception):
    """The run stops, or the posting is not written; the message says what to mend."""


class StatementRefused(ReconcileError):
    """The statement cannot be trusted, so nothing is matched against it."""


class LedgerRefused(ReconcileError):
    """The ledger export or the chart cannot be read without guessing."""


class BookRefused(ReconcileError):
    """The book was edited by hand in a way that cannot be read back."""


class PostingRefused(ReconcileError):
    """What was approved cannot be booked as it stands."""
