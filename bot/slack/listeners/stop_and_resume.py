"""Stops and resumes a scope, and tells whoever did it what came of it."""

from dataclasses import dataclass

from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.payload import click
from bot.slack.render import private_replies
from bot.slack.signed_request import SignedRequest
from bot.wording.people import up_to
from escalation.ids import PersonId
from escalation.reason import Reason, Refused
from escalation.service import queries
from escalation.service import stop as stops
from escalation.switch import Scope

_OPERATORS_ONLY = frozenset({Reason.NOT_AN_OPERATOR, Reason.SAME_PERSON_STOPPED, Reason.SAME_PERSON_RESTORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOrder:
    """What is to be stopped, and why."""

    scope: Scope
    reason: str


async def stop(context: ListenerContext, request: SignedRequest, what: str, order: StopOrder) -> None:
    """Stop a scope and tell whoever did it that it holds."""
    result = await stops.stop(context.core, click(request, what), order.scope, order.reason)
    if isinstance(result, Refused):
        context.reply_privately(request.body, private_replies.refused(result))
    elif not result.repeated:
        context.reply_privately(request.body, private_replies.stopped(order.scope))


async def resume(context: ListenerContext, request: SignedRequest, what: str, scope: Scope) -> None:
    """Resume a scope and tell whoever did it."""
    result = await stops.resume(context.core, click(request, what), scope)
    if isinstance(result, Refused):
        may = await _may_resume(context, scope) if result.reason in _OPERATORS_ONLY else frozenset()
        who = up_to(context.core.configuration().directory, may)
        context.reply_privately(request.body, private_replies.refused(result, who))
    elif not result.repeated:
        context.reply_privately(request.body, private_replies.resumed(scope))


async def _may_resume(context: ListenerContext, scope: Scope) -> frozenset[PersonId]:
    configuration = context.core.configuration()
    stopped_by = {
        switch.stop.by
        for switch in await queries.stopped(context.core)
        if switch.stop and switch.scope == scope
    }
    return frozenset(configuration.directory.members(configuration.operators) - stopped_by)
