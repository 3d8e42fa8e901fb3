"""The clock settles what nobody answered: nudge, backup, safe default; and lets grants lapse."""

from escalation import grant as grants
from escalation import notice
from escalation.audit import EventName
from escalation.grant import Lapse
from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.ports import Step, Transaction
from escalation.reason import Refused
from escalation.request import Climb, Request, apply
from escalation.service import asking
from escalation.service.claim import record_ended
from escalation.service.core import Clerk, Core, by_us, save, wake


async def settle_due(core: Core, *, batch: int) -> int:
    """Take the next rung of up to *batch* requests that are due, oldest first; return how many."""
    async with core.store.write() as tx:
        settled = await _climb_all(core, tx, batch)
        core.kill("deadline:before-commit")
    if settled:
        await wake(core, *settled)
    return len(settled)


async def lock(core: Core, tx: Transaction, request_id: RequestId) -> Request | None:
    """
    Return the request and keep others from changing it until the transaction ends.

    If its deadline is past it is settled first, whether or not the engine came round: whoever comes
    too late finds it as everybody will.
    """
    request = await tx.requests.lock(request_id)
    return None if request is None else await settle_if_late(core, tx, request)


async def settle_if_late(core: Core, tx: Transaction, request: Request) -> Request:
    """Return *request*, which is held locked, settled if its deadline is past."""
    outcome = apply(request, Climb(), now=tx.now)
    if tx.now < request.deadline or isinstance(outcome, Refused):
        return request
    await _record(by_us(core, tx, "clock"), request, outcome.request)
    return outcome.request


async def _climb_all(core: Core, tx: Transaction, batch: int) -> list[str]:
    clerk, done = by_us(core, tx, "clock"), []
    for request in await tx.requests.lock_due(tx.now, batch):
        outcome = apply(request, Climb(), now=tx.now)
        if isinstance(outcome, Refused):
            continue
        await _record(clerk, request, outcome.request)
        done.append(str(request.id))
    return done


async def _record(clerk: Clerk, before: Request, after: Request) -> None:
    step = Step(
        request=after.id,
        rung=after.rung,
        planned_at=before.ladder.at(after.rung),
        actual_at=clerk.tx.now,
    )
    await save(clerk.tx, after)
    await clerk.tx.steps.add(step)
    if after.state.is_settled:
        await asking.record_settled(clerk, after)
        await tell_unanswered(clerk, after)
        return
    await clerk.note(EventName.REQUEST_CLIMBED, after.id, agent=after.agent, rung=after.rung.name.lower())
    await _remind(clerk, after)


async def tell_unanswered(clerk: Clerk, request: Request) -> None:
    note = notice.Unanswered(state=request.state.value, why=request.reason or "")
    await clerk.card(request)
    await clerk.direct(request.owner, note, request)
    await clerk.alert(note, request)


async def _remind(clerk: Clerk, request: Request) -> None:
    # The card says that people were reminded. And if Slack lost or somebody deleted it, the update
    # finds nothing there: it is posted anew while there is still time.
    await clerk.card(request)
    if request.rung is Rung.NUDGED:
        await clerk.thread(request, notice.Nudged())
        return
    agent = clerk.core.configuration().agents.get(request.agent)
    backup = request.owner if agent is None else agent.backup
    note = notice.BackupCalled(backup=backup)
    await clerk.thread(request, note)
    await clerk.direct(backup, note, request)


async def lapse_due(core: Core, *, batch: int) -> int:
    """Let up to *batch* grants lapse that nobody claimed, or nobody reported; return how many."""
    async with core.store.write() as tx:
        clerk, lapsed = by_us(core, tx, "clock"), 0
        for grant in await tx.grants.lock_due(tx.now, batch):
            outcome = grants.apply(grant, Lapse(), now=tx.now)
            if isinstance(outcome, Refused):
                continue
            await save(tx, outcome.grant)
            await record_ended(clerk, outcome.grant)
            lapsed += 1
    if lapsed:
        await wake(core)
    return lapsed
