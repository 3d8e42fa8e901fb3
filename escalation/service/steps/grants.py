"""A grant is given, taken back, or ends; its card and its people hear of it."""

from escalation import grant as grants
from escalation import notice
from escalation.audit import EventName
from escalation.grant import Grant, GrantState, Revoke
from escalation.ids import GrantId
from escalation.reason import Refused
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
        report_within=times.report,
    )
    await tx.grants.add(grant)
    await clerk.record(
        EventName.GRANT_GRANTED, grant.id, agent=grant.agent, request=request.id, digest=grant.digest
    )
    return grant


async def revoke_grant(clerk: Clerk, grant: Grant, *, reason: str) -> Refused | None:
    """Take the unclaimed *grant* back; return the refusal if it is too late for that."""
    outcome = grants.apply(grant, Revoke(), now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return outcome
    await clerk.save(outcome.grant)
    await clerk.record(EventName.GRANT_REVOKED, grant.id, agent=grant.agent, reason=reason)
    return None


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
        result=grant.result,
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
