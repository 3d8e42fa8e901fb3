"""Adds up where everything ended, from the book: what is written settles a line, not what was said."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from reconcile.ledger.entry import Entry
from reconcile.matching.match import Match
from reconcile.month import Month
from reconcile.postings.journal import Posted, active
from reconcile.postings.posting import Kind, Posting
from reconcile.report.report import Report, Row, State
from reconcile.requests.approvers import Done, Refused, Unsettled, Verdict
from reconcile.requests.proposal import Proposal
from reconcile.shared.money import show
from reconcile.shared.text import one_line
from reconcile.statement.statement import Line

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Everything that was decided in one run."""

    matches: tuple[Match, ...]  #: By code.
    chosen: tuple[Match, ...]  #: By people.
    unanswered: Mapping[str, str]  #: Line reference to the reason why no answer settled it.
    verdicts: tuple[tuple[Proposal, Verdict], ...]


class Tally:
    """One run's arithmetic."""

    def __init__(self, month: Month, decisions: Decisions, posted: Iterable[Posted]) -> None:
        self._month = month
        self._decisions = decisions
        self._posted = tuple(posted)
        self._active = active(self._posted)
        self._bank = month.chart["bank"]
        self._matched = {line.ref: match for match in decisions.matches for line in match.lines}
        self._chosen = {line.ref: match for match in decisions.chosen for line in match.lines}

    def report(self) -> Report:
        """Return the report of the run."""
        statement = self._month.statement
        lines = [self._line(line) for line in statement.lines]
        others = [*self._differences(), *self._entries(), *self._orphans()]
        confirmed = sum((line.amount for line in statement.lines if self._match(line)), ZERO)
        posted = sum((one.posting.moved for one in self._posted if one.posting.against == self._bank), ZERO)
        return Report(
            workflow=statement.workflow,
            iban=statement.iban,
            currency=statement.currency,
            closed_on=statement.closed_on,
            closing=statement.closing,
            booked=statement.opening + confirmed + posted,
            in_transit=sum((row.left for row in others), ZERO),
            rows=(*lines, *others),
        )

    def _match(self, line: Line) -> Match | None:
        return self._matched.get(line.ref) or self._chosen.get(line.ref)

    def _line(self, line: Line) -> Row:
        about = one_line(line.counterparty or line.text, 60)
        if (match := self._match(line)) is not None:
            state = State.MATCHED if line.ref in self._matched else State.ASKED
            return _row(line, state=state, left=ZERO, about=about, detail=_how(match))
        mine = [one for one in self._active if one.against == self._bank and one.statement_ref == line.ref]
        left = line.amount - sum((one.moved for one in mine), ZERO)
        if left == 0:
            return _row(line, state=State.POSTED, left=left, about=about, detail=self._accounts(mine))
        state, detail = self._why_open(line)
        if mine:
            detail = f"{self._accounts(mine)} posted; of the rest: {detail}"
        return _row(line, state=state, left=left, about=about, detail=detail)

    def _accounts(self, posted: Iterable[Posting]) -> str:
        return ", ".join(f"{one.account} {show(one.amount, one.currency)}" for one in posted)

    def _why_open(self, line: Line) -> tuple[State, str]:
        if line.ref in self._decisions.unanswered:
            return State.OPEN, self._decisions.unanswered[line.ref]
        mine = [pair for pair in self._decisions.verdicts if pair[0].posting.statement_ref == line.ref]
        for proposal, verdict in reversed(mine):
            if proposal.posting.against == self._bank and not isinstance(verdict, Done):
                return _state(verdict)
        mine_posted = [one.posting for one in self._posted if one.posting.statement_ref == line.ref]
        if any(one.kind is Kind.REVERSAL for one in mine_posted):
            return State.OPEN, "posted and taken back: book it in the ledger and run again"
        if any(one.against == self._bank for one in mine_posted):
            return State.OPEN, "people approved less than was asked: book it in the ledger and run again"
        return State.OPEN, "reported as posted, but it is not in the book: restore the postings file"

    def _differences(self) -> Iterator[Row]:
        for match in (*self._decisions.matches, *self._decisions.chosen):
            if match.difference:
                yield self._difference(match)

    def _difference(self, match: Match) -> Row:
        refs = {line.ref for line in match.lines}
        moved = self._moved(kind=Kind.FX_DIFFERENCE, among=refs)
        state, detail = self._decided(Kind.FX_DIFFERENCE, refs, left=moved - match.difference)
        line, documents = match.lines[0], " + ".join(entry.document for entry in match.entries)
        return Row(
            state=state,
            ref=line.ref,
            on=line.booked_on,
            amount=match.difference,
            left=moved - match.difference,
            about=f"difference to {documents}",
            detail=detail,
            is_line=False,
        )

    def _entries(self) -> Iterator[Row]:
        cleared = {
            one.document
            for match in (*self._decisions.matches, *self._decisions.chosen)
            for one in match.entries
        }
        for entry in self._month.ledger:
            if entry.document not in cleared:
                yield self._entry(entry)

    def _entry(self, entry: Entry) -> Row:
        left = entry.amount + self._moved(kind=Kind.DUPLICATE, among={entry.document})
        proposed = any(_about(proposal.posting) == entry.document for proposal, _ in self._decisions.verdicts)
        state, detail = State.TRANSIT, f"booked {entry.booked_on}, not on the statement"
        if proposed or not left:
            state, detail = self._decided(Kind.DUPLICATE, {entry.document}, left=left)
        return Row(
            state=state,
            ref=entry.document,
            on=entry.booked_on,
            amount=entry.amount,
            left=left,
            about=one_line(entry.counterparty or entry.text, 60),
            detail=detail,
            is_line=False,
        )

    def _orphans(self) -> Iterator[Row]:
        """Yield what was posted for something that is gone: the inputs changed after people decided."""
        differing = {ref for ref, match in {**self._matched, **self._chosen}.items() if match.difference}
        cleared = {
            one.document
            for match in (*self._decisions.matches, *self._decisions.chosen)
            for one in match.entries
        }
        there = differing | {entry.document for entry in self._month.ledger if entry.document not in cleared}
        for one in self._active:
            if one.against != self._bank and _about(one) not in there:
                yield Row(
                    state=State.OPEN,
                    ref=one.ident,
                    on=one.booking_date,
                    amount=one.moved,
                    left=one.moved,
                    about=one_line(one.memo, 60),
                    detail="its subject is gone from the inputs: take it back with `reverse`",
                    is_line=False,
                )

    def _moved(self, *, kind: Kind, among: set[str]) -> Decimal:
        return sum((one.moved for one in self._active if one.kind is kind and _about(one) in among), ZERO)

    def _decided(self, kind: Kind, among: set[str], *, left: Decimal) -> tuple[State, str]:
        if left == 0:
            return State.POSTED, "posted"
        for proposal, verdict in reversed(self._decisions.verdicts):
            posting = proposal.posting
            if posting.kind is kind and _about(posting) in among and not isinstance(verdict, Done):
                return _state(verdict)
        return State.OPEN, "the ledger does not say what the bank says: correct the ledger and run again"


def _about(posting: Posting) -> str:
    return posting.ledger_ref if posting.kind is Kind.DUPLICATE else posting.statement_ref


def _state(verdict: Refused | Unsettled) -> tuple[State, str]:
    if isinstance(verdict, Refused):
        return State.REFUSED, f"refused: {one_line(verdict.reason, 300)}"
    return State.OPEN, f"{verdict.state}: {one_line(verdict.reason, 300)}"


def _how(match: Match) -> str:
    documents = " + ".join(entry.document for entry in match.entries)
    return f"{documents} by {match.how}, {match.confidence:.2f}"


def _row(line: Line, *, state: State, left: Decimal, about: str, detail: str) -> Row:
    return Row(
        state=state,
        ref=line.ref,
        on=line.booked_on,
        amount=line.amount,
        left=left,
        about=about,
        detail=detail,
        is_line=True,
    )
