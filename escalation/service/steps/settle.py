"""
The one way in which a request moves on: locked, settled first if its deadline is past, then saved.

Click, deadline, cancel and stop all save, record, redraw the card and tell people through here.
"""

from escalation import notice
from escalation.audit import EventName
from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.ports import Step, Transaction
from escalation.reason import Refused
from escalation.request import Climb, Request, apply
from escalation.service.context import Core
from escalation.service.steps.asking import ask_directly
from escalation.service.steps.clerk import Clerk, by_us


async def lock(core: Core, tx: Transaction, request_id: RequestId) -> Request | None:
    """
    Return the request and keep others from changing it until the transaction ends.

    If its deadline is past it is settled first, whether or not the engine came round: a late caller
    sees the timed-out state, never a stale PENDING.
    """
    request = await tx.requests.lock(request_id)
    return None if request is None else await settle_if_late(core, tx, request)


async def settle_if_late(core: Core, tx: Transaction, request: Request) -> Request:
    """Return *request*, which is held locked, settled if its deadline is past."""
    if tx.now < request.deadline:
        return request
    outcome = apply(request, Climb(), now=tx.now)
    if isinstance(outcome, Refused):
        return request
    await climbed(by_us(core, tx, "clock"), request, outcome.request)
    return outcome.request


async def settled(clerk: Clerk, request: Request, told: notice.Notice | None = None) -> None:
    """Save *request* as settled, record how it ended, redraw its card, and tell its thread."""
    await clerk.save(request)
    await record_settled(clerk, request)
    await clerk.card(request)
    if told is not None:
        await clerk.thread(request, told)


async def unanswered(clerk: Clerk, request: Request) -> None:
    """Save *request* as settled without an answer; its owner and the alerts channel are told."""
    told = notice.Unanswered(state=request.state.value, why=request.reason or "")
    await settled(clerk, request)
    await clerk.direct(request.owner, told, request)
    await clerk.alert(told, request)


async def climbed(clerk: Clerk, before: Request, after: Request) -> None:
    """Save that the clock took *before* one rung up the ladder, to *after*, and remind people."""
    step = Step(
        request=after.id,
        rung=after.rung,
        planned_at=before.ladder.at(after.rung),
        actual_at=clerk.tx.now,
    )
    await clerk.tx.steps.add(step)
    if after.state.is_settled:
        await unanswered(clerk, after)
        return
    await clerk.save(after)
    await clerk.record(EventName.REQUEST_CLIMBED, after.id, agent=after.agent, rung=after.rung.name.lower())
    await _remind(clerk, after)


async def record_settled(clerk: Clerk, request: Request) -> None:
    """Add to the record how *request* ended."""
    await clerk.record(
        EventName(f"request.{request.state.value}"),
        request.id,
        agent=request.agent,
        digest=request.digest,
        reason=request.reason,
        answer=request.answer,
        follow=request.follow,
    )


async def _remind(clerk: Clerk, request: Request) -> None:
    # The card says that people were reminded. And if Slack lost or somebody deleted it, the update
    # finds nothing there: it is posted anew while there is still time.
    await clerk.card(request)
    if request.rung is Rung.NUDGED:
        await clerk.thread(request, notice.Nudged())
        await ask_directly(clerk, request)
        return
    agent = clerk.core.configuration().agents.get(request.agent)
    backup = request.owner if agent is None else agent.backup
    told = notice.BackupCalled(backup=backup)
    await clerk.thread(request, told)
    await clerk.direct(backup, told, request)
