"""A whole close with scripted approvers, with bean-check as the judge of the book."""

import asyncio
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from bank_samples import (
    BANK,
    CHART,
    CLOSING,
    ScriptedApprovers,
    abroad,
    bean_check,
    doubtful,
    entry,
    line,
    month_of,
    sample,
)
from reconcile.book import Book
from reconcile.close import close_month
from reconcile.postings.posting import Kind, Posting
from reconcile.report.render import as_table
from reconcile.report.report import State
from reconcile.requests.approvers import Approvers, Effect, Refused, Reply, Verdict
from reconcile.requests.proposal import Proposal
from reconcile.requests.question import NONE_OF_THESE, Question
from reconcile.shared.errors import BookRefused


@pytest.mark.parametrize("name", ["small", "2026-10"])
async def test_a_month_with_every_leave_reconciles(name: str, book: Book) -> None:
    """With every leave and answer given, bean-check itself confirms the closing balance."""
    month = sample(name)
    report = await close_month(month, ScriptedApprovers(), book)
    assert report.is_reconciled
    assert bean_check(book.path) == ""
    closing = f"{month.statement.closing} ~ 0 OMR"
    assert f"2026-11-01 balance {BANK}  {closing}" in book.path.with_name(CLOSING).read_text()


async def test_bean_check_judges_and_is_not_told(book: Book) -> None:
    """One baisa added to a posting behind the agent's back makes bean-check refuse the book."""
    await close_month(sample("small"), ScriptedApprovers(), book)
    path = book.path.with_name("close.postings.beancount")
    text = path.read_text()
    path.write_text(text.replace("  4.200 OMR", "  4.201 OMR").replace("  -4.200 OMR", "  -4.201 OMR"))
    assert "Balance failed" in bean_check(book.path)


async def test_changed_inputs_do_not_post_the_same_line_twice(book: Book) -> None:
    """A posted line is neither asked nor matched when the ledger catches up; the late entry is in transit."""
    fee = line("L1", "-4.200", "BANK", "FEE FT-0001")
    await close_month(month_of([fee], []), ScriptedApprovers(), book)
    people = ScriptedApprovers()
    late = entry("D1", "-4.200", "BANK", "FT-0001")
    report = await close_month(month_of([fee], [late]), people, book)
    assert (len(book.journal.read()), people.proposals) == (1, [])
    assert report.is_reconciled
    assert [row.ref for row in report.of(State.TRANSIT)] == ["D1"]
    assert bean_check(book.path) == ""


async def test_a_book_of_another_statement_is_refused(book: Book) -> None:
    """Postings for lines that this statement does not have mean the wrong book, and nothing is touched."""
    await close_month(month_of([line("L1", "-4.200", text="FEE")], []), ScriptedApprovers(), book)
    before = book.path.read_bytes()
    with pytest.raises(BookRefused, match="use another --book"):
        await close_month(month_of([line("L2", "-4.200", text="FEE")], []), ScriptedApprovers(), book)
    assert book.path.read_bytes() == before


async def test_foreign_money_balances(book: Book) -> None:
    """USD 10,000.00 booked at 0.3845 and paid at 0.3850: 5.000 is a loss, and nothing stays in transit."""
    sent = replace(line("L1", "-3850.000", text="PO-26-0077"), foreign=abroad("USD", "10000.00", "0.3850"))
    owed = replace(entry("D1", "-3845.000", "X", "PO-26-0077"), foreign=abroad("USD", "10000.00", "0.3845"))
    report = await close_month(month_of([sent], [owed], opening="9000.000"), ScriptedApprovers(), book)
    posting = book.journal.read()[0].posting
    assert (posting.account, posting.side, posting.amount) == (CHART["fx-loss"], "debit", Decimal("5.000"))
    assert report.in_transit == 0
    assert "10000.00 USD @@ 3845.000 OMR" in book.path.read_text()
    assert bean_check(book.path) == ""


async def test_an_odd_rate_still_balances(book: Book) -> None:
    """A total price that no rate gives exactly (505.201 for 1,300.00 euros) is accepted by bean-check."""
    came = replace(line("L1", "505.201", "NOBODY"), foreign=abroad("EUR", "1300.00", "0.3886162"))
    await close_month(month_of([came], []), ScriptedApprovers(), book)
    assert "-1300.00 EUR @@ 505.201 OMR" in book.path.with_name("close.postings.beancount").read_text()
    assert bean_check(book.path) == ""


async def test_a_refused_duplicate_stays_in_transit(book: Book) -> None:
    """When people say that it is no duplicate, the bank reconciles and the second entry waits."""
    pays = [entry("D1", "-50.000", "X", "BILL-99", day=9), entry("D2", "-50.000", "X", "BILL-99", day=11)]
    people = ScriptedApprovers(decide=lambda _: "no")
    report = await close_month(month_of([line("L1", "-50.000", text="BILL-99")], pays), people, book)
    assert report.is_done
    assert (report.in_transit, report.of(State.REFUSED)[0].ref) == (Decimal("-50.000"), "D2")
    assert bean_check(book.path) == ""


