"""Puts what the core returns into what an agent reads."""

import json
from datetime import datetime

from bot.api import models
from bot.wording.next_step import what_to_do_next
from escalation.action import Action
from escalation.grant import Grant
from escalation.ports import Dossier
from escalation.switch import Switch


def request_out(dossier: Dossier) -> models.RequestOut:
    """Return *dossier* as an agent reads it."""
    request = dossier.request
    is_action = isinstance(request.subject, Action)
    return models.RequestOut(
        id=request.id,
        kind="proposal" if is_action else "question",
        agent=request.agent,
        state=request.state.value,
        created_at=request.asked_at,
        deadline=request.deadline,
        decided_at=request.settled_at,
        decided_by=[decision.person for decision in request.decisions],
        reason=request.reason,
        answer=request.answer,
        action=action_out(request.subject) if isinstance(request.subject, Action) else None,
        digest=request.digest,
        what_to_do_next=what_to_do_next(request, dossier.grant),
        policy=models.RulingOut(rule=request.ruling.rule, version=request.ruling.version),
        grant=None if dossier.grant is None else grant_out(dossier.grant),
        follow=request.follow,
    )


def action_out(action: Action) -> models.ActionOut:
    """Return *action* as an agent reads it."""
    return models.ActionOut(type=action.type, arguments=action.arguments)


def grant_out(grant: Grant) -> models.GrantOut:
    """Return *grant* as an agent reads it."""
    result = None if grant.result is None else json.loads(grant.result)
    return models.GrantOut(
        id=grant.id,
        state=grant.state.value,
        digest=grant.digest,
        expires_at=grant.expires_at,
        lease_until=grant.lease_until,
        result=result,
    )


def heartbeat_out(stopped: Switch | None, now: datetime) -> models.HeartbeatOut:
    """Return whether an agent under the stop *stopped* may go on."""
    stop = None
    if stopped is not None and stopped.stop is not None:
        held = stopped.stop
        stop = models.StopOut(scope=str(stopped.scope), by=held.by, reason=held.reason, at=held.at)
    return models.HeartbeatOut(may_proceed=stop is None, stopped=stop, server_time=now)
