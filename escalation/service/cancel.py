"""An agent takes its request back."""

from escalation import notice
from escalation.ids import AgentName, RequestId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.request import Cancel, Request, apply
from escalation.service.context import Core, wake
from escalation.service.steps.clerk import by_agent
from escalation.service.steps.refused_call import counted, refuse_call
from escalation.service.steps.settle import settle_if_over, settled


async def cancel(core: Core, agent: AgentName, request_id: RequestId, why: str) -> Request | Refused:
    """Settle the agent's own pending request as cancelled."""

    async def in_transaction(tx: Transaction) -> Request | Refused:
        clerk = by_agent(core, tx, agent)
        stopped = await tx.switches.share_stopped()
        found = await tx.requests.lock(request_id)
        # Another agent's request does not exist for this one.
        if found is None or found.agent != agent:
            refused = Refused(Reason.UNKNOWN_REQUEST)
            return await refuse_call(clerk, refused, request_id, agent=agent, what="cancel")
        request = await settle_if_over(core, tx, found, stopped)
        outcome = apply(request, Cancel(why or "the agent took it back"), now=tx.now)
        if isinstance(outcome, Refused):
            return await refuse_call(clerk, outcome, request_id, agent=agent, what="cancel")
        told = notice.Settled(state=outcome.request.state.value, text=why or None)
        await settled(clerk, outcome.request, told)
        core.kill("cancel:before-commit")
        return outcome.request

    outcome = await core.store.transact(in_transaction, touches=(request_id,))
    core.kill("cancel:before-reply")
    await wake(core, request_id)
    return counted(core, agent, "cancel", outcome)
