"""What an agent says happened with the effect it claimed."""

from escalation import grant as grants
from escalation.grant import Grant, Tell
from escalation.ids import GrantId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.service.context import Core, wake
from escalation.service.steps.clerk import Clerk, by_agent
from escalation.service.steps.grants import end_grant, keep_late_report
from escalation.service.steps.refused_call import counted, refuse_call


async def report(core: Core, grant_id: GrantId, command: Tell) -> Grant | Refused:
    """Note what the agent says happened."""

    async def in_transaction(tx: Transaction) -> Grant | Refused:
        outcome = await _report(by_agent(core, tx, command.agent), grant_id, command)
        core.kill("report:before-commit")
        return outcome

    outcome = await core.store.transact(in_transaction, touches=(grant_id,))
    core.kill("report:before-reply")
    await wake(core, grant_id)
    return counted(core, command.agent, "report", outcome)


async def _report(clerk: Clerk, grant_id: GrantId, command: Tell) -> Grant | Refused:
    grant = await clerk.tx.grants.lock(grant_id)
    # Another agent's grant does not exist for this one.
    if grant is None or grant.agent != command.agent:
        refused = Refused(Reason.UNKNOWN_GRANT)
        return await refuse_call(clerk, refused, grant_id, agent=command.agent, what="report")
    outcome = grants.apply(grant, command, now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return await refuse_call(clerk, outcome, grant_id, agent=command.agent, what="report")
    if outcome.grant.late is not None and grant.late is None:
        await keep_late_report(clerk, outcome.grant, outcome.grant.late)
        return Refused(Reason.AWAITING_PERSON, "your report is kept, and shown to that person")
    if outcome.grant.version != grant.version:
        await end_grant(clerk, outcome.grant)
    return outcome.grant
