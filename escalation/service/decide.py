"""A person decides: approves, rejects, or answers."""

from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, assert_never

from escalation import notice
from escalation.audit import EventName
from escalation.ids import DecisionId, RequestId
from escalation.reason import Refused
from escalation.request import Decide, Decision, Question, Request, Verdict, apply
from escalation.service import asking, pass_time
from escalation.service.core import Clerk, Click, Clicker, Core, save, wake
from escalation.service.take_up import Decided, take_up


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


async def decide(core: Core, click: Click, request_id: RequestId, choice: Choice) -> Decided | Refused:
    """Let the person behind *click* make *choice* about a request."""
    async with core.store.write() as tx:
        find = partial(pass_time.lock, core, tx)
        outcome = await take_up(core, tx, click, (request_id, find), partial(_decide, choice))
        core.kill("decide:before-commit")
    core.kill("decide:before-ack")
    await wake(core, request_id)
    return outcome


async def _decide(choice: Choice, clerk: Clerk, clicker: Clicker, request: Request) -> Decided | Refused:
    return await settle_by(clerk, request, _decision(clerk, clicker, request, choice))


async def settle_by(clerk: Clerk, request: Request, decision: Decision) -> Decided | Refused:
    """Apply *decision* to *request*, which is held locked, and leave behind all that follows from it."""
    core, tx = clerk.core, clerk.tx
    authority = asking.authority(core.configuration(), request)
    outcome = apply(request, Decide(decision=decision, authority=authority), now=tx.now)
    if isinstance(outcome, Refused):
        return outcome
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
    return await _follow_up(clerk, decided, missing=authority.missing(decided.approved_by))


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


def _decision(clerk: Clerk, clicker: Clicker, request: Request, choice: Choice) -> Decision:
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
    return decision_of(clerk, clicker, request, (verdict, text))


def _option(request: Request, index: int) -> str | None:
    options = request.subject.options if isinstance(request.subject, Question) else ()
    return options[index] if 0 <= index < len(options) else None


def decision_of(
    clerk: Clerk, clicker: Clicker, request: Request, said: tuple[Verdict, str | None]
) -> Decision:
    """Return the decision that *clicker* made about *request* as it is now."""
    verdict, text = said
    return Decision(
        id=DecisionId(clerk.core.ids.new("dec")),
        person=clicker.person.id,
        verdict=verdict,
        digest=request.digest,
        at=clerk.tx.now,
        ingress=clicker.ingress,
        text=text,
    )
