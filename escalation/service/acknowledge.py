"""A person says that they are looking; the reminders pause, the deadline stays."""

from escalation import notice
from escalation.audit import EventName
from escalation.ids import RequestId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.request import Acknowledge, apply
from escalation.service import asking, pass_time
from escalation.service.core import Click, Core, by_person, save, take_in, wake
from escalation.service.decide import Decided, repeated


async def acknowledge(core: Core, click: Click, request_id: RequestId) -> Decided | Refused:
    """Note that the person behind *click* is looking at the request."""
    async with core.store.write() as tx:
        outcome = await _acknowledge(core, tx, click, request_id)
    await wake(core)
    return outcome


async def _acknowledge(core: Core, tx: Transaction, click: Click, request_id: RequestId) -> Decided | Refused:
    clicker = await take_in(core, tx, click, request_id)
    if isinstance(clicker, Refused):
        return clicker
    request = await pass_time.lock(core, tx, request_id)
    if clicker is None:
        return repeated(request)
    clerk = by_person(core, tx, clicker.person.id)
    if request is None:
        return await clerk.refuse(Refused(Reason.UNKNOWN_REQUEST), request_id, what=click.what)
    authority = asking.authority(core.configuration(), request)
    outcome = apply(request, Acknowledge(by=clicker.person.id, authority=authority), now=tx.now)
    if isinstance(outcome, Refused):
        return await clerk.refuse(outcome, request_id, agent=request.agent, what=click.what)
    await save(tx, outcome.request)
    await clerk.note(EventName.REQUEST_ACKNOWLEDGED, request_id, agent=request.agent)
    await clerk.card(outcome.request)
    await clerk.thread(outcome.request, notice.Acknowledged(by=clicker.person.id))
    return Decided(request=outcome.request)
