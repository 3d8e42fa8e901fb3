"""The slash command: ``/andon status | queue | why | stop | resume | runbook | help``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest

from bot.slack import tell
from bot.slack.door import Body, Door, click
from bot.slack.render import private_replies
from bot.slack.render.block_kit.blocks import Message
from bot.slack.render.modals import stop as stop_modal
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
    body: Body
    request: AsyncBoltRequest


Handler = Callable[[Door, Typed], Awaitable[Message | None]]


def register(app: AsyncApp, door: Door) -> None:
    """Listen to the command."""

    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body) -> None:
        answer = await _answer(door, request, body)
        await ack()  # after the commit: an ack is a promise
        if answer is not None:
            door.whisper(body, answer)

    app.command(NAME)(listener)


async def _answer(door: Door, request: AsyncBoltRequest, body: Body) -> Message | None:
    word, _, rest = str(body.get("text", "")).strip().partition(" ")
    if word.lower() in {"", "help"}:
        return private_replies.help_()
    person = door.who(body)
    if person is None:
        if word.lower() in _CHANGES:
            carried = click(request, body, f"command:{word.lower()}")
            await refusals.stranger(door.core, carried, rest.strip()[:60])
        return private_replies.refused(Refused(Reason.UNKNOWN_PERSON))
    handler = _WORDS.get(word.lower())
    if handler is None:
        return private_replies.unknown_command(word)
    return await handler(door, Typed(person=person, rest=rest.strip(), body=body, request=request))


async def _status(door: Door, typed: Typed) -> Message:
    pending, stopped = await queries.queue(door.core, limit=100), await queries.stopped(door.core)
    return door.drawing.status(typed.person, stopped=stopped, pending=pending, now=door.clock.now())


async def _queue(door: Door, typed: Typed) -> Message:
    mine, now = await queries.queue(door.core, typed.person.id, limit=20), door.clock.now()
    return private_replies.queue([door.drawing.view(about, now=now) for about in mine])


async def _why(door: Door, typed: Typed) -> Message:
    if not typed.rest:
        return private_replies.sentence(
            "Which request? Its id stands at the foot of its card: /andon why req_…"
        )
    about = await queries.dossier(door.core, RequestId(typed.rest))
    if about is None:
        return private_replies.refused(Refused(Reason.UNKNOWN_REQUEST, typed.rest[:60]))
    return private_replies.why(door.drawing.view(about, now=door.clock.now()))


async def _stop(door: Door, typed: Typed) -> Message | None:
    written, _, reason = typed.rest.partition(" ")
    scopes = sorted(str(each) for each in door.core.configuration().scopes())
    if not written:
        return private_replies.choose("Stop what?", "stop", scopes)
    target = _known(door, _scope(door, written))
    if isinstance(target, Refused):
        return private_replies.choose(str(target), "stop", scopes, meant=written)
    if not reason.strip():
        # One more look at what it ends, and a word for those who find it stopped.
        door.open(typed.body, stop_modal.stop(target))
        return None
    carried = click(typed.request, typed.body, "command:stop")
    await tell.stop(door, typed.body, carried, (target, reason.strip()[:300]))
    return None


async def _resume(door: Door, typed: Typed) -> Message | None:
    stopped = sorted(str(switch.scope) for switch in await queries.stopped(door.core))
    target = _scope(door, typed.rest)
    if isinstance(target, Refused):
        said = str(target) if typed.rest else "Resume what?"
        return private_replies.choose(said, "resume", stopped, meant=typed.rest)
    await tell.resume(door, typed.body, click(typed.request, typed.body, "command:resume"), target)
    return None


async def _runbook(door: Door, typed: Typed) -> Message | None:
    agent = door.core.configuration().agents.get(AgentName(typed.rest))
    if agent is None:
        said = str(Refused(Reason.UNKNOWN_AGENT, typed.rest[:60])) if typed.rest else "Which agent's?"
        return private_replies.choose(
            said, "runbook", sorted(door.core.configuration().agents), meant=typed.rest
        )
    door.open(typed.body, tell.runbook(door, agent.runbook))
    return None


def _scope(door: Door, written: str) -> Scope | Refused:
    if written in door.core.configuration().agents:
        return Scope(ScopeKind.AGENT, written)
    try:
        found = scope(written)
    except InvalidConfiguration:
        return Refused(Reason.UNKNOWN_SCOPE, written[:60])
    return found if len(written) <= _LONGEST_SCOPE else Refused(Reason.UNKNOWN_SCOPE, written[:60])


def _known(door: Door, found: Scope | Refused) -> Scope | Refused:
    # Only before a stop: what was stopped and then left the configuration can still be resumed.
    if isinstance(found, Refused) or found in door.core.configuration().scopes():
        return found
    return Refused(Reason.UNKNOWN_SCOPE, str(found)[:60])


_WORDS: dict[str, Handler] = {
    "status": _status,
    "queue": _queue,
    "why": _why,
    "stop": _stop,
    "resume": _resume,
    "runbook": _runbook,
}
#: The words that change the world: who types one and belongs to nobody is on the record.
_CHANGES = frozenset({"stop", "resume"})
