"""A decision takes effect: it is saved, recorded and shown; if it settles a proposal, a grant follows."""

from escalation import notice
from escalation.audit import EventName
from escalation.commitment import written
from escalation.ids import DecisionId
from escalation.reason import Refused
from escalation.request import Decide, Decision, Request, Verdict, apply
from escalation.service.context import Counted
from escalation.service.steps.asking import ask_directly
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.click import Clicker
from escalation.service.steps.fence import frozen
from escalation.service.steps.grants import give_grant
from escalation.service.steps.judge import authority
from escalation.service.steps.settle import settled


def decision_of(
    clerk: Clerk, clicker: Clicker, request: Request, *, verdict: Verdict, text: str | None = None
) -> Decision:
    """Return the decision that *clicker* made about *request* as it is now."""
    return Decision(
        id=DecisionId(clerk.core.ids.new("dec")),
        person=clicker.person.id,
        verdict=verdict,
        digest=request.digest,
        at=clerk.tx.now,
        ingress=clicker.ingress,
        text=text,
    )


async def apply_decision(clerk: Clerk, request: Request, decision: Decision) -> Counted | Refused:
    """Apply *decision* to *request*, which is held locked, and leave behind all that follows from it."""
    who_may = authority(clerk.core.configuration(), request)
    outcome = apply(request, Decide(decision=decision, authority=who_may), now=clerk.tx.now)
    if not isinstance(outcome, Refused) and decision.verdict is not Verdict.REJECT:
        outcome = await frozen(clerk.tx) or outcome
    if isinstance(outcome, Refused):
        return outcome
    decided = outcome.request
    await clerk.record(
        EventName.DECISION_MADE,
        request.id,
        agent=request.agent,
        at=decision.at,
        decision=decision.id,
        verdict=decision.verdict.value,
        digest=decision.digest,
        ingress=decision.ingress,
        text=written(decision.text),
        author=request.author,
    )
    if decided.state.is_settled:
        return await _settle(clerk, decided, decision)
    await clerk.save(decided)
    await clerk.card(decided)
    missing = who_may.missing(decided.approved_by)
    await clerk.thread(decided, notice.ApprovedByOne(by=decision.person, missing=missing))
    await ask_directly(clerk, decided)
    return Counted(request=decided)


async def _settle(clerk: Clerk, request: Request, decision: Decision) -> Counted:
    told = notice.Settled(state=request.state.value, by=decision.person, text=decision.text)
    await settled(clerk, request, told)
    grant = await give_grant(clerk, request) if request.state.gives_authority else None
    return Counted(request=request, grant=grant)
