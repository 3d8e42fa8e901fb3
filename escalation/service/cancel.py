"""An agent takes its request back."""

from escalation import notice
from escalation.ids import AgentName, RequestId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.request import Cancel, Request, apply
from escalation.service import asking, pass_time
from escalation.service.core import Core, by_agent, save, wake


async def cancel(core: Core, agent: AgentName, request_id: RequestId, why: str) -> Request | Refused:
    """Settle the agent's own pending request as cancelled."""
    async with core.store.write() as tx:
        outcome = await _cancel(core, tx, agent, (request_id, why))
    await wake(core, request_id)
    return outcome


async def _cancel(
    core: Core, tx: Transaction, agent: AgentName, what: tuple[RequestId, str]
) -> Request | Refused:
    request_id, why = what
    clerk = by_agent(core, tx, agent)
    found = await tx.requests.lock(request_id)
    # Another agent's request does not exist for this one.
    if found is None or found.agent != agent:
        return await clerk.refuse(Refused(Reason.UNKNOWN_REQUEST), request_id, agent=agent, what="cancel")
    request = await pass_time.settle_if_late(core, tx, found)
    outcome = apply(request, Cancel(why or "the agent took it back"), now=tx.now)
    if isinstance(outcome, Refused):
        return await clerk.refuse(outcome, request_id, agent=agent, what="cancel")
    await save(tx, outcome.request)
    await asking.record_settled(clerk, outcome.request)
    await clerk.card(outcome.request)
    await clerk.thread(outcome.request, notice.Settled(state=outcome.request.state.value, text=why or None))
    return outcome.request
