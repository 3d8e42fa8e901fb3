"""A person says that they are looking; the reminders pause, the deadline stays."""

from functools import partial

from escalation import notice
from escalation.audit import EventName
from escalation.ids import RequestId
from escalation.reason import Refused
from escalation.request import Acknowledge, Request, apply
from escalation.service import asking, pass_time
from escalation.service.core import Clerk, Click, Clicker, Core, save, wake
from escalation.service.take_up import Decided, take_up


async def acknowledge(core: Core, click: Click, request_id: RequestId) -> Decided | Refused:
    """Note that the person behind *click* is looking at the request."""
    async with core.store.write() as tx:
        outcome = await take_up(
            core, tx, click, (request_id, partial(pass_time.lock, core, tx)), _acknowledge
        )
    await wake(core, request_id)
    return outcome


async def _acknowledge(clerk: Clerk, clicker: Clicker, request: Request) -> Decided | Refused:
    person = clicker.person.id
    authority = asking.authority(clerk.core.configuration(), request)
    outcome = apply(request, Acknowledge(by=person, authority=authority), now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return outcome
    await save(clerk.tx, outcome.request)
    await clerk.note(EventName.REQUEST_ACKNOWLEDGED, request.id, agent=request.agent)
    await clerk.card(outcome.request)
    await clerk.thread(outcome.request, notice.Acknowledged(by=person))
    return Decided(request=outcome.request)
