"""What holds for every month, whatever the bank, the ledger and people come up with."""

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from bank_samples import BANK, CHART, TRANSIT, ScriptedApprovers, bean_check, entry, line, month_of
from hypothesis import given, settings
from hypothesis import strategies as st
from reconcile.book import Book
from reconcile.close import close_month
from reconcile.month import Month
from reconcile.postings.journal import active
from reconcile.postings.posting import Posting
from reconcile.report.report import Report, State
from reconcile.requests.classifier import RuleClassifier
from reconcile.requests.plan import plan
from reconcile.requests.proposal import Proposal
from reconcile.requests.proposer import Proposer
from reconcile.requests.question import NONE_OF_THESE, Question

pytestmark = pytest.mark.slow

# Few names, references and amounts, so that they meet: most bugs of matching are collisions.
NAMES = st.sampled_from(["", "Al Wadi Cold Stores LLC", "AL WADI COLD STORES", "Sur Fisheries SPC"])
REFERENCES = st.sampled_from(["", "INV-0001", "INV-0002", "BILL-99", "inv 0001"])
AMOUNTS = st.sampled_from(["1.000", "2.000", "3.000", "-1.000", "-2.000", "4999.999", "5000.000", "0.001"])
DAYS = st.integers(1, 31)


@st.composite
def months(draw: st.DrawFn) -> Month:
    """Draw a month of up to eight lines and eight entries."""
    lines = [
        line(f"L{number}", draw(AMOUNTS), draw(NAMES), draw(REFERENCES), day=draw(DAYS))
        for number in range(draw(st.integers(0, 8)))
    ]
    entries = [
        entry(f"D{number}", draw(AMOUNTS), draw(NAMES), draw(REFERENCES), day=draw(DAYS))
        for number in range(draw(st.integers(0, 8)))
    ]
    return month_of(lines, entries)


@st.composite
def peoples(draw: st.DrawFn) -> ScriptedApprovers:
    """Draw people who say anything: yes, no, less, silence; any option, none, silence."""

    def decide(proposal: Proposal) -> str | Posting:
        said = draw(st.sampled_from(["yes", "no", "silence", "less"]))
        if said != "less" or proposal.posting.amount <= Decimal("0.001"):
            return "yes" if said == "less" else said
        return replace(proposal.posting, amount=proposal.posting.amount - Decimal("0.001"))

    def answer(question: Question) -> str:
        return draw(st.sampled_from([*question.options, NONE_OF_THESE, "", "nonsense"]))

    return ScriptedApprovers(decide=decide, answer=answer)


def proposer(month: Month) -> Proposer:
    """Return the proposer of *month*."""
    return Proposer(CHART, RuleClassifier(CHART, month.ledger), currency="OMR")


@given(months())
@settings(max_examples=150, deadline=None)
def test_every_line_is_matched_asked_or_proposed(month: Month) -> None:
    """Each line of the statement is in exactly one of the three, and nothing else is."""
    planned = plan(month, (), proposer(month))
    places = [line_.ref for found in planned.matches for line_ in found.lines]
    places += [asked.line.ref for asked in planned.questions]
    places += list(planned.missing)
    assert sorted(places) == sorted(one.ref for one in month.statement.lines)


@given(months())
@settings(max_examples=150, deadline=None)
def test_no_entry_is_matched_twice_by_code(month: Month) -> None:
    """Each ledger entry is matched once or left over, never both and never twice."""
    planned = plan(month, (), proposer(month))
    places = [one.document for found in planned.matches for one in found.entries]
    places += [one.document for one in planned.entries]
    assert sorted(places) == sorted(one.document for one in month.ledger)


@given(months())
@settings(deadline=None)
def test_code_matches_only_what_adds_up(month: Month) -> None:
    """Without another currency, what code matches has no difference: lines and entries are the same money."""
    assert all(found.difference == 0 for found in plan(month, (), proposer(month)).matches)


@given(months(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_files_does_not_matter(month: Month, shuffled: object) -> None:
    """Rows in another order give the same matches, the same questions and the same proposals."""
    lines, ledger = list(month.statement.lines), list(month.ledger)
    shuffled.shuffle(lines)  # type: ignore[attr-defined]  # hypothesis' random.Random, a banned import here
    shuffled.shuffle(ledger)  # type: ignore[attr-defined]
    other = replace(month, statement=replace(month.statement, lines=tuple(lines)), ledger=tuple(ledger))
    one, two = plan(month, (), proposer(month)), plan(other, (), proposer(other))
    assert one.matches == two.matches
    assert one.questions == two.questions
    assert {each.key("w") for each in one.proposals} == {each.key("w") for each in two.proposals}


@given(months())
@settings(deadline=None)
def test_no_two_asks_share_a_key(month: Month) -> None:
    """Every proposal and every question of a month has a key of its own."""
    planned = plan(month, (), proposer(month))
    keys = Counter([one.key("w") for one in planned.proposals] + [one.key("w") for one in planned.questions])
    assert set(keys.values()) <= {1}


def closed(month: Month, people: ScriptedApprovers, book: Book) -> Report:
    """Close *month* with *people*."""
    return asyncio.run(close_month(month, people, book))


@given(month=months(), people=peoples())
@settings(max_examples=100, deadline=None)
def test_only_what_was_approved_is_posted_and_all_of_it_adds_up(
    month: Month, people: ScriptedApprovers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each posting was approved and each approved one posted; bank and book differ by what is open."""
    allowed: list[tuple[str, Decimal]] = []
    decide = people.decide

    def remember(proposal: Proposal) -> str | Posting:
        said = decide(proposal)
        if said == "yes" or isinstance(said, Posting):
            posting = said if isinstance(said, Posting) else proposal.posting
            allowed.append((posting.ident, posting.amount))
        return said

    people.decide = remember
    book = Book(tmp_path_factory.mktemp("law") / "b.beancount")
    report = closed(month, people, book)

    postings = active(book.journal.read())
    assert sorted((one.ident, one.amount) for one in postings) == sorted(allowed)
    open_lines = [row for row in report.rows if row.is_line]
    assert [row.ref for row in open_lines] == [one.ref for one in month.statement.lines]
    assert sum(row.left for row in open_lines) == report.closing - report.booked
    posted_rows = {row.ref for row in report.of(State.POSTED) if row.is_line}
    assert posted_rows <= {one.statement_ref for one in postings if one.against == BANK}


@given(month=months(), people=peoples())
@settings(max_examples=12, deadline=None)
def test_bean_check_accepts_every_book(
    month: Month, people: ScriptedApprovers, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever people say, the book balances, its transit account is what the report lists, and a claimed
    closing balance is true.
    """
    book = Book(tmp_path_factory.mktemp("law") / "b.beancount")
    report = closed(month, people, book)
    assert bean_check(book.path) == ""
    closing = book.path.with_name("b.closing.beancount").read_text()
    assert (f"balance {BANK}" in closing) is report.is_reconciled
    assert f"balance {TRANSIT}" in closing
