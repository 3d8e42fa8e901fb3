"""The command line, and taking a posting back."""

import json
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from bank_samples import (
    AGENT,
    CHART,
    CLOSING,
    DATA,
    ScriptedApprovers,
    approve,
    bean_check,
    entry,
    line,
    month_of,
)
from reconcile.book import Book
from reconcile.cli import main
from reconcile.close import close_month
from reconcile.postings.posting import Kind, Posting
from reconcile.report.report import State
from reconcile.requests.proposal import Proposal
from reconcile.reverse import reverse

import andon

pytestmark = pytest.mark.slow


async def test_a_posting_can_be_taken_back(book: Book) -> None:
    """A reversal is asked, mirrors the posting, takes the verdict away, and reopens the line."""
    month = month_of([line("L1", "-4.200", text="FEE")], [])
    await close_month(month, ScriptedApprovers(), book)
    people = ScriptedApprovers()
    await reverse("line:L1", people, book, chart=CHART, reason="wrong account")
    assert people.proposals[0].posting.side == "credit"
    assert "was taken back" in book.path.with_name(CLOSING).read_text()
    assert bean_check(book.path) == ""
    again = ScriptedApprovers()
    report = await close_month(month, again, book)
    assert (again.proposals, report.is_reconciled) == ([], False)
    assert "taken back" in report.of(State.OPEN)[0].detail
    assert bean_check(book.path) == ""


@pytest.mark.parametrize(("ident", "left"), [("line:L1", "-100.000"), ("rest:L1", "-5.000")])
async def test_no_rest_is_asked_of_what_was_taken_back(ident: str, left: str, book: Book) -> None:
    """105.000 was booked as 100.000 and 5.000; with either taken back, no rest is proposed for it."""

    def less(proposal: Proposal) -> str | Posting:
        return replace(proposal.posting, amount=Decimal("100.000")) if proposal.limit > 100 else "yes"

    month = month_of([line("L1", "-105.000", text="FEE")], [])
    await close_month(month, ScriptedApprovers(decide=less), book)
    await reverse(ident, ScriptedApprovers(), book, chart=CHART, reason="wrong")
    people = ScriptedApprovers(decide=less)
    report = await close_month(month, people, book)
    assert [one for one in people.proposals if one.posting.kind is Kind.REST] == []
    assert report.of(State.OPEN)[0].left == Decimal(left)
    assert "taken back" in report.of(State.OPEN)[0].detail
    assert bean_check(book.path) == ""


async def test_after_a_reversal_the_ledger_may_catch_up(book: Book) -> None:
    """A line whose posting was taken back is matched once the ledger has its entry."""
    fee = line("L1", "-4.200", "BANK", "FEE FT-0001")
    await close_month(month_of([fee], []), ScriptedApprovers(), book)
    await reverse("line:L1", ScriptedApprovers(), book, chart=CHART, reason="booked in the ledger")
    month = month_of([fee], [entry("D1", "-4.200", "BANK", "FT-0001")])
    report = await close_month(month, ScriptedApprovers(), book)
    assert report.is_done
    assert bean_check(book.path) == ""


async def test_a_refused_reversal_changes_nothing(book: Book) -> None:
    """When people refuse a reversal, postings and verdict stay as they are."""
    await close_month(month_of([line("L1", "-4.200", text="FEE")], []), ScriptedApprovers(), book)
    files = {path: path.read_bytes() for path in book.path.parent.glob("close.*")}
    await reverse("line:L1", ScriptedApprovers(decide=lambda _: "no"), book, chart=CHART, reason="x")
    assert files == {path: path.read_bytes() for path in book.path.parent.glob("close.*")}


def arguments(book: Book) -> list[str]:
    """Return the command line for the small month."""
    folder = DATA / "small"
    paths = {"--statement": folder / "statement.csv", "--ledger": folder / "ledger.csv", "--book": book.path}
    return [str(part) for pair in paths.items() for part in pair]


def test_the_command_closes_reports_and_takes_back(book: Book, capsys: pytest.CaptureFixture[str]) -> None:
    """The program prints a table, writes Markdown and JSON, says by its exit code whether all is done."""
    people = ScriptedApprovers(
        decide=lambda one: "no" if one.posting.amount == Decimal("480.000") else approve(one)
    )

    @asynccontextmanager
    async def connect(_: str, __: int):  # type: ignore[no-untyped-def]  # noqa: ANN202  an async generator
        yield people

    assert main(arguments(book), connect=connect) == 3
    printed = capsys.readouterr().out
    assert re.search(
        r"refused +FT263000008 +27 Oct +480.000 OMR +480.000 OMR +AL HAZM DENTAL CLINIC +refused: not ours",
        printed,
    )
    assert "480.000 OMR is open" in printed
    summary = json.loads(book.path.with_name("close.report.json").read_text())
    assert (summary["reconciled"], summary["counts"]["posted"]) == (False, 4)
    assert "## Refused by people" in book.path.with_name("close.report.md").read_text()
    undo = ["reverse", "--posting", "line:FT262880005", "--book", str(book.path), "--reason", "wrong"]
    assert main(undo, connect=connect) == 0
    assert main([*undo[:2], "line:none", *undo[3:]], connect=connect) == 1
    assert "there is no posting 'line:none'" in capsys.readouterr().err


def test_a_plan_asks_and_writes_nothing(book: Book, capsys: pytest.CaptureFixture[str]) -> None:
    """With --plan the program shows five proposals and a question, and leaves no file behind."""
    assert main([*arguments(book), "--plan"]) == 0
    printed = capsys.readouterr().out
    assert (printed.count("\npropose "), printed.count("\nask ")) == (5, 1)
    assert list(book.path.parent.iterdir()) == []


def test_the_program_runs_from_its_folder(book: Book) -> None:
    """``python agents/bank_reconciliation`` finds its own package and reads both formats alike."""
    environment = {**os.environ, "PYTHONPATH": str(Path(andon.__file__).parents[1])}
    printed = []
    for name in ("statement.camt053.xml", "statement.csv"):
        options = ["--plan", *arguments(book), "--statement", str(DATA / "small" / name)]
        command = [sys.executable, str(AGENT), *options]
        printed.append(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert printed[0] == printed[1]
    assert b"3 lines matched by code" in printed[0]


def test_without_settings_the_program_says_what_is_missing(
    book: Book, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without ANDON_URL nothing is written, and the message names the variable."""
    monkeypatch.delenv("ANDON_URL", raising=False)
    monkeypatch.delenv("ANDON_AGENT_KEY", raising=False)
    assert main(arguments(book)) == 1
    assert "ANDON_URL" in capsys.readouterr().err
