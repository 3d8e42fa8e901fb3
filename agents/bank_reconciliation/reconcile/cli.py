"""
The command line: close a month, show what would be asked, or take a posting back.

Exit codes: 0 reconciled and nothing open, 1 refused inputs or missing settings, 3 something is open.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from andon import Andon, AndonError
from reconcile.book import Book
from reconcile.close import close_month, planned
from reconcile.ledger.chart import read_chart
from reconcile.ledger.erp_export import read_ledger
from reconcile.month import Month
from reconcile.report.render import as_plan, as_table
from reconcile.requests.andon_approvers import AndonApprovers
from reconcile.requests.approvers import Approvers, Done
from reconcile.reverse import reverse, workflow_of
from reconcile.shared.errors import ReconcileError
from reconcile.statement.formats import read_statement

CHART = Path(__file__).parent.parent / "data" / "chart.csv"
INCOMPLETE = 3

Connect: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Approvers]]


@asynccontextmanager
async def through_andon(workflow: str, again: int) -> AsyncIterator[Approvers]:
    """Yield the approvers behind the bot that ``ANDON_URL`` and ``ANDON_AGENT_KEY`` name."""
    async with Andon(workflow=workflow) as andon:
        yield AndonApprovers(andon, workflow=workflow, again=again)


def main(argv: Sequence[str] | None = None, *, connect: Connect = through_andon) -> int:
    """Run the program with *argv* and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["reverse"]:
            return asyncio.run(_reverse(reverse_options().parse_args(arguments[1:]), connect))
        return asyncio.run(_close(close_options().parse_args(arguments), connect))
    except (ReconcileError, AndonError, OSError) as error:
        print(f"bank-reconciliation: {error}", file=sys.stderr)
        return 1


async def _close(options: argparse.Namespace, connect: Connect) -> int:
    statement = read_statement(options.statement.read_bytes())
    chart = read_chart(options.chart.read_bytes())
    ledger = read_ledger(options.ledger.read_bytes(), chart=chart, currency=statement.currency)
    month = Month(statement=statement, ledger=ledger, chart=chart)
    book = Book(options.book)
    if options.plan:
        print(as_plan(planned(month, book)))
        return 0
    async with connect(statement.workflow, options.again) as approvers:
        report = await close_month(month, approvers, book)
    print(as_table(report))
    return 0 if report.is_done else INCOMPLETE


async def _reverse(options: argparse.Namespace, connect: Connect) -> int:
    book, chart = Book(options.book), read_chart(options.chart.read_bytes())
    workflow = next(
        (workflow_of(one.posting) for one in book.journal.read() if one.posting.ident == options.posting),
        "reverse",
    )
    async with connect(workflow, 0) as approvers:
        verdict = await reverse(options.posting, approvers, book, chart=chart, reason=options.reason)
    if isinstance(verdict, Done):
        print(f"{verdict.ident} is in the book. Run the close again to see what is open now.")
        return 0
    print(f"Nothing was written: {verdict.reason}")
    return INCOMPLETE


def close_options() -> argparse.ArgumentParser:
    """Return the options of a close."""
    parser = argparse.ArgumentParser(prog="bank_reconciliation", description="Close a month.")
    parser.add_argument("--statement", type=Path, required=True, help="camt.053 XML, or the bank's CSV")
    parser.add_argument("--ledger", type=Path, required=True, help="the ERP's cash entries, CSV")
    parser.add_argument("--book", type=Path, required=True, help="the Beancount file to write")
    parser.add_argument("--chart", type=Path, default=CHART, help="the chart of accounts, CSV")
    parser.add_argument(
        "--again", type=int, default=0, metavar="N", help="ask the Nth time what nobody has settled before"
    )
    parser.add_argument("--plan", action="store_true", help="show what would be asked, and ask nothing")
    return parser


def reverse_options() -> argparse.ArgumentParser:
    """Return the options of a reversal."""
    parser = argparse.ArgumentParser(prog="bank_reconciliation reverse", description="Take a posting back.")
    parser.add_argument("--posting", required=True, help="its identity, such as line:FT262880005")
    parser.add_argument("--book", type=Path, required=True, help="the Beancount file that holds it")
    parser.add_argument("--reason", required=True, help="why; a new reason is a new request")
    parser.add_argument("--chart", type=Path, default=CHART, help="the chart of accounts, CSV")
    return parser
