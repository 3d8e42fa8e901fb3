"""A close through the SDK, a script in place of the bot: what is said, what is not, what a crash leaves."""

import re
from dataclasses import dataclass
from decimal import Decimal

import pytest
from bank_samples import (
    BANK,
    CHART,
    CLOSING,
    TRANSIT,
    ScriptedApprovers,
    bean_check,
    doubtful,
    entry,
    first_option,
    line,
    month_of,
    sample,
)
from reconcile.book import Book
from reconcile.close import close_month
from reconcile.month import Month
from reconcile.postings.posting import Kind, Posting
from reconcile.report.report import Report, State
from reconcile.requests.andon_approvers import AndonApprovers
from reconcile.requests.approvers import Effect, Reply, Verdict
from reconcile.requests.proposal import Proposal
from reconcile.requests.question import Question

from andon import Andon
from andon.testing import Script

TEXTS = ("summary", "question", "options", "reasoning", "tried", "evidence")


async def scripted(month: Month, script: Script, book: Book, *, again: int = 0) -> Report:
    """Close *month* through the SDK, with *script* in place of the bot."""
    workflow = month.statement.workflow
    async with Andon(offline=script, workflow=workflow) as andon:
        return await close_month(month, AndonApprovers(andon, workflow=workflow, again=again), book)


def small_script() -> Script:
    """Return what people say: yes, an edit, yes, no, yes; the first invoice; yes to the VAT."""
    script = Script().approve("ledger.post").edit("ledger.post", amount="100.000").approve("ledger.post")
    script.reject("ledger.post", reason="not our tenant; the bank will recall it").approve("ledger.post")
    return script.answer(qurum_option("CB-26100005")).approve("ledger.post")


def qurum_option(document: str) -> str:
    """Return the small month's option for *document*."""
    number = int(document[-1]) + 7
    return f"{document} · {number} Oct · 1,250.000 OMR · Qurum Hospitality SAOC"


def test_the_options_are_what_the_tests_think() -> None:
    """The scripted answer is a real option: document, day, amount, name."""
    assert qurum_option("CB-26100005") == "CB-26100005 · 12 Oct · 1,250.000 OMR · Qurum Hospitality SAOC"


async def test_the_small_month_through_the_sdk(book: Book) -> None:
    """Eight lines: three matched, one by an answer, three posted, one refused, which leaves 480.000 open."""
    script = small_script()
    report = await scripted(sample("small"), script, book)

    counts = {state: len([row for row in report.of(state) if row.is_line]) for state in State}
    assert (counts[State.MATCHED], counts[State.ASKED], counts[State.POSTED]) == (3, 1, 3)
    assert [row.ref for row in report.of(State.REFUSED)] == ["FT263000008"]
    assert (report.is_reconciled, report.closing - report.booked) == (False, Decimal("480.000"))
    assert bean_check(book.path) == ""
    assert [asked.kind.value for asked in script.asked] == ["proposal"] * 5 + ["question", "proposal"]


async def test_the_book_of_an_open_month_claims_nothing(book: Book) -> None:
    """With a line refused the closing balance is not asserted; notes say what is missing and why."""
    await scripted(sample("small"), small_script(), book)
    closing = book.path.with_name(CLOSING).read_text()
    assert f"balance {BANK}" not in closing
    assert "480.000 OMR is open" in closing
    assert "not our tenant" in closing
    assert f"balance {TRANSIT}" in closing


async def test_an_edit_is_written_as_edited_and_its_rest_is_asked(book: Book) -> None:
    """105.000 approved as 100.000 leaves 5.000, which is asked again as VAT: 100.000 + 5.000 = 105.000."""
    script = small_script()
    await scripted(sample("small"), script, book)
    mine = [one.posting for one in book.journal.read() if one.posting.statement_ref == "FT262910006"]
    assert [(one.kind, one.account, one.amount) for one in mine] == [
        (Kind.BANK_FEE, CHART["fees"], Decimal("100.000")),
        (Kind.REST, CHART["vat"], Decimal("5.000")),
    ]


