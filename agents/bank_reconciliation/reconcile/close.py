"""
Closes a month: plan, ask everything at once, follow up what the answers leave, write book and verdict.

    plan ─▶ questions and proposals at once ─▶ declined lines, differences, rests ─▶ book, verdict, report
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconcile.book import Book
from reconcile.matching.match import Match
from reconcile.month import Month
from reconcile.postings.journal import Posted, active
from reconcile.postings.posting import Kind
from reconcile.report.render import as_json, as_markdown
from reconcile.report.report import Report
from reconcile.report.tally import Decisions, Tally
from reconcile.requests.approved_posting import writer
from reconcile.requests.approvers import Answered, Approvers, Done, Reply, Verdict
from reconcile.requests.classifier import Classifier, RuleClassifier
from reconcile.requests.plan import Plan, plan
from reconcile.requests.proposal import Proposal
from reconcile.requests.proposer import Proposer
from reconcile.requests.question import Question, meaning
from reconcile.shared.errors import BookRefused
from reconcile.shared.evidence import Evidence
from reconcile.statement.statement import Line

Verdicts = tuple[tuple[Proposal, Verdict], ...]


async def close_month(
    month: Month, approvers: Approvers, book: Book, *, classifier: Classifier | None = None
) -> Report:
    """
    Return the report of closing *month*; the book and the report's files are written beside it.

    Safe to run again after any crash: requests are found again by their keys, postings by their identity.
    """
    return await _Close(month, approvers, book, classifier or RuleClassifier(month.chart, month.ledger)).run()


def planned(month: Month, book: Book) -> Plan:
    """Return what `close_month` would ask, without asking or writing anything."""
    return plan(month, book.journal.read(), _proposer(month, RuleClassifier(month.chart, month.ledger)))


class _Close:
    def __init__(self, month: Month, approvers: Approvers, book: Book, classifier: Classifier) -> None:
        self._month = month
        self._approvers = approvers
        self._book = book
        self._proposer = _proposer(month, classifier)
        self._before = book.journal.read()
        _check_subjects(self._before, month)

    async def run(self) -> Report:
        first = plan(self._month, self._before, self._proposer)
        self._book.begin(self._month, first.matches)
        verdicts, replies = await asyncio.gather(self._post(first.proposals), self._ask(first.questions))
        chosen, declined, unanswered = resolve(first.questions, replies)
        verdicts += await self._post(self._follow_up(chosen, declined))
        verdicts += await self._post(self._rests(verdicts))
        decisions = Decisions(matches=first.matches, chosen=chosen, unanswered=unanswered, verdicts=verdicts)
        report = Tally(self._month, decisions, self._book.journal.read()).report()
        self._book.finish(self._month, (*first.matches, *chosen), report)
        self._book.write_report(as_markdown(report), as_json(report))
        return report

    async def _post(self, proposals: Sequence[Proposal]) -> Verdicts:
        verdicts = await asyncio.gather(*map(self._post_one, proposals))
        return tuple(zip(proposals, verdicts, strict=True))

    async def _post_one(self, proposal: Proposal) -> Verdict:
        key = proposal.key(self._month.statement.workflow)
        ident = proposal.posting.ident
        # In the book since an earlier run that saw other inputs: nobody is asked for the same thing twice.
        if any(one.posting.ident == ident and one.asked != key for one in self._before):
            return Done(ident)
        effect = writer(self._book.journal, proposal, chart=self._month.chart, asked=key)
        return await self._approvers.post(proposal, effect)

    async def _ask(self, questions: Sequence[Question]) -> list[Reply]:
        return await asyncio.gather(*map(self._approvers.ask, questions))

    def _follow_up(self, chosen: Iterable[Match], declined: Iterable[Line]) -> list[Proposal]:
        missing = [self._proposer.missing(line) for line in declined]
        abroad = [match for match in chosen if match.difference and match.lines[0].foreign]
        return [*missing, *map(self._proposer.difference, abroad)]

    def _rests(self, verdicts: Verdicts) -> list[Proposal]:
        posted = self._book.journal.read()
        done = {one.posting.statement_ref for one, verdict in verdicts if isinstance(verdict, Done)}
        taken_back = {one.posting.statement_ref for one in posted if one.posting.kind is Kind.REVERSAL}
        bank = self._month.chart["bank"]
        rests = []
        for line in self._month.statement.lines:
            mine = [one for one in active(posted) if one.against == bank and one.statement_ref == line.ref]
            left = line.amount - sum(one.moved for one in mine if one.kind is not Kind.REST)
            if mine and left and line.ref in done - taken_back:
                rests.append(self._proposer.rest(line, left))
        return rests


def resolve(
    questions: Sequence[Question], replies: Sequence[Reply]
) -> tuple[tuple[Match, ...], tuple[Line, ...], dict[str, str]]:
    """
    Return the matches that people chose, the lines that are no candidate, and what stays open and why.

    An entry that two answers claim goes to the line that stands first on the statement; the other stays open.
    """
    chosen: list[Match] = []
    declined: list[Line] = []
    unanswered: dict[str, str] = {}
    given: dict[str, str] = {}
    for asked, reply in zip(questions, replies, strict=True):
        match _meant(asked, reply, given):
            case str(problem):
                unanswered[asked.line.ref] = problem
            case None:
                declined.append(asked.line)
            case Match() as found:
                given |= {entry.document: asked.line.ref for entry in found.entries}
                chosen_by = Evidence("a person chose it", 0.95)
                chosen.append(replace(found, how="answer", evidence=(*found.evidence, chosen_by)))
    return tuple(chosen), tuple(declined), unanswered


def _meant(asked: Question, reply: Reply, given: dict[str, str]) -> Match | str | None:
    if not isinstance(reply, Answered):
        return f"{reply.state}: {reply.reason}"
    try:
        found = meaning(asked, reply.answer)
    except KeyError:
        return f"the answer {reply.answer!r} is none of the options"
    for entry in found.entries if found else ():
        if entry.document in given:
            return f"{entry.document} was given to {given[entry.document]} by another answer"
    return found


def _proposer(month: Month, classifier: Classifier) -> Proposer:
    return Proposer(month.chart, classifier, currency=month.statement.currency)


def _check_subjects(posted: Iterable[Posted], month: Month) -> None:
    refs = {line.ref for line in month.statement.lines}
    strangers = sorted({one.posting.statement_ref for one in posted} - refs)
    if strangers:
        raise BookRefused(
            f"the book has postings for {', '.join(strangers[:3])}, not on this statement: use another --book"
        )
