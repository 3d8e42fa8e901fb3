"""The first half of a close, without asking: every line is either matched, asked or proposed."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.ledger.entry import Entry
from reconcile.matching.match import Match
from reconcile.matching.stages import Matching, match
from reconcile.month import Month
from reconcile.postings.journal import Posted, active
from reconcile.postings.posting import Kind
from reconcile.requests.proposal import Proposal
from reconcile.requests.proposer import Proposer, twins
from reconcile.requests.question import Question, question


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What code settled, and what people are asked."""

    matches: tuple[Match, ...]
    questions: tuple[Question, ...]
    missing: dict[str, Proposal]  #: By the reference of the line that has no entry.
    others: tuple[Proposal, ...]  #: Exchange differences and duplicates: they move no line.
    entries: tuple[Entry, ...]  #: Not matched by code.

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Every proposal of the first round."""
        return (*self.missing.values(), *self.others)


def plan(month: Month, posted: Iterable[Posted], proposer: Proposer) -> Plan:
    """
    Return the plan for *month*.

    Lines that an earlier run's *posted* settled are not matched again, even when the ledger has caught up
    since: they are proposed once more, under the same key, and so find their own request. What was posted and
    taken back is not proposed again; it waits for the ledger.
    """
    posted = tuple(posted)
    settled = {one.statement_ref for one in active(posted) if one.against == month.chart["bank"]}
    taken_back = {one.posting.ledger_ref for one in posted if one.posting.kind is Kind.REVERSAL}
    fresh = [line for line in month.statement.lines if line.ref not in settled]
    matching = match(fresh, month.ledger, currency=month.statement.currency)
    unmatched = {line.ref for line in matching.lines} | settled
    missing = {line.ref: proposer.missing(line) for line in month.statement.lines if line.ref in unmatched}
    return Plan(
        matches=matching.matches,
        questions=tuple(question(doubt, currency=month.statement.currency) for doubt in matching.doubts),
        missing={ref: one for ref, one in missing.items() if one.posting.ident not in taken_back},
        others=tuple(one for one in _others(matching, proposer) if one.posting.ident not in taken_back),
        entries=matching.entries,
    )


def _others(matching: Matching, proposer: Proposer) -> list[Proposal]:
    doubted = {
        entry.document for one in matching.doubts for match_ in one.candidates for entry in match_.entries
    }
    loose = tuple(entry for entry in matching.entries if entry.document not in doubted)
    differences = [proposer.difference(one) for one in matching.matches if one.difference]
    return [*differences, *(proposer.duplicate(*found) for found in twins(loose, matching.matches))]
