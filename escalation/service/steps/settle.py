"""
The one way in which a request moves on: locked, settled first if its time is over, then saved.

Click, deadline, cancel and stop all save, record, redraw the card and tell people through here.
"""

from collections.abc import Sequence

from escalation import notice
from escalation.audit import EventName
from escalation.commitment import written
from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.ports import Step, Sweep, Transaction
from escalation.reason import Refused
from escalation.request import Climb, Kill, Request, State, apply
from escalation.service.context import Core
from escalation.service.steps.asking import ask_directly
from escalation.service.steps.clerk import Clerk, by_person, by_us
from escalation.service.steps.judge import stop_on
from escalation.switch import Stop, Switch

#: Ends whose reason is ours: nobody's words are in it.
_OUR_REASONS = frozenset({State.TIMED_OUT, State.UNDELIVERABLE, State.SUPERSEDED})


async def lock(core: Core, tx: Transaction, request_id: RequestId) -> Request | None:
    """
    Return the request and keep others from changing it until the transaction ends.

    If its deadline is past or a stop covers it, it is settled first, whether or not the engine came
    round: a late caller sees the timed-out or killed state, never a stale PENDING.
    """
    # Switches before requests, in every transaction: nobody waits in a circle.
    stopped = await tx.switches.share_stopped()
    request = await tx.requests.lock(request_id)
    return None if request is None else await settle_if_over(core, tx, request, stopped)


async def settle_if_over(core: Core, tx: Transaction, request: Request, stopped: Sequence[Switch]) -> Request:
    """
    Return *request*, which is held locked, settled by its deadline or by a stop, whichever came first.

    *stopped* are the switches that are stopped, first stop first.
    """
    if request.state.is_settled:
        return request
    switch = stop_on(core.configuration(), request, stopped)
    if switch is None or switch.stop is None:
        return await _settle_if_late(core, tx, request)
    ended = await _kill(core, tx, request, switch.stop) or await _settle_if_late(core, tx, request)
    killed, late = int(ended.state is State.KILLED), int(ended.state.went_unanswered)
    await tx.sweeps.count(Sweep(scope=switch.scope, version=switch.version, killed=killed, late=late))
    return ended


async def climb(tx: Transaction, request: Request) -> Climb:
    """Return that the next rung of *request* is due, with what is known of its card."""
    if request.delivered_at is not None or tx.now < request.deadline:
        return Climb()
    doubt = await tx.outbox.card_in_doubt(request.id, now=tx.now)
    return Climb(card_in_doubt=doubt is not None)


async def _settle_if_late(core: Core, tx: Transaction, request: Request) -> Request:
    if tx.now < request.deadline:
        return request
    outcome = apply(request, await climb(tx, request), now=tx.now)
    if isinstance(outcome, Refused):
        return request
    await climbed(by_us(core, tx, "clock"), request, outcome.request)
    return outcome.request


async def _kill(core: Core, tx: Transaction, request: Request, stop: Stop) -> Request | None:
    person = core.configuration().directory.name(stop.by)
    outcome = apply(request, Kill(f"stopped by {person}: {stop.reason}", at=stop.at), now=tx.now)
    if isinstance(outcome, Refused):
        return None
    await settled(by_person(core, tx, stop.by), outcome.request)
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
    reason = request.reason if request.state in _OUR_REASONS else written(request.reason)
    await clerk.record(
        EventName(f"request.{request.state.value}"),
        request.id,
        agent=request.agent,
        at=request.settled_at,
        digest=request.digest,
        reason=reason,
        answer=written(request.answer),
        follow=request.follow,
        rung=request.rung.name.lower(),
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
