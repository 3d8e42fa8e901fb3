"""The gate before an effect."""

# Every call makes its use case anew; evaluating the annotations costs more than that.
from __future__ import annotations

from dataclasses import dataclass

from escalation import grant as grants
from escalation.action import Action
from escalation.audit import EventName
from escalation.grant import Claim, Grant, GrantState
from escalation.ids import AgentName, GrantId
from escalation.ports import Transaction, UseCase
from escalation.reason import Reason, Refused
from escalation.request import Request
from escalation.service.context import Core, wake
from escalation.service.steps.clerk import Clerk, by_agent
from escalation.service.steps.fence import by_the_one_in_force, frozen
from escalation.service.steps.grants import revoke_grant
from escalation.service.steps.judge import first_stop, scopes_over, still_allowed
from escalation.service.steps.refused_call import counted, refuse_call


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Go."""

    grant: Grant
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    grant: Grant
    request: Request
    action: Action


async def claim(core: Core, grant_id: GrantId, command: Claim) -> Claimed | Refused:
    """Let the agent start the effect, once: same digest, in time, nothing stopped, authority intact."""

    def begin(core: Core) -> UseCase[Claimed | Refused]:
        async def in_transaction(tx: Transaction) -> Claimed | Refused:
            clerk = by_agent(core, tx, command.agent)
            outcome = await frozen(tx) or await _claim(clerk, grant_id, command)
            core.kill("claim:before-commit")
            if isinstance(outcome, Refused):
                return await refuse_call(clerk, outcome, grant_id, agent=command.agent, what="claim")
            return outcome

        return in_transaction

    outcome = await by_the_one_in_force(core, begin, touches=(grant_id,))
    core.kill("claim:before-reply")
    await wake(core)
    return counted(core, command.agent, "claim", outcome)


async def _claim(clerk: Clerk, grant_id: GrantId, command: Claim) -> Claimed | Refused:
    tx, configuration = clerk.tx, clerk.core.configuration()
    found = await _find(tx, grant_id, command.agent)
    if found is None:
        return Refused(Reason.UNKNOWN_GRANT)
    # A stop holds its switch alone, a claim shares it: whichever commits first is seen by the other.
    stopped = first_stop(await tx.switches.share(scopes_over(configuration, found.request)))
    if stopped is not None:
        return stopped
    grant = await tx.grants.lock(grant_id) or found.grant
    if grant.state is GrantState.CLAIMED and grant.attempt == command.attempt:
        outcome = grants.apply(grant, command, now=tx.now)
        if isinstance(outcome, Refused):
            return outcome
        if outcome.grant.version != grant.version:
            await clerk.save(outcome.grant)  # its lease
        return Claimed(grant=outcome.grant, action=found.action)
    if not still_allowed(configuration, found.request):
        return await _lapsed(clerk, grant, found.request)
    outcome = grants.apply(grant, command, now=tx.now)
    if isinstance(outcome, Refused):
        return outcome
    await clerk.save(outcome.grant)
    await clerk.record(
        EventName.GRANT_CLAIMED,
        grant_id,
        agent=command.agent,
        digest=command.digest,
        attempt=command.attempt,
    )
    await clerk.card(found.request)
    return Claimed(grant=outcome.grant, action=found.action)


async def _find(tx: Transaction, grant_id: GrantId, agent: AgentName) -> _Found | None:
    # Another agent's grant does not exist for this one.
    grant = await tx.grants.get(grant_id)
    request = None if grant is None or grant.agent != agent else await tx.requests.get(grant.request)
    if grant is None or request is None:
        return None
    if not isinstance(request.subject, Action):
        raise TypeError(f"{request.id} is a question; nothing was ever granted for it")
    return _Found(grant=grant, request=request, action=request.subject)


async def _lapsed(clerk: Clerk, grant: Grant, request: Request) -> Refused:
    if (late := await revoke_grant(clerk, grant, reason="authority lapsed")) is not None:
        return late
    await clerk.card(request)
    return Refused(Reason.AUTHORITY_LAPSED)
