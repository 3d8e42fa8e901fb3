"""A person says that they are looking; the reminders pause, the deadline stays."""

from escalation import notice
from escalation.audit import EventName
from escalation.ids import RequestId
from escalation.reason import Refused
from escalation.request import Acknowledge, Request, apply
from escalation.service.context import Click, Core, Counted, wake
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.click import Clicker, use_click
from escalation.service.steps.judge import authority
from escalation.service.steps.settle import lock


async def acknowledge(core: Core, click: Click, request_id: RequestId) -> Counted | Refused:
    """Note that the person behind *click* is looking at the request."""
    outcome = await use_click(core, click, request_id, find=lock, use=_acknowledge)
    await wake(core, request_id)
    return outcome


async def _acknowledge(clerk: Clerk, clicker: Clicker, request: Request) -> Counted | Refused:
    person = clicker.person.id
    who_may = authority(clerk.core.configuration(), request)
    outcome = apply(request, Acknowledge(by=person, authority=who_may), now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return outcome
    await clerk.save(outcome.request)
    await clerk.record(EventName.REQUEST_ACKNOWLEDGED, request.id, agent=request.agent)
    await clerk.card(outcome.request)
    await clerk.thread(outcome.request, notice.Acknowledged(by=person))
    clerk.core.kill("acknowledge:before-commit")
    return Counted(request=outcome.request)