async def test_none_of_these_becomes_a_proposal(book: Book) -> None:
    """A line whose candidates people decline is proposed as a posting of its own."""
    people = ScriptedApprovers(answer=lambda _: NONE_OF_THESE)
    report = await close_month(doubtful(), people, book)
    assert [one.posting.kind for one in people.proposals] == [Kind.RECEIPT]
    assert report.is_reconciled
    assert bean_check(book.path) == ""


async def test_two_answers_cannot_give_one_entry_twice(book: Book) -> None:
    """Both lines are said to be D1: the first line gets it, the second stays open and says why."""

    def always_d1(question: Question) -> str:
        return next(option for option in question.options if option.startswith("D1"))

    report = await close_month(doubtful("L1", "L2"), ScriptedApprovers(answer=always_d1), book)
    assert [row.ref for row in report.of(State.ASKED)] == ["L1"]
    assert report.of(State.OPEN)[0].detail == "D1 was given to L1 by another answer"
    assert bean_check(book.path) == ""


@pytest.mark.parametrize("answer", ["", "D3 perhaps"])
async def test_no_answer_or_a_strange_one_leaves_the_line_open(answer: str, book: Book) -> None:
    """Silence and words that are no option settle nothing."""
    report = await close_month(doubtful(), ScriptedApprovers(answer=lambda _: answer), book)
    assert [row.ref for row in report.of(State.OPEN)] == ["L1"]
    assert not report.is_reconciled


class Patient(ScriptedApprovers):
    """Approvers who decide nothing before they have been asked everything."""

    def __init__(self, *, expected: int) -> None:
        super().__init__()
        self._expected = expected
        self._complete = asyncio.Event()

    async def post(self, proposal: Proposal, effect: Effect) -> Verdict:
        """Decide once all is there."""
        verdict = await super().post(proposal, effect)
        await self._all_there()
        return verdict

    async def ask(self, question: Question) -> Reply:
        """Answer once all is there."""
        reply = await super().ask(question)
        await self._all_there()
        return reply

    async def _all_there(self) -> None:
        if len(self.proposals) + len(self.questions) == self._expected:
            self._complete.set()
        await asyncio.wait_for(self._complete.wait(), timeout=5)


async def test_everything_is_asked_before_anybody_answers(book: Book) -> None:
    """The first round's proposals and questions are out at once, so that approvers see them together."""
    report = await close_month(sample("small"), Patient(expected=6), book)
    assert report.is_reconciled


async def test_a_report_cannot_be_written_by_a_name(book: Book) -> None:
    """Markdown in a bank's text stays text: no extra column, link, heading or emphasis."""
    month = month_of([line("L1", "10.000", "# [x](http://h) | **y** <b>", "t")], [])
    await close_month(month, ScriptedApprovers(), book)
    text = book.path.with_name("close.report.md").read_text()
    assert r"\# \[x\](http://h) \| \*\*y\*\* \<b\>" in text


async def test_an_edited_rest_that_is_short_stays_open(book: Book) -> None:
    """105.000 approved as 100.000 and its rest as 3.000 leaves 2.000 open: there is no endless asking."""

    def less(proposal: Proposal) -> Posting:
        amount = Decimal("3.000") if proposal.posting.kind is Kind.REST else Decimal("100.000")
        return replace(proposal.posting, amount=amount)

    report = await close_month(
        month_of([line("L1", "-105.000", text="FEE")], []), ScriptedApprovers(decide=less), book
    )
    assert report.of(State.OPEN)[0].left == Decimal("-2.000")
    assert report.of(State.OPEN)[0].detail == (
        "Expenses:Bank-Charges 100.000 OMR, Assets:VAT-Input 3.000 OMR posted; of the rest: "
        "people approved less than was asked: book it in the ledger and run again"
    )
    assert bean_check(book.path) == ""


async def test_the_console_shows_what_is_left(book: Book) -> None:
    """105.000 approved as 100.000, its rest unanswered: the table says 5.000, and where 100.000 went."""

    def less(proposal: Proposal) -> str | Posting:
        whole = proposal.posting.kind is not Kind.REST
        return replace(proposal.posting, amount=Decimal("100.000")) if whole else "silence"

    report = await close_month(
        month_of([line("L1", "-105.000", text="FEE")], []), ScriptedApprovers(decide=less), book
    )
    heading, row = as_table(report).splitlines()[:2]
    assert re.split("  +", heading) == [
        "STATE", "REFERENCE", "DATE", "AMOUNT", "NOT IN THE BOOK", "ABOUT", "DETAIL",
    ]  # fmt: skip
    assert re.split("  +", row) == [
        "open", "L1", "10 Oct", "-105.000 OMR", "-5.000 OMR", "FEE",
        "Expenses:Bank-Charges 100.000 OMR posted; of the rest: timed out: nobody answered",
    ]  # fmt: skip


async def test_the_console_cuts_nothing_people_said(book: Book) -> None:
    """The reason of a refusal is in the table to its last word."""
    why = "not our tenant, " * 7 + "and so the bank will recall it"

    class Wordy(ScriptedApprovers):
        async def post(self, proposal: Proposal, effect: Effect) -> Verdict:
            await super().post(proposal, effect)
            return Refused(why)

    wordy = Wordy(decide=lambda _: "no")
    report = await close_month(month_of([line("L1", "10.000", "X", "t")], []), wordy, book)
    assert why in as_table(report)


_: type[Approvers] = ScriptedApprovers
