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
from reconcile.camt053 import read_camt053
from reconcile.close import close_month, planned
from reconcile.desk import AndonDesk, Desk, Done
from reconcile.erp import read_chart, read_ledger
from reconcile.errors import ReconcileError
from reconcile.plan import Month
from reconcile.render import as_plan, as_table
from reconcile.statement_csv import read_csv
from reconcile.undo import reverse, workflow_of
from reconcile.values import Statement

CHART = Path(__file__).parent.parent / "data" / "chart.csv"
INCOMPLETE = 3

Connect: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Desk]]


@asynccontextmanager
async def connect(workflow: str, again: int) -> AsyncIterator[Desk]:
    """Yield the desk of the bot that ``ANDON_URL`` and ``ANDON_AGENT_KEY`` name."""
    async with Andon(workflow=workflow) as andon:
        yield AndonDesk(andon, workflow=workflow, again=again)


def main(argv: Sequence[str] | None = None, *, desk: Connect = connect) -> int:
    """Run the program with *argv* and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["reverse"]:
            return asyncio.run(_reverse(reverse_options().parse_args(arguments[1:]), desk))
        return asyncio.run(_close(close_options().parse_args(arguments), desk))
    except (ReconcileError, AndonError, OSError) as error:
        print(f"bank-reconciliation: {error}", file=sys.stderr)
        return 1


def read_statement(data: bytes) -> Statement:
    """Return the statement in *data*: camt.053 when it begins like XML, the bank's CSV otherwise."""
    return read_camt053(data) if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else read_csv(data)


async def _close(options: argparse.Namespace, desk: Connect) -> int:
    statement = read_statement(options.statement.read_bytes())
    chart = read_chart(options.chart.read_bytes())
    ledger = read_ledger(options.ledger.read_bytes(), chart=chart, currency=statement.currency)
    month = Month(statement=statement, ledger=ledger, chart=chart)
    book = Book(options.book)
    if options.plan:
        print(as_plan(planned(month, book)))
        return 0
    async with desk(statement.workflow, options.again) as where:
        report = await close_month(month, where, book)
    print(as_table(report))
    return 0 if report.is_done else INCOMPLETE


async def _reverse(options: argparse.Namespace, desk: Connect) -> int:
    book, chart = Book(options.book), read_chart(options.chart.read_bytes())
    workflow = next(
        (workflow_of(one.posting) for one in book.journal.read() if one.posting.ident == options.posting),
        "reverse",
    )
    async with desk(workflow, 0) as where:
        verdict = await reverse(options.posting, where, book, chart=chart, reason=options.reason)
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
