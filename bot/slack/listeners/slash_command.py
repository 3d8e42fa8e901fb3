"""The slash command: ``/andon status | queue | why | stop | resume | runbook | help``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.slack.listeners import open_views, stop_and_resume
from bot.slack.listeners.context import TAKEN, Ack, ListenerContext
from bot.slack.listeners.home_updates import refresh
from bot.slack.listeners.payload import click
from bot.slack.listeners.stop_and_resume import StopOrder
from bot.slack.render import private_replies
from bot.slack.render.block_kit.blocks import Message
from bot.slack.render.modals import stop as stop_modal
from bot.slack.signed_request import SignedRequest
from escalation.authority import Person
from escalation.errors import InvalidConfiguration
from escalation.ids import AgentName, RequestId
from escalation.reason import Reason, Refused
from escalation.service import queries, refusals
from escalation.switch import Scope, ScopeKind, scope

NAME = "/andon"
#: What is longer was never written in a manifest, and need not be kept.
_LONGEST_SCOPE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What somebody typed after the command, and the signed request that carried it."""

    person: Person
    rest: str
    request: SignedRequest


_Word = Callable[[ListenerContext, Typed], Awaitable[Message | None]]


async def command(context: ListenerContext, request: SignedRequest) -> Ack:
    """Do what was typed, and answer privately."""
    answer = await _answer(context, request)
    if answer is not None:
        context.reply_privately(request.body, answer)
    return TAKEN


async def _answer(context: ListenerContext, request: SignedRequest) -> Message | None:
    word, _, rest = str(request.body.get("text", "")).strip().partition(" ")
    if word.lower() in {"", "help"}:
        return private_replies.help_()
    person = context.person(request.body)
    if person is None:
        if word.lower() in _CHANGES:
            carried = click(request, f"command:{word.lower()}")
            await refusals.stranger(context.core, carried, rest.strip()[:60])
        return private_replies.refused(Refused(Reason.UNKNOWN_PERSON))
    handler = _WORDS.get(word.lower())
    if handler is None:
        return private_replies.unknown_command(word)
    return await handler(context, Typed(person=person, rest=rest.strip(), request=request))


async def _status(context: ListenerContext, typed: Typed) -> Message:
    waiting, stopped = await queries.waiting(context.core), await queries.stopped(context.core)
    shown = context.presenter.status(typed.person, stopped=stopped, waiting=waiting, now=context.clock.now())
    return private_replies.hampered(shown, context.hampered())


async def _queue(context: ListenerContext, typed: Typed) -> Message:
    limit, now = private_replies.LISTED, context.clock.now()
    mine = await queries.queue(context.core, typed.person.id, limit=limit)
    views = [context.presenter.view(about, now=now) for about in mine.shown]
    return private_replies.queue(views, more=mine.more)


async def _why(context: ListenerContext, typed: Typed) -> Message:
    if not typed.rest:
        return private_replies.sentence(
            "Which request? Its id stands at the foot of its card: /andon why req_…"
        )
    about = await queries.dossier(context.core, RequestId(typed.rest))
    if about is None:
        return private_replies.refused(Refused(Reason.UNKNOWN_REQUEST, typed.rest[:60]))
    return private_replies.why(context.view(about))


async def _stop(context: ListenerContext, typed: Typed) -> Message | None:
    written, _, reason = typed.rest.partition(" ")
    scopes = sorted(str(each) for each in context.core.configuration().scopes())
    if not written:
        return private_replies.choose("Stop what?", "stop", scopes)
    target = _known(context, _scope(context, written))
    if isinstance(target, Refused):
        return private_replies.choose(str(target), "stop", scopes, meant=written)
    if not reason.strip():
        # One more look at what it ends, and a word for those who find it stopped.
        context.open_modal(typed.request.body, stop_modal.stop(target))
        return None
    order = StopOrder(scope=target, reason=reason.strip()[:300])
    await stop_and_resume.stop(context, typed.request, "command:stop", order)
    refresh(context, typed.request.body)
    return None


async def _resume(context: ListenerContext, typed: Typed) -> Message | None:
    stopped = sorted(str(switch.scope) for switch in await queries.stopped(context.core))
    target = _scope(context, typed.rest)
    if isinstance(target, Refused):
        said = str(target) if typed.rest else "Resume what?"
        return private_replies.choose(said, "resume", stopped, meant=typed.rest)
    await stop_and_resume.resume(context, typed.request, "command:resume", target)
    refresh(context, typed.request.body)
    return None


async def _runbook(context: ListenerContext, typed: Typed) -> Message | None:
    agent = context.core.configuration().agents.get(AgentName(typed.rest))
    if agent is None:
        said = str(Refused(Reason.UNKNOWN_AGENT, typed.rest[:60])) if typed.rest else "Which agent's?"
        return private_replies.choose(
            said, "runbook", sorted(context.core.configuration().agents), meant=typed.rest
        )
    context.open_modal(typed.request.body, open_views.runbook(context, agent.runbook))
    return None


def _scope(context: ListenerContext, written: str) -> Scope | Refused:
    if written in context.core.configuration().agents:
        return Scope(ScopeKind.AGENT, written)
    try:
        found = scope(written)
    except InvalidConfiguration:
        return Refused(Reason.UNKNOWN_SCOPE, written[:60])
    return found if len(written) <= _LONGEST_SCOPE else Refused(Reason.UNKNOWN_SCOPE, written[:60])


def _known(context: ListenerContext, found: Scope | Refused) -> Scope | Refused:
    # Only before a stop: what was stopped and then left the configuration can still be resumed.
    if isinstance(found, Refused) or found in context.core.configuration().scopes():
        return found
    return Refused(Reason.UNKNOWN_SCOPE, str(found)[:60])


_WORDS: dict[str, _Word] = {
    "status": _status,
    "queue": _queue,
    "why": _why,
    "stop": _stop,
    "resume": _resume,
    "runbook": _runbook,
}
#: The words that change the world: who types one and belongs to nobody is on the record.
_CHANGES = frozenset({"stop", "resume"})
