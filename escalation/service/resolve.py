"""A person says what happened with an effect whose outcome nobody knew."""

from escalation import grant as grants
from escalation import notice
from escalation.grant import Grant, Report, Resolve
from escalation.ids import GrantId, PersonId
from escalation.ports import Transaction, UseCase
from escalation.reason import Reason, Refused
from escalation.service.context import Click, Core, wake
from escalation.service.steps.clerk import Clerk, by_person
from escalation.service.steps.click import take_in
from escalation.service.steps.fence import by_the_one_in_force
from escalation.service.steps.grants import end_grant


async def resolve(core: Core, click: Click, grant_id: GrantId, report: Report) -> Grant | Refused:
    """Let the owner or an operator say what happened with an effect that nobody knew about."""

    def begin(core: Core) -> UseCase[Grant | Refused]:
        async def in_transaction(tx: Transaction) -> Grant | Refused:
            clicker = await take_in(core, tx, click, grant_id)
            if isinstance(clicker, Refused):
                return clicker
            grant = await tx.grants.lock(grant_id)
            if clicker is None:
                return grant or Refused(Reason.UNKNOWN_GRANT)
            clerk = by_person(core, tx, clicker.person.id)
            outcome = await _resolve(clerk, clicker.person.id, grant, report)
            core.kill("resolve:before-commit")
            if isinstance(outcome, Refused):
                agent = None if grant is None else grant.agent
                return await clerk.refuse(outcome, grant_id, agent=agent, what=click.what)
            return outcome

        return in_transaction

    outcome = await by_the_one_in_force(core, begin, touches=(grant_id, click.fingerprint))
    core.kill("resolve:before-ack")
    await wake(core)
    return outcome


async def _resolve(clerk: Clerk, by: PersonId, grant: Grant | None, report: Report) -> Grant | Refused:
    if grant is None:
        return Refused(Reason.UNKNOWN_GRANT)
    configuration = clerk.core.configuration()
    agent = configuration.agents.get(grant.agent)
    owner = frozenset() if agent is None else frozenset({agent.owner})
    if by not in owner | configuration.directory.members(configuration.operators):
        return Refused(Reason.NOT_AN_OPERATOR)
    outcome = grants.apply(grant, Resolve(by=by, report=report), now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return outcome
    request = await end_grant(clerk, outcome.grant)
    await clerk.alert(notice.EffectResolved(grant=grant.id, by=by, report=report.value), request)
    return outcome.grant
