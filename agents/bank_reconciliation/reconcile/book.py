"""
The book: three plain-text Beancount files, so that an independent program judges the result.

    close.beancount            accounts, opening, ledger entries, what the bank confirmed; written each run
    close.postings.beancount   the approved postings; only ever appended to
    close.closing.beancount    the verdict: the bank's closing balance as an assertion, or why there is none

Every ledger entry is first booked against the transit account; a match moves the money on to the bank
account. So the bank account holds only what the bank confirmed, and transit what is still on its way.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from reconcile.ledger.chart import Chart
from reconcile.ledger.entry import Entry
from reconcile.matching.match import Match
from reconcile.month import Month
from reconcile.postings.atomic_file import replace_atomically
from reconcile.postings.beancount import TOLERANCE, balance, leg, string
from reconcile.postings.journal import Journal
from reconcile.report.report import Report
from reconcile.shared.money import show
from reconcile.shared.text import one_line

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Book:
    """Where a close is written."""

    path: Path

    @property
    def journal(self) -> Journal:
        """The approved postings."""
        return Journal(self._beside("postings.beancount"))

    def begin(self, month: Month, matches: Sequence[Match]) -> None:
        """Write the book without a verdict: after a crash no earlier run's verdict may stand."""
        self.journal.start()
        self.leave_open("The close is in progress, or was interrupted: run the agent again.")
        replace_atomically(self.path, _body(self.path, month, matches))

    def finish(self, month: Month, matches: Sequence[Match], report: Report) -> None:
        """Write the book with what people answered, and the verdict."""
        replace_atomically(self.path, _body(self.path, month, matches))
        replace_atomically(self._beside("closing.beancount"), _verdict(report, month.chart))

    def leave_open(self, why: str) -> None:
        """Take the verdict away, saying *why*."""
        replace_atomically(self._beside("closing.beancount"), f"; NOT RECONCILED. {one_line(why, 300)}\n")

    def write_report(self, markdown: str, summary: str) -> None:
        """Write the report beside the book, for people and for programs."""
        replace_atomically(self._beside("report.md"), markdown)
        replace_atomically(self._beside("report.json"), summary)

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(f"{self.path.stem}.{ending}")


def _body(path: Path, month: Month, matches: Sequence[Match]) -> str:
    parts = [
        f'option "title" {string(month.statement.workflow)}',
        f'option "operating_currency" "{month.statement.currency}"',
        TOLERANCE,
        f"include {string(f'{path.stem}.postings.beancount')}",
        f"include {string(f'{path.stem}.closing.beancount')}",
        _accounts(month),
        _opening(month),
        *(_entry(entry, month) for entry in month.ledger),
        *_cleared(matches, month),
    ]
    return "\n\n".join(parts) + "\n"


def _accounts(month: Month) -> str:
    days = [month.statement.opened_on, *(entry.booked_on for entry in month.ledger)]
    first = min(days) - ONE_DAY
    home = {month.chart["bank"], month.chart["transit"]}  # never anything but the account's own currency
    currency = month.statement.currency
    opens = (
        f"{first} open {account}" + (f" {currency}" if account in home else "") for account in month.chart.all
    )
    return "\n".join(opens)


def _opening(month: Month) -> str:
    statement, chart = month.statement, month.chart
    return "\n".join(
        (
            f'{statement.opened_on - ONE_DAY} * "Opening balance of the statement"',
            leg(chart["bank"], statement.opening, statement.currency),
            leg(chart["opening"], -statement.opening, statement.currency),
            balance(statement.opened_on, chart["bank"], statement.opening, statement.currency),
        )
    )


def _entry(entry: Entry, month: Month) -> str:
    currency = month.statement.currency
    other = leg(entry.account, -entry.amount, currency)
    if entry.foreign is not None:
        units = entry.foreign.amount if entry.amount < 0 else -entry.foreign.amount
        home = f"{abs(entry.amount):f} {currency}"
        other = f"  {entry.account}  {units:f} {entry.foreign.currency} @@ {home}"
    return "\n".join(
        (
            f"{entry.booked_on} * {string(one_line(entry.counterparty))} {string(one_line(entry.text))}",
            f"  document: {string(entry.document)}",
            f"  reference: {string(one_line(entry.reference))}",
            leg(month.chart["transit"], entry.amount, currency),
            other,
        )
    )


def _cleared(matches: Iterable[Match], month: Month) -> Iterator[str]:
    for match in matches:
        documents = " ".join(entry.document for entry in match.entries)
        for line in match.lines:
            title = string(one_line(line.counterparty or line.text))
            yield "\n".join(
                (
                    f'{line.booked_on} * {title} "Confirmed by the bank"',
                    f"  statement_ref: {string(line.ref)}",
                    f"  documents: {string(documents)}",
                    f'  matched_by: "{match.how}, confidence {match.confidence}"',
                    leg(month.chart["bank"], line.amount, month.statement.currency),
                    leg(month.chart["transit"], -line.amount, month.statement.currency),
                )
            )


def _verdict(report: Report, chart: Chart) -> str:
    after: date = report.closed_on + ONE_DAY
    transit = balance(after, chart["transit"], report.in_transit, report.currency)
    if report.is_reconciled:
        bank = balance(after, chart["bank"], report.closing, report.currency)
        return (
            f"; RECONCILED. The book's bank account is the statement's closing balance.\n{bank}\n{transit}\n"
        )
    gap = show(report.closing - report.booked, report.currency)
    summary = (
        f"Not reconciled: the statement closes with {show(report.closing, report.currency)}, the book has "
        f"{show(report.booked, report.currency)}; {gap} is open"
    )
    open_lines = [row for row in report.rows if row.is_line and row.left]
    notes = (f"{row.ref}: {show(row.left, report.currency)}, {row.detail}" for row in open_lines)
    account = chart["bank"]
    directives = [
        f"{report.closed_on} note {account} {string(one_line(note, 300))}" for note in (summary, *notes)
    ]
    head = "; NOT RECONCILED, so the closing balance is not asserted. What is missing, line by line:"
    return "\n".join((head, *directives, transit)) + "\n"
