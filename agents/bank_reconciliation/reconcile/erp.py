"""Reads what the ERP exports: the cash entries of one bank account, and the chart of accounts."""

import re
from collections import Counter
from collections.abc import Mapping

from reconcile import tables
from reconcile.errors import LedgerRefused, ReconcileError
from reconcile.statement import REFERENCE
from reconcile.values import Entry

COLUMNS = (
    "Document", "Posting date", "Account", "Counterparty", "Reference", "Description", "Receipt", "Payment",
    "Foreign currency", "Foreign amount", "Rate",
)  # fmt: skip
CHART_COLUMNS = ("Code", "Account", "Role", "Description")

_ACCOUNT = re.compile(r"(?:Assets|Liabilities|Equity|Income|Expenses)(?::[A-Z0-9][A-Za-z0-9-]*)+")


class Chart:
    """
    The company's accounts: ERP code to Beancount name, and which one plays which role.

    Roles that must be present: bank, transit, opening, fees, interest, interest-paid, receivables, payables,
    unidentified, suspense, vat, fx-gain, fx-loss.
    """

    ROLES = (
        "bank", "transit", "opening", "fees", "interest", "interest-paid", "receivables", "payables",
        "unidentified", "suspense", "vat", "fx-gain", "fx-loss",
    )  # fmt: skip

    def __init__(self, accounts: Mapping[str, str], roles: Mapping[str, str]) -> None:
        missing = [role for role in self.ROLES if role not in roles]
        if missing:
            raise LedgerRefused(f"the chart has no account with the role {', '.join(missing)}")
        self._accounts = dict(accounts)
        self._roles = dict(roles)

    def __getitem__(self, role: str) -> str:
        return self._roles[role]

    def named(self, code: str) -> str:
        """Return the account with the ERP's *code*."""
        if code not in self._accounts:
            raise LedgerRefused(f"account {code!r} is not in the chart")
        return self._accounts[code]

    @property
    def all(self) -> tuple[str, ...]:
        """Every account, sorted."""
        return tuple(sorted(self._accounts.values()))

    @property
    def postable(self) -> tuple[str, ...]:
        """Every account that a posting may name beside the bank and the transit account."""
        closed = {self["bank"], self["transit"], self["opening"]}
        return tuple(account for account in self.all if account not in closed)


def read_chart(data: bytes) -> Chart:
    """Return the chart in *data*; raise `LedgerRefused` for a name that Beancount would refuse."""
    accounts: dict[str, str] = {}
    roles: dict[str, str] = {}
    for row in tables.rows(tables.decode(data, LedgerRefused), CHART_COLUMNS, LedgerRefused):
        account, role = row["Account"], row["Role"]
        if _ACCOUNT.fullmatch(account) is None or account in accounts.values():
            raise LedgerRefused(f"account {account!r} is malformed or given twice")
        if row["Code"] in accounts or (role and role in roles):
            raise LedgerRefused(f"code {row['Code']!r} or role {role!r} is given twice")
        accounts[row["Code"]] = account
        if role:
            roles[role] = account
    return Chart(accounts, roles)


def read_ledger(data: bytes, *, chart: Chart, currency: str) -> tuple[Entry, ...]:
    """Return the ledger's cash entries in *currency*; raise `LedgerRefused` naming the document."""
    table = tables.rows(tables.decode(data, LedgerRefused), COLUMNS, LedgerRefused)
    entries = tuple(_entry(row, chart, currency) for row in table)
    for document, times in Counter(entry.document for entry in entries).items():
        if times > 1 or REFERENCE.fullmatch(document) is None:
            raise LedgerRefused(f"document {document!r} appears {times} times or is no visible ASCII number")
    return entries


def _entry(row: Mapping[str, str], chart: Chart, currency: str) -> Entry:
    try:
        return Entry(
            document=row["Document"],
            booked_on=tables.day(row["Posting date"], LedgerRefused),
            account=chart.named(row["Account"]),
            amount=tables.in_or_out(row["Receipt"], row["Payment"], currency, LedgerRefused),
            counterparty=row["Counterparty"],
            reference=row["Reference"],
            text=row["Description"],
            foreign=tables.foreign(
                row["Foreign currency"], row["Foreign amount"], row["Rate"], LedgerRefused
            ),
        )
    except ReconcileError as error:
        raise LedgerRefused(f"document {row['Document'] or '(no number)'}: {error}") from error