async def test_what_is_sent_fits_the_contract(book: Book) -> None:
    """Amounts travel as strings with three places; summaries, options and keys keep the contract's limits."""
    script = small_script()
    await scripted(sample("small"), script, book)
    for asked in script.asked:
        assert re.fullmatch(r"close-2026-10:[!-~]{1,180}", asked.key)
        confidence = asked.payload["confidence"]
        assert isinstance(confidence, float)
        assert 0 < confidence < 1
        if asked.arguments is None:
            options = asked.payload["options"]
            assert isinstance(options, list)
            assert all(len(str(option)) <= 75 for option in options)
        else:
            assert re.fullmatch(r"[0-9]+\.[0-9]{3}", str(asked.arguments["amount"]))
            assert len(str(asked.payload["summary"])) <= 300


async def test_amounts_are_written_one_way_for_people(book: Book) -> None:
    """In every text that people read an amount over a thousand has its comma, and its three places."""
    script = small_script()
    await scripted(sample("small"), script, book)
    texts = [str(asked.payload.get(name) or "") for asked in script.asked for name in TEXTS]
    amounts = [amount for text in texts for amount in re.findall(r"[0-9][0-9,. ]*(?= OMR)", text)]
    assert {"1,250.000", "7,200.000"} < set(amounts)
    assert all(re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})*\.[0-9]{3}", amount) for amount in amounts)


async def test_october_through_the_sdk(book: Book) -> None:
    """October's 21 proposals and 2 questions go through the SDK, and the book is accepted, to the baisa."""
    script = Script()
    for _ in range(30):
        script.approve("ledger.post")
    month = sample("2026-10")
    approvers = ScriptedApprovers(decide=lambda _: "silence", answer=first_option)
    await close_month(month, approvers, Book(book.path.with_name("dry.beancount")))
    for asked in approvers.questions:
        script.answer(first_option(asked))
    report = await scripted(month, script, book)
    assert report.is_reconciled
    assert (len(approvers.proposals), len(approvers.questions)) == (21, 2)
    assert bean_check(book.path) == ""
    # INV-26-1225 was booked with 1,530.000 and paid with 1,350.000: −180.000 is for the ledger to mend.
    assert [(row.state, row.amount) for row in report.of(State.OPEN)] == [(State.OPEN, Decimal("-180.000"))]


async def test_nothing_is_posted_that_nobody_approved(book: Book) -> None:
    """With an empty script, which refuses everything, no posting is written."""
    report = await scripted(sample("2026-10"), Script(), book)
    assert book.journal.read() == ()
    assert len(report.of(State.REFUSED)) == 21
    assert bean_check(book.path) == ""


async def test_silence_is_not_consent(book: Book) -> None:
    """What timed out is not written; it is open, and the report says that nobody answered."""
    script = Script().time_out("ledger.post")
    report = await scripted(month_of([line("L1", "-4.200", text="FEE")], []), script, book)
    assert book.journal.read() == ()
    assert [row.detail.startswith("timed out: ") for row in report.of(State.OPEN)] == [True]


async def test_a_stopped_agent_writes_nothing(book: Book) -> None:
    """With the kill switch on nothing is asked, nothing is written, and the close says so."""
    report = await scripted(sample("small"), Script().stop(reason="audit"), book)
    assert book.journal.read() == ()
    assert {row.detail for row in report.of(State.OPEN)} == {"not asked: Stopped: audit"}


async def test_an_approved_edit_that_does_not_fit_fails(book: Book) -> None:
    """An amount edited above the line is not written, is reported as failed, and stays open."""
    script = Script().edit("ledger.post", amount="42.000")
    report = await scripted(month_of([line("L1", "-4.200", text="FEE")], []), script, book)
    assert book.journal.read() == ()
    assert [grant.state.value for grant in script.reported] == ["failed"]
    assert "at most 4.200 OMR" in report.of(State.OPEN)[0].detail


