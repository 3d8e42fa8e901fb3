"""The gate before an effect, and what the agent says after it."""

from dataclasses import dataclass

from escalation import grant as grants
from escalation import notice
from escalation.action import Action
from escalation.audit import EventName
from escalation.configuration import Configuration
from escalation.grant import Claim, Grant, GrantState, Report, Resolve, Revoke, Tell
from escalation.ids import AgentName, GrantId, PersonId
from escalation.ports import Topic, Transaction
from escalation.reason import Reason, Refused
from escalation.request import Request
from escalation.service import asking
from escalation.service.core import Clerk, Click, Core, by_agent, by_person, save, take_in, wake
from escalation.service.propose import first_stop
from escalation.switch import Scope, covering


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """Go."""

    grant: Grant
    action: Action


async def claim(core: Core, grant_id: GrantId, command: Claim) -> Claimed | Refused:
    """Let the agent start the effect, once: same digest, in time, nothing stopped, authority intact."""
    async with core.store.write() as tx:
        outcome = await _claim(core, tx, grant_id, command)
        core.kill("claim:before-commit")
    core.kill("claim:before-reply")
    await wake(core, Topic.DEADLINE)
    return outcome


async def _claim(core: Core, tx: Transaction, grant_id: GrantId, command: Claim) -> Claimed | Refused:
    clerk = by_agent(core, tx, command.agent)
    found = await _with_request(tx, grant_id, command.agent)
    if isinstance(found, Refused):
        return await clerk.refuse(found, grant_id, agent=command.agent, what="claim")
    seen, request = found
    # A stop holds its switch alone, a claim shares it: whichever commits first is seen by the other.
    refused = first_stop(await tx.switches.share(_scopes(core.configuration(), request)))
    grant = await tx.grants.lock(grant_id) or seen
    again = grant.state is GrantState.CLAIMED and grant.attempt == command.attempt
    if refused is None and not again and not asking.still_allowed(core.configuration(), request):
        refused = await _lapsed(clerk, grant, request)
    outcome = refused or grants.apply(grant, command, now=tx.now)
    if isinstance(outcome, Refused):
        return await clerk.refuse(outcome, grant_id, agent=command.agent, what="claim")
    if not again:
        await save(tx, outcome.grant)
        await clerk.note(
            EventName.GRANT_CLAIMED,
            grant_id,
            agent=command.agent,
            digest=command.digest,
            attempt=command.attempt,
        )
        await clerk.card(request)
    return Claimed(grant=outcome.grant, action=_action(request))


async def _with_request(
    tx: Transaction, grant_id: GrantId, agent: AgentName
) -> tuple[Grant, Request] | Refused:
    # Another agent's grant does not exist for this one.
    grant = await tx.grants.get(grant_id)
    request = None if grant is None or grant.agent != agent else await tx.requests.get(grant.request)
    return Refused(Reason.UNKNOWN_GRANT) if grant is None or request is None else (grant, request)


async def _lapsed(clerk: Clerk, grant: Grant, request: Request) -> Refused:
    revoked = grants.apply(grant, Revoke(), now=clerk.tx.now)
    if isinstance(revoked, Refused):
        return revoked
    await save(clerk.tx, revoked.grant)
    await clerk.note(EventName.GRANT_REVOKED, grant.id, agent=grant.agent, reason="authority lapsed")
    await clerk.card(request)
    return Refused(Reason.AUTHORITY_LAPSED)


async def report(core: Core, grant_id: GrantId, command: Tell) -> Grant | Refused:
    """Note what the agent says happened."""
    async with core.store.write() as tx:
        outcome = await _report(core, tx, grant_id, command)
    await wake(core, Topic.DEADLINE)
    return outcome


async def _report(core: Core, tx: Transaction, grant_id: GrantId, command: Tell) -> Grant | Refused:
    clerk = by_agent(core, tx, command.agent)
    grant = await tx.grants.lock(grant_id)
    if grant is None or grant.agent != command.agent:
        refused = Refused(Reason.UNKNOWN_GRANT)
        return await clerk.refuse(refused, grant_id, agent=command.agent, what="report")
    outcome = grants.apply(grant, command, now=tx.now)
    if isinstance(outcome, Refused):
        return await clerk.refuse(outcome, grant_id, agent=command.agent, what="report")
    if outcome.grant.version != grant.version:
        await save(tx, outcome.grant)
        await record_ended(clerk, outcome.grant)
    return outcome.grant


async def record_ended(clerk: Clerk, grant: Grant) -> Request | None:
    """
    Add to the record how *grant* ended, bring its card up to date, and tell people unless all is well.

    Return its request.
    """
    await clerk.note(
        EventName(f"grant.{grant.state.value}"),
        grant.id,
        agent=grant.agent,
        request=grant.request,
        result=grant.result,
    )
    request = await clerk.tx.requests.get(grant.request)
    if request is None:
        return None
    await clerk.card(request)
    if grant.state is GrantState.UNKNOWN:
        await clerk.direct(request.owner, notice.EffectUnknown(grant=grant.id), request)
        await clerk.alert(notice.EffectUnknown(grant=grant.id), request)
    elif grant.state is GrantState.FAILED and grant.resolved_by is None:
        await clerk.direct(request.owner, notice.EffectFailed(grant=grant.id), request)
        await clerk.thread(request, notice.EffectFailed(grant=grant.id))
    return request


async def resolve(core: Core, click: Click, grant_id: GrantId, report: Report) -> Grant | Refused:
    """Let the owner or an operator say what happened with an effect that nobody knew about."""
    async with core.store.write() as tx:
        clicker = await take_in(core, tx, click, grant_id)
        if isinstance(clicker, Refused):
            return clicker
        grant = await tx.grants.lock(grant_id)
        if clicker is None:
            return grant or Refused(Reason.UNKNOWN_GRANT)
        clerk = by_person(core, tx, clicker.person.id)
        outcome = await _resolve(clerk, clicker.person.id, grant, report)
        if isinstance(outcome, Refused):
            agent = None if grant is None else grant.agent
            await clerk.refuse(outcome, grant_id, agent=agent, what=click.what)
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
    await save(clerk.tx, outcome.grant)
    request = await record_ended(clerk, outcome.grant)
    await clerk.alert(notice.EffectResolved(grant=grant.id, by=by, report=report.value), request)
    return outcome.grant


def _scopes(configuration: Configuration, request: Request) -> frozenset[Scope]:
    # A stop of the function that the agent works for today holds it too, whichever one it asked for.
    agent = configuration.agents.get(request.agent)
    functions = {request.function} | (set() if agent is None else {agent.function})
    type_ = _action(request).type
    every = (covering(agent=request.agent, function=each, action_type=type_) for each in functions)
    return frozenset().union(*every)


def _action(request: Request) -> Action:
    if not isinstance(request.subject, Action):
        raise TypeError(f"{request.id} is a question; nothing was ever granted for it")
    return request.subject
