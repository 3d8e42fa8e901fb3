"""
The life of a request.

    PENDING ──decide (quorum met)──────▶ APPROVED | APPROVED_WITH_EDITS | ANSWERED
       │ ╲────decide (one rejection)───▶ REJECTED
       │ ╲────climb (deadline past)────▶ TIMED_OUT, or UNDELIVERABLE if nobody was ever asked
       │ ╲────give up (cannot post)────▶ UNDELIVERABLE
       │ ╲────supersede (an edit)──────▶ SUPERSEDED
       │ ╲────kill (a stop)────────────▶ KILLED
       └──────cancel (the agent)───────▶ CANCELLED

Everything here is a value or a pure function: no clock, no database, no Slack.
Time arrives as *now*; the outcome leaves as a new value. What was asked never changes:
an edit supersedes the request by a new one. From the deadline on only the clock moves it, or a
stop that was pulled before.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import TypeAlias, assert_never

from escalation.action import Action, Digest, Json
from escalation.action import digest as digest_of
from escalation.authority import Authority, Terms
from escalation.ids import AgentName, DecisionId, IngressId, PersonId, RequestId
from escalation.ladder import Ladder, Rung
from escalation.reason import Reason, Refused

_EDITED_BY = "edited by "
_NEVER_THERE = "the card never reached Slack before the deadline"
_NOT_KNOWN = "it is not known whether the card reached Slack before the deadline"


class State(Enum):
    """Where a request stands."""

    PENDING = "pending"  #: Waiting for people; the clock runs.
    APPROVED = "approved"  #: Enough approvers said yes, or a rule allows it alone.
    APPROVED_WITH_EDITS = "approved_with_edits"  #: Approved after a person changed the arguments.
    ANSWERED = "answered"  #: A question got its answer.
    REJECTED = "rejected"  #: A person or a rule said no, and why.
    TIMED_OUT = "timed_out"  #: The deadline passed. Silence is never consent.
    UNDELIVERABLE = "undeliverable"  #: Nobody could be asked.
    CANCELLED = "cancelled"  #: The agent took it back.
    SUPERSEDED = "superseded"  #: An edited request took its place.
    KILLED = "killed"  #: A stop ended it.

    @property
    def is_settled(self) -> bool:
        """Whether nothing can change it any more."""
        return self is not State.PENDING

    @property
    def gives_authority(self) -> bool:
        """Whether a grant may stand on it."""
        return self in {State.APPROVED, State.APPROVED_WITH_EDITS}

    @property
    def went_unanswered(self) -> bool:
        """Whether it ended because nobody answered: it may be asked again."""
        return self in {State.TIMED_OUT, State.UNDELIVERABLE}


class Verdict(Enum):
    """What a person decided."""

    APPROVE = "approve"
    REJECT = "reject"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an agent does not know."""

    text: str
    options: tuple[str, ...]  #: What a person may pick; may be empty if free text is allowed.
    allow_text: bool  #: Whether an answer in a person's own words is taken.
    tried: str | None = None  #: What the agent did to find out by itself.

    @property
    def digest(self) -> Digest:
        """What identifies it: decisions name it."""
        asked: Json = {"allow_text": self.allow_text, "options": list(self.options), "question": self.text}
        return digest_of(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where the agent's claim can be checked."""

    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What the agent says about its request. Untrusted, and shown apart from the facts."""

    summary: str = ""
    reasoning: str | None = None
    confidence: float | None = None  #: 0 to 1, as the agent sees it.
    evidence: tuple[Evidence, ...] = ()
    workflow: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Which rule had the say."""

    rule: str
    version: str  #: The content hash of the configuration in force.


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One person's decision. It stands on one verified click."""

    id: DecisionId
    person: PersonId
    verdict: Verdict
    digest: Digest  #: What the person was looking at.
    at: datetime
    ingress: IngressId  #: The click that carried it.
    text: str | None = None  #: The reason of a rejection; the answer to a question.


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A proposal or a question, and how it stands."""

    id: RequestId
    tenant: str  #: Slack's team id.
    agent: AgentName
    function: str  #: The business function the agent works for, such as ``finance``.
    owner: PersonId  #: Who answers for the agent; never decides.
    subject: Action | Question
    digest: Digest  #: Of the subject; every decision, grant and claim names it.
    words: Words
    ruling: Ruling
    terms: Terms
    channel: str  #: Where it is asked.
    ladder: Ladder
    asked_at: datetime
    key: str | None  #: The agent's idempotency key; none for an edit or for one asked again.
    edits: RequestId | None = None  #: The request whose arguments a person edited into this one.
    author: PersonId | None = None  #: Who edited them.
    asks_again: RequestId | None = None  #: The unanswered request that this one repeats.
    follow: RequestId | None = None  #: Where it went on: the edited request, or the one asked again.
    state: State = State.PENDING
    version: int = 1  #: Grows by one with each change; a stale writer loses.
    rung: Rung = Rung.ASKED
    delivered_at: datetime | None = None  #: When Slack confirmed the card.
    acknowledged_by: PersonId | None = None
    decisions: tuple[Decision, ...] = ()
    settled_at: datetime | None = None
    reason: str | None = None  #: Why it ended as it did.
    answer: str | None = None

    @property
    def deadline(self) -> datetime:
        """The instant from which nobody can decide."""
        return self.ladder.deadline

    @property
    def next_due_at(self) -> datetime | None:
        """When the clock has to look at it next; nothing once it is settled."""
        if self.state.is_settled:
            return None
        return self.ladder.at(self.next_rung)

    @property
    def next_rung(self) -> Rung:
        """What happens then."""
        return self.ladder.next_rung(self.rung, quiet=self.acknowledged_by is not None)

    @property
    def edited_by(self) -> PersonId | None:
        """Who edited it, if an edited request took its place."""
        if self.state is not State.SUPERSEDED or self.reason is None:
            return None
        return PersonId(self.reason.removeprefix(_EDITED_BY))

    @property
    def approved_by(self) -> tuple[PersonId, ...]:
        """Who approved, in order."""
        return tuple(d.person for d in self.decisions if d.verdict is Verdict.APPROVE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decide:
    """A person decides."""

    decision: Decision
    authority: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """A person says: I am looking."""

    by: PersonId
    authority: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Supersede:
    """An edited request takes its place."""

    by: PersonId
    successor: RequestId
    authority: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAgain:
    """Somebody who may decide wants an unanswered request asked once more."""

    by: PersonId
    successor: RequestId
    authority: Authority


@dataclass(frozen=True, slots=True)
class ConfirmDelivery:
    """Slack confirmed the card."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The card can never be posted."""

    why: str


@dataclass(frozen=True, slots=True)
class Climb:
    """The next rung of the ladder is due."""

    card_in_doubt: bool = False  #: Whether its card may stand in Slack without our having heard of it.


@dataclass(frozen=True, slots=True)
class Cancel:
    """The agent takes it back."""

    why: str


@dataclass(frozen=True, slots=True)
class Kill:
    """A stop covers it."""

    why: str
    at: datetime  #: When the stop was pulled: what was due by then timed out, however late it is noticed.


Command: TypeAlias = (
    Decide | Acknowledge | Supersede | AskAgain | ConfirmDelivery | GiveUp | Climb | Cancel | Kill
)


@dataclass(frozen=True, slots=True)
class Applied:
    """The command took effect."""

    request: Request


Outcome: TypeAlias = Applied | Refused


def apply(request: Request, command: Command, *, now: datetime) -> Outcome:
    """Return what *command* makes of *request* at *now*."""
    if isinstance(command, AskAgain):
        return _ask_again(request, command)
    if request.state.is_settled:
        return Refused(Reason.ALREADY_SETTLED)
    if isinstance(command, Climb):
        return _pass_time(request, command, now)
    # From the deadline on only Climb changes it, whether or not the engine has run yet. A stop acts at
    # the instant at which it was pulled, whenever somebody comes round to what it ends.
    acts_at = command.at if isinstance(command, Kill) else now
    if acts_at >= request.deadline:
        return Refused(Reason.PAST_DEADLINE)
    match command:
        case ConfirmDelivery():
            return Applied(_next(request, delivered_at=request.delivered_at or now))
        case GiveUp(why=why):
            return _settle(request, State.UNDELIVERABLE, now, reason=why)
        case Cancel(why=why):
            return _settle(request, State.CANCELLED, now, reason=why)
        case Kill(why=why):
            return _settle(request, State.KILLED, now, reason=why)
        case Decide() | Acknowledge() | Supersede():
            return _by_person(request, command, now)
        case _:
            assert_never(command)


def _by_person(request: Request, command: Decide | Acknowledge | Supersede, now: datetime) -> Outcome:
    to_reject = isinstance(command, Decide) and command.decision.verdict is Verdict.REJECT
    person = command.decision.person if isinstance(command, Decide) else command.by
    if (objection := command.authority.objection(person, to_reject=to_reject)) is not None:
        return Refused(objection)
    match command:
        case Decide():
            return _decide(request, command, now)
        case Acknowledge(by=by):
            if request.acknowledged_by is not None:
                return Refused(Reason.ALREADY_ACKNOWLEDGED, request.acknowledged_by)
            return Applied(_next(request, acknowledged_by=by))
        case Supersede(by=by, successor=successor):
            if not isinstance(request.subject, Action):
                return Refused(Reason.NOT_A_PROPOSAL)
            if command.authority.forbids_edits:
                return Refused(Reason.EDITS_FORBIDDEN)
            moved = replace(request, follow=successor)
            return _settle(moved, State.SUPERSEDED, now, reason=f"{_EDITED_BY}{by}")
        case _:
            assert_never(command)


def _decide(request: Request, command: Decide, now: datetime) -> Outcome:
    decision = command.decision
    if decision.digest != request.digest:
        return Refused(Reason.DIGEST_MISMATCH)
    match decision.verdict:
        case Verdict.APPROVE:
            return _approve(request, command, now)
        case Verdict.REJECT if not (decision.text or "").strip():
            return Refused(Reason.REASON_MISSING)
        case Verdict.REJECT:
            return _settle(_with(request, decision), State.REJECTED, now, reason=decision.text)
        case Verdict.ANSWER:
            return _answer(request, decision, now)
        case _:
            assert_never(decision.verdict)


def _approve(request: Request, command: Decide, now: datetime) -> Outcome:
    if not isinstance(request.subject, Action):
        return Refused(Reason.NOT_A_PROPOSAL)
    if command.decision.person in request.approved_by:
        return Refused(Reason.ALREADY_DECIDED_BY_YOU)
    if command.decision.person not in command.authority.approvers:
        is_author = command.decision.person == command.authority.barred
        return Refused(Reason.AUTHOR_MAY_NOT_APPROVE if is_author else Reason.EDITS_FORBIDDEN)
    decided = _with(request, command.decision)
    if not command.authority.suffices(decided.approved_by):
        return Applied(_next(decided))
    return _settle(decided, State.APPROVED_WITH_EDITS if request.edits else State.APPROVED, now)


def _answer(request: Request, decision: Decision, now: datetime) -> Outcome:
    question = request.subject
    if not isinstance(question, Question):
        return Refused(Reason.NOT_A_QUESTION)
    text = (decision.text or "").strip()
    if not text or (text not in question.options and not question.allow_text):
        return Refused(Reason.NOT_AN_OPTION)
    return _settle(replace(_with(request, decision), answer=text), State.ANSWERED, now)


def _pass_time(request: Request, command: Climb, now: datetime) -> Outcome:
    if now < request.ladder.at(request.next_rung):
        return Refused(Reason.NOT_YET_DUE)
    if now < request.deadline:
        return Applied(_next(request, rung=request.next_rung))
    if request.delivered_at is None:
        return _settle(
            replace(request, rung=Rung.DEFAULTED),
            State.UNDELIVERABLE,
            now,
            reason=_NOT_KNOWN if command.card_in_doubt else _NEVER_THERE,
        )
    return _settle(
        replace(request, rung=Rung.DEFAULTED), State.TIMED_OUT, now, reason="nobody decided in time"
    )


def _ask_again(request: Request, command: AskAgain) -> Outcome:
    if not request.state.went_unanswered:
        return Refused(Reason.NOT_ASKABLE_AGAIN)
    if request.follow is not None:
        return Refused(Reason.ALREADY_ASKED_AGAIN, request.follow)
    if (objection := command.authority.objection(command.by)) is not None:
        return Refused(objection)
    return Applied(_next(request, follow=command.successor))


def _settle(request: Request, state: State, now: datetime, *, reason: str | None = None) -> Applied:
    return Applied(replace(request, state=state, settled_at=now, reason=reason, version=request.version + 1))


def _with(request: Request, decision: Decision) -> Request:
    return replace(request, decisions=(*request.decisions, decision))


def _next(
    request: Request,
    *,
    rung: Rung | None = None,
    delivered_at: datetime | None = None,
    acknowledged_by: PersonId | None = None,
    follow: RequestId | None = None,
) -> Request:
    return replace(
        request,
        version=request.version + 1,
        rung=request.rung if rung is None else rung,
        delivered_at=delivered_at or request.delivered_at,
        acknowledged_by=acknowledged_by or request.acknowledged_by,
        follow=follow or request.follow,
    )
