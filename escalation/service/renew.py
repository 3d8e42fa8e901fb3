"""An agent that runs an effect says that it is alive, so that its other processes wait for it."""

from escalation import grant as grants
from escalation.grant import Beat, Grant
from escalation.ids import GrantId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.service.context import Core
from escalation.service.steps.clerk import by_agent
from escalation.service.steps.refused_call import counted, refuse_call


async def renew(core: Core, grant_id: GrantId, command: Beat) -> Grant | Refused:
    """Renew the lease of a claim; what comes too soon to matter writes nothing."""

    async def in_transaction(tx: Transaction) -> Grant | Refused:
        clerk = by_agent(core, tx, command.agent)
        grant = await tx.grants.lock(grant_id)
        # Another agent's grant does not exist for this one.
        if grant is None or grant.agent != command.agent:
            refused = Refused(Reason.UNKNOWN_GRANT)
            return await refuse_call(clerk, refused, grant_id, agent=command.agent, what="heartbeat")
        outcome = grants.apply(grant, command, now=tx.now)
        if isinstance(outcome, Refused):
            return await refuse_call(clerk, outcome, grant_id, agent=command.agent, what="heartbeat")
        if outcome.grant.version != grant.version:
            await clerk.save(outcome.grant)  # nobody is told, and no event added: it happens all the time
        return outcome.grant

    outcome = await core.store.transact(in_transaction, touches=(grant_id,))
    return counted(core, command.agent, "heartbeat", outcome)
