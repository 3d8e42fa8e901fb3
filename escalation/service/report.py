"""What an agent says happened with the effect it claimed."""

from escalation.grant import Grant, GrantState, Tell
from escalation.ids import GrantId
from escalation.reason import Reason, Refused
from escalation.service.context import Core, wake
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.grants import contradict, end_grant, keep_late_report
from escalation.service.steps.own_grant import change_own_grant


async def report(core: Core, grant_id: GrantId, command: Tell) -> Grant | Refused:
    """Note what the agent says happened."""
    outcome = await change_own_grant(core, grant_id, command, _take, what="report")
    core.kill("report:before-reply")
    await wake(core, grant_id)
    return outcome


async def _take(clerk: Clerk, before: Grant, grant: Grant) -> Grant | Refused:
    outcome = await _keep(clerk, before, grant)
    clerk.core.kill("report:before-commit")
    return outcome


async def _keep(clerk: Clerk, before: Grant, grant: Grant) -> Grant | Refused:
    if grant.late is None or before.late is not None:
        await end_grant(clerk, grant)
        return grant
    if grant.state is GrantState.UNKNOWN:
        await keep_late_report(clerk, grant, grant.late)
        return Refused(Reason.AWAITING_PERSON, "your report is kept, and shown to that person")
    await contradict(clerk, grant, grant.late)
    return Refused(
        Reason.ALREADY_REPORTED, "a person said otherwise meanwhile; your report is kept and shown"
    )
