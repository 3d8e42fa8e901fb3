"""A person decides: approves, rejects, or answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from escalation import notice
from escalation.audit import EventName
from escalation.grant import Grant
from escalation.ids import DecisionId, RequestId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.request import Decide, Decision, Question, Request, Verdict, apply
from escalation.service import asking, pass_time
from escalation.service.core import Clerk, Click, Clicker, Core, by_person, save, take_in, wake


@dataclass(frozen=True, slots=True)
class Approve:
    """Yes, exactly this."""


@dataclass(frozen=True, slots=True)
class Reject:
    """No, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pick:
    """One of the question's options."""

    index: int  #: Counted from 0.


@dataclass(frozen=True, slots=True)
class Write:
    """An answer in a person's own words."""

    text: str


Choice: TypeAlias = Approve | Reject | Pick | Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """It counts."""

    request: Request
    grant: Grant | None = None
    repeated: bool = False  #: This very click was taken before; nothing changed now.


async def decide(core: Core, click: Click, request_id: RequestId, choice: Choice) -> Decided | Refused:
    """Let the person behind *click* make *choice* about a request."""
    async with core.store.write() as tx:
        outcome = await _decide(core, tx, click, request_id, choice)
        core.kill("decide:before-commit")
    core.kill("decide:before-ack")
    await wake(core, request_id)
    return outcome


async def _decide(
    core: Core, tx: Transaction, click: Click, request_id: RequestId, choice: Choice
) -> Decided | Refused:
    clicker = await take_in(core, tx, click, request_id)
    if isinstance(clicker, Refused):
        return clicker
    request = await pass_time.lock(core, tx, request_id)
    if clicker is None:
        return repeated(request)
    clerk = by_person(core, tx, clicker.person.id)
    if request is None:
        return await clerk.refuse(Refused(Reason.UNKNOWN_REQUEST), request_id, what=click.what)
    decision = _decision(core, tx, clicker, request, choice)
    return await settle_by(clerk, request, decision, what=click.what)


Use: TypeAlias = Callable[[Clerk, Clicker, Request], Awaitable[Decided | Refused]]


async def succeed(
    core: Core, tx: Transaction, click: Click, request_id: RequestId, use: Use
) -> Decided | Refused:
    """Take *click* in and let *use* put a new request in the place of the one it is about."""
    clicker = await take_in(core, tx, click, request_id)
    if isinstance(clicker, Refused):
        return clicker
    seen = await tx.requests.get(request_id)
    if clicker is None:
        return repeated(seen)
    clerk = by_person(core, tx, clicker.person.id)
    outcome = Refused(Reason.UNKNOWN_REQUEST) if seen is None else await use(clerk, clicker, seen)
    if isinstance(outcome, Refused):
        agent = None if seen is None else seen.agent
        return await clerk.refuse(outcome, request_id, agent=agent, what=click.what)
    return outcome


def repeated(request: Request | None) -> Decided | Refused:
    """Return what a click that was taken before is answered: nothing changes now."""
    return Refused(Reason.UNKNOWN_REQUEST) if request is None else Decided(request=request, repeated=True)


async def settle_by(clerk: Clerk, request: Request, decision: Decision, *, what: str) -> Decided | Refused:
    """Apply *decision* to *request*, which is held locked, and leave behind all that follows from it."""
    core, tx = clerk.core, clerk.tx
    authority = asking.authority(core.configuration(), request)
    outcome = apply(request, Decide(decision=decision, authority=authority), now=tx.now)
    if isinstance(outcome, Refused):
        return await clerk.refuse(outcome, request.id, agent=request.agent, what=what)
    decided = outcome.request
    await save(tx, decided)
    await clerk.note(
        EventName.DECISION_MADE,
        request.id,
        agent=request.agent,
        decision=decision.id,
        verdict=decision.verdict.value,
        digest=decision.digest,
        ingress=decision.ingress,
        text=decision.text,
    )
    await clerk.card(decided)
    return await _follow_up(clerk, decided, missing=authority.quorum - len(set(decided.approved_by)))


async def _follow_up(clerk: Clerk, request: Request, *, missing: int) -> Decided:
    person = request.decisions[-1].person
    if not request.state.is_settled:
        await clerk.thread(request, notice.ApprovedByOne(by=person, missing=missing))
        return Decided(request=request)
    await asking.record_settled(clerk, request)
    text = request.decisions[-1].text
    await clerk.thread(request, notice.Settled(state=request.state.value, by=person, text=text))
    grant = await asking.give_grant(clerk, request) if request.state.gives_authority else None
    return Decided(request=request, grant=grant)


def _decision(core: Core, tx: Transaction, clicker: Clicker, request: Request, choice: Choice) -> Decision:
    match choice:
        case Approve():
            verdict, text = Verdict.APPROVE, None
        case Reject(reason=reason):
            verdict, text = Verdict.REJECT, reason.strip()
        case Pick(index=index):
            verdict, text = Verdict.ANSWER, _option(request, index)
        case Write(text=words):
            verdict, text = Verdict.ANSWER, words.strip()
        case _:
            assert_never(choice)
    return decision_of(core, tx, clicker, request, (verdict, text))


def _option(request: Request, index: int) -> str | None:
    options = request.subject.options if isinstance(request.subject, Question) else ()
    return options[index] if 0 <= index < len(options) else None


def decision_of(
    core: Core, tx: Transaction, clicker: Clicker, request: Request, said: tuple[Verdict, str | None]
) -> Decision:
    """Return the decision that *clicker* made about *request* as it is now."""
    verdict, text = said
    return Decision(
        id=DecisionId(core.ids.new("dec")),
        person=clicker.person.id,
        verdict=verdict,
        digest=request.digest,
        at=tx.now,
        ingress=clicker.ingress,
        text=text,
    )
