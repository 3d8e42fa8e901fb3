"""A grant is given, taken back, or ends; its card and its people hear of it."""

from datetime import timedelta

from escalation import grant as grants
from escalation import notice
from escalation.action import Action
from escalation.audit import EventName
from escalation.commitment import written
from escalation.configuration import Configuration
from escalation.grant import Doubt, Grant, GrantState, LateReport, Revoke
from escalation.ids import GrantId, PersonId
from escalation.reason import Refused
from escalation.replay import granted
from escalation.request import Request
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.set_aside import readable


async def give_grant(clerk: Clerk, request: Request) -> Grant:
    """Grant what *request* was approved for."""
    core, tx = clerk.core, clerk.tx
    times = core.configuration().times
    grant = Grant(
        id=GrantId(core.ids.new("grt")),
        tenant=request.tenant,
        request=request.id,
        agent=request.agent,
        digest=request.digest,
        granted_at=tx.now,
        expires_at=tx.now + times.grant,
        report_within=_window(core.configuration(), request),
    )
    await tx.grants.add(grant)
    await clerk.record(
        EventName.GRANT_GRANTED, grant.id, agent=grant.agent, at=grant.granted_at, **granted(grant)
    )
    return grant


def _window(configuration: Configuration, request: Request) -> timedelta:
    agent, subject = configuration.agents.get(request.agent), request.subject
    known = agent.actions.get(subject.type) if agent is not None and isinstance(subject, Action) else None
    own = None if known is None else known.report
    return configuration.times.report if own is None else own


async def keep_late_report(clerk: Clerk, grant: Grant, late: LateReport) -> None:
    """Keep the *late* report of *grant*, and show it to those who may say what happened."""
    request = await _kept(clerk, grant, late)
    await clerk.alert(notice.EffectUnknown(grant=grant.id), request)
    if request is not None:
        await clerk.direct(request.owner, notice.EffectUnknown(grant=grant.id), request)


async def contradict(clerk: Clerk, grant: Grant, late: LateReport) -> None:
    """Keep the *late* report of *grant*, and tell its owner and whoever had said otherwise."""
    request = await _kept(clerk, grant, late)
    by = grant.resolved_by or PersonId("")
    told = notice.EffectContradicted(grant=grant.id, by=by, report=late.report.value)
    await clerk.alert(told, request)
    owner = set() if request is None else {request.owner}
    for person in sorted(owner | {by}):
        await clerk.direct(person, told, request)


async def _kept(clerk: Clerk, grant: Grant, late: LateReport) -> Request | None:
    await clerk.save(grant)
    await clerk.record(
        EventName.GRANT_REPORTED_LATE,
        grant.id,
        agent=grant.agent,
        request=grant.request,
        report=late.report.value,
        result=written(late.result),
    )
    request = await readable(clerk.tx.requests.get(grant.request))
    if request is not None:
        await clerk.card(request)
    return request


async def revoke_grant(clerk: Clerk, grant: Grant, *, reason: str) -> Refused | None:
    """Take the unclaimed *grant* back; return the refusal if it is too late for that."""
    outcome = grants.apply(grant, Revoke(), now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return outcome
    await clerk.save(outcome.grant)
    await clerk.record(EventName.GRANT_REVOKED, grant.id, agent=grant.agent, reason=reason)
    return None


async def doubt_grant(clerk: Clerk, grant: Grant) -> Grant | Refused:
    """Say that nobody knows whether the open *grant* was used: an older copy does not know what was done."""
    outcome = grants.apply(grant, Doubt(), now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return outcome
    await end_grant(clerk, outcome.grant)
    return outcome.grant


async def end_grant(clerk: Clerk, grant: Grant) -> Request | None:
    """
    Save *grant* as ended, record how, bring its card up to date, and tell people unless all is well.

    Return its request, if that can be read.
    """
    await clerk.save(grant)
    await clerk.record(
        EventName(f"grant.{grant.state.value}"),
        grant.id,
        agent=grant.agent,
        request=grant.request,
        result=written(grant.result),
    )
    request = await readable(clerk.tx.requests.get(grant.request))
    if grant.state is GrantState.UNKNOWN:
        # An alarm that lost its request is still an alarm.
        await clerk.alert(notice.EffectUnknown(grant=grant.id), request)
    if request is None:
        return None
    await clerk.card(request)
    if grant.state is GrantState.UNKNOWN:
        await clerk.direct(request.owner, notice.EffectUnknown(grant=grant.id), request)
    elif grant.state is GrantState.FAILED and grant.resolved_by is None:
        await clerk.direct(request.owner, notice.EffectFailed(grant=grant.id), request)
        await clerk.thread(request, notice.EffectFailed(grant=grant.id))
    return request