async def test_a_second_run_asks_nobody_and_changes_nothing(book: Book) -> None:
    """The same month run again finds its own requests: nothing new is asked and no file changes."""
    script, month = small_script(), sample("small")
    first = await scripted(month, script, book)
    files = {path: path.read_bytes() for path in book.path.parent.glob("close.*")}
    asked = len(script.asked)
    assert await scripted(month, script, book) == first
    assert len(script.asked) == asked
    assert files == {path: path.read_bytes() for path in book.path.parent.glob("close.*")}


async def test_what_timed_out_is_asked_again_on_request_only(book: Book) -> None:
    """A second run finds the timeout; with again it asks once more, and a third finds that approval."""
    month = month_of([line("L1", "-4.200", text="FEE")], [])
    script = Script().time_out("ledger.post").approve("ledger.post")
    await scripted(month, script, book)
    assert len(script.asked) == 1
    assert not (await scripted(month, script, book)).is_reconciled
    assert len(script.asked) == 1
    assert (await scripted(month, script, book, again=1)).is_reconciled
    assert (await scripted(month, script, book, again=1)).is_reconciled
    assert (await scripted(month, script, book)).is_reconciled
    assert (len(script.asked), len(book.journal.read())) == (2, 1)


async def test_a_refusal_is_final(book: Book) -> None:
    """However often it is told to ask again, the agent does not ask again what a person refused."""
    month = month_of([line("L1", "-4.200", text="FEE")], [])
    script = Script().reject("ledger.post", reason="no").approve("ledger.post")
    report = await scripted(month, script, book, again=3)
    assert (len(script.asked), report.of(State.REFUSED)[0].ref) == (1, "L1")


async def test_questions_are_asked_again_too(book: Book) -> None:
    """A question that timed out is asked once more with again, and its answer counts."""
    script = Script().time_out().answer("D1 · 10 Oct · 100.000 OMR · Al Wadi")
    assert (await scripted(doubtful(), script, book, again=1)).is_reconciled


async def test_changed_inputs_are_a_new_request(book: Book) -> None:
    """When the ledger changes what the agent says about a line, it asks anew under another key."""
    came = line("L1", "10.000", "AL WADI")
    script = Script().time_out("ledger.post").approve("ledger.post")
    await scripted(month_of([came], []), script, book)
    report = await scripted(month_of([came], [entry("D1", "77.000", "Al Wadi")]), script, book)
    assert report.is_reconciled
    assert len({asked.key for asked in script.asked}) == 2


class Crash(BaseException):
    """Stands for the death of the process: nothing of the agent may catch it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dying:
    """Approvers with whom the process dies in the effect, before or after the posting is written."""

    approvers: AndonApprovers
    after_write: bool

    async def post(self, proposal: Proposal, effect: Effect) -> Verdict:
        """Ask as usual, and die in the effect."""

        def die(posting: Posting) -> str:
            if self.after_write:
                effect(posting)
            raise Crash

        return await self.approvers.post(proposal, die)

    async def ask(self, question: Question) -> Reply:
        """Ask as usual."""
        return await self.approvers.ask(question)


@pytest.mark.parametrize("after_write", [False, True])
async def test_a_crash_in_the_effect_never_posts_twice(
    after_write: bool,  # noqa: FBT001  a table's column
    book: Book,
) -> None:
    """An agent that died inside the effect does not run it again; a person says what became of it."""
    month, script = month_of([line("L1", "-4.200", text="FEE")], []), Script().approve("ledger.post")
    async with Andon(offline=script, workflow="close-2026-10") as bot:
        dying = Dying(approvers=AndonApprovers(bot, workflow="close-2026-10"), after_write=after_write)
        with pytest.raises(Crash):
            await close_month(month, dying, book)
    assert "interrupted" in book.path.with_name(CLOSING).read_text()
    report = await scripted(month, script, book)
    assert len(book.journal.read()) == int(after_write)
    assert report.is_reconciled is after_write
    assert len(script.asked) == 1
    assert bean_check(book.path) == ""
