"""The chart of accounts: which account has which ERP code, and which plays which role in a close."""

import re
from collections.abc import Mapping

from reconcile.shared import csv_table
from reconcile.shared.errors import LedgerRefused

COLUMNS = ("Code", "Account", "Role", "Description")

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
    for row in csv_table.rows(csv_table.decode(data, LedgerRefused), COLUMNS, LedgerRefused):
        account, role = row["Account"], row["Role"]
        if _ACCOUNT.fullmatch(account) is None or account in accounts.values():
            raise LedgerRefused(f"account {account!r} is malformed or given twice")
        if row["Code"] in accounts or (role and role in roles):
            raise LedgerRefused(f"code {row['Code']!r} or role {role!r} is given twice")
        accounts[row["Code"]] = account
        if role:
            roles[role] = account
    return Chart(accounts, roles)
