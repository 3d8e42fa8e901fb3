"""What the bank reconciliation tests share: short ways to a line, an entry, a month; and a judge."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from reconcile.ledger.chart import read_chart
from reconcile.ledger.entry import Entry
from reconcile.ledger.erp_export import read_ledger
from reconcile.month import Month
from reconcile.postings.posting import Posting
from reconcile.requests.approvers import Answered, Done, Effect, Refused, Reply, Unsettled, Verdict
from reconcile.requests.proposal import Proposal
from reconcile.requests.question import Question
from reconcile.shared.errors import ReconcileError
from reconcile.shared.money import Foreign
from reconcile.statement.formats import read_statement
from reconcile.statement.statement import Line, Statement

AGENT = Path(__file__).parents[3] / "agents" / "bank_reconciliation"
DATA = AGENT / "data"
CHART = read_chart((DATA / "chart.csv").read_bytes())
CLOSING = "close.closing.beancount"
BANK, TRANSIT = CHART["bank"], CHART["transit"]


def on(number: int) -> date:
    """Return a day of October 2026."""
    return date(2026, 10, number)


def line(ref: str, amount: str, name: str = "", text: str = "", *, day: int = 10) -> Line:
    """Return a statement line."""
    return Line(
        ref=ref, booked_on=on(day), value_on=on(day), amount=Decimal(amount), counterparty=name, text=text
    )


def entry(document: str, amount: str, name: str = "", reference: str = "", *, day: int = 10) -> Entry:
    """Return a ledger entry on the receivables or the payables."""
    return Entry(
        document=document,
        booked_on=on(day),
        account=CHART["receivables" if Decimal(amount) > 0 else "payables"],
        amount=Decimal(amount),
        counterparty=name,
        reference=reference,
    )


def abroad(currency: str, amount: str, rate: str) -> Foreign:
    """Return money of another country."""
    return Foreign(currency=currency, amount=Decimal(amount), rate=Decimal(rate))


def month_of(lines: Iterable[Line], entries: Iterable[Entry], *, opening: str = "1000.000") -> Month:
    """Return October with these lines; its closing balance is what they add up to."""
    booked = tuple(lines)
    closing = sum((one.amount for one in booked), Decimal(opening))
    statement = Statement(
        ident="TEST-10",
        iban="OM290990000314159265358",
        currency="OMR",
        opened_on=on(1),
        closed_on=on(31),
        opening=Decimal(opening),
        closing=closing,
        lines=booked,
    )
    return Month(statement=statement, ledger=tuple(entries), chart=CHART)


def doubtful(*refs: str) -> Month:
    """Return a month with a line for each of *refs* and two entries for any of them."""
    lines = [line(ref, "100.000", "AL WADI") for ref in refs or ("L1",)]
    return month_of(lines, [entry("D1", "100.000", "Al Wadi"), entry("D2", "100.000", "Al Wadi")])


def sample(name: str, statement: str = "statement.camt053.xml") -> Month:
    """Return one of the months that are shipped."""
    read = read_statement((DATA / name / statement).read_bytes())
    ledger = read_ledger((DATA / name / "ledger.csv").read_bytes(), chart=CHART, currency="OMR")
    return Month(statement=read, ledger=ledger, chart=CHART)


def bean_check(path: Path) -> str:
    """Return what bean-check has against the book at *path*; nothing when it accepts it."""
    program = Path(sys.executable).parent / "bean-check"
    done = subprocess.run([program, "--no-cache", path], capture_output=True, text=True, check=False)
    complaints = done.stdout + done.stderr
    assert (done.returncode == 0) == (not complaints.strip())
    return complaints


def approve(_: Proposal) -> str:
    """Say yes to everything."""
    return "yes"


def first_option(question: Question) -> str:
    """Choose the best candidate."""
    return next(iter(question.options))


def run(effect: Effect, posting: Posting) -> Verdict:
    """Run *effect*, and tell a posting that it refuses as a failure."""
    try:
        return Done(effect(posting))
    except ReconcileError as error:
        return Unsettled("failed", str(error))


@dataclass(kw_only=True)
class ScriptedApprovers:
    """Approvers played by two functions: what is said of a proposal, what a question is answered."""

    decide: Callable[[Proposal], str | Posting] = approve
    answer: Callable[[Question], str] = first_option
    proposals: list[Proposal] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    async def post(self, proposal: Proposal, effect: Effect) -> Verdict:
        """Run the effect on ``yes`` or on an edited posting; refuse on ``no``; anything else is silence."""
        self.proposals.append(proposal)
        match self.decide(proposal):
            case "yes":
                return run(effect, proposal.posting)
            case Posting() as edited:
                return run(effect, edited)
            case "no":
                return Refused("not ours")
            case _:
                return Unsettled("timed out", "nobody answered")

    async def ask(self, question: Question) -> Reply:
        """Answer with what the function says, or with silence."""
        self.questions.append(question)
        answer = self.answer(question)
        return Answered(answer) if answer else Unsettled("timed out", "nobody answered")
