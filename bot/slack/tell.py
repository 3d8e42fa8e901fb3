"""Answers to one person: why a click did not count, forms to fill in, and what they asked to see."""

from collections.abc import Collection

from bot.slack.door import Body, Door, account
from bot.slack.render import private_replies
from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.home import stranger
from bot.slack.render.modals import deciding, edit, frame
from bot.slack.render.modals import why as why_modal
from bot.slack.render.modals.runbook import runbook as draw_runbook
from escalation.authority import Account
from escalation.ids import PersonId, RequestId
from escalation.ports import Dossier
from escalation.reason import Reason, Refused
from escalation.request import State
from escalation.service import queries
from escalation.service import stop as stops
from escalation.service.context import Click, Counted
from escalation.switch import Scope

_NAMED = 6
#: Refused because it is others' to do; only people we know are told so, and whose.
_NOT_THEIRS = frozenset({Reason.NOT_AN_APPROVER, Reason.OWNER_MAY_NOT_DECIDE})
_OPERATORS_ONLY = frozenset({Reason.NOT_AN_OPERATOR, Reason.SAME_PERSON_STOPPED})
_LATE = frozenset({Reason.ALREADY_SETTLED, Reason.PAST_DEADLINE})


async def outcome(door: Door, body: Body, request_id: RequestId, result: Counted | Refused) -> None:
    """Tell whoever clicked why it did not count; where it came too late, how it ended instead."""
    refresh(door, body)
    if isinstance(result, Counted):
        return
    about = await ended_before(door, request_id, result)
    if about is None:
        door.whisper(body, private_replies.refused(result, await _who_may(door, request_id, result)))
        return
    door.whisper(body, private_replies.late(door.drawing.view(about, now=door.clock.now())))
    _redraw(door, body, about)


async def _who_may(door: Door, request_id: RequestId, refused: Refused) -> str:
    asked = refused.reason in _NOT_THEIRS
    about = await queries.dossier(door.core, request_id) if asked else None
    return "" if about is None else _up_to(door, door.drawing.view(about, now=door.clock.now()).deciders)


def _up_to(door: Door, people: Collection[PersonId]) -> str:
    """Return whom to turn to, as a sentence."""
    directory = door.core.configuration().directory
    named = sorted(directory.name(person) for person in people)
    more = f" or {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"It is up to: {', '.join(named[:_NAMED])}{more}." if named else ""


async def form(door: Door, body: Body, request_id: RequestId, result: Counted | Refused) -> Block | None:
    """Return what a form turns into that did not count; nothing if it did, and it closes."""
    refresh(door, body)
    if isinstance(result, Counted):
        return None
    about = await ended_before(door, request_id, result)
    if about is None:
        return frame.said("Nothing changed", str(result))
    return deciding.late(door.drawing.view(about, now=door.clock.now()))


async def ended_before(door: Door, request_id: RequestId, refused: Refused) -> Dossier | None:
    """Return the request that ended before this click came; nothing if it was refused for another reason."""
    return await queries.dossier(door.core, request_id) if refused.reason in _LATE else None


def _redraw(door: Door, body: Body, about: Dossier) -> None:
    # A card that can still be clicked shows what is over: Slack lost our update, or took the card
    # without our hearing of it, so that it stands there twice.
    seen, card = body.get("container") or {}, about.card
    if card is None or seen.get("type") != "message" or seen.get("is_ephemeral"):
        return
    channel, ts = str(seen.get("channel_id", "")), str(seen.get("message_ts", ""))
    if about.request.state is State.SUPERSEDED and (channel, ts) == (card.channel, card.ts):
        return  # It shows the edited request by now.
    message = door.drawing.card(about, now=door.clock.now())
    door.later(door.slack.chat_update(channel=channel, ts=ts, text=message.text, blocks=list(message.blocks)))


def refresh(door: Door, body: Body) -> None:
    """Bring the Home tab of whoever clicked up to date, if they have opened it."""
    if (who := account(body)) in door.homes:
        door.later(publish(door, who))


async def publish(door: Door, who: Account) -> None:
    """Draw the Home tab of whoever has the account *who*."""
    person = door.core.configuration().directory.whose(who)
    if person is None:
        view = stranger()
    else:
        door.homes.add(who)
        view = door.drawing.home(
            person,
            queue=await queries.queue(door.core, person.id, limit=20),
            stopped=await queries.stopped(door.core),
            decided=await queries.decided_by(door.core, person.id, limit=10),
            now=door.clock.now(),
        )
    await door.slack.views_publish(user_id=who.user, view=view)


def refuse(door: Door, body: Body, refused: Refused) -> None:
    """Tell whoever clicked why it did not count."""
    door.whisper(body, private_replies.refused(refused))


def edit_form(door: Door, _: Body, about: Dossier) -> Block:
    """Return the form that edits the arguments."""
    return edit.edit(door.drawing.view(about, now=door.clock.now()))


def reject_form(door: Door, _: Body, about: Dossier) -> Block:
    """Return the form that asks for a reason."""
    return deciding.reject(door.drawing.view(about, now=door.clock.now()))


def answer_form(door: Door, _: Body, about: Dossier) -> Block:
    """Return the form that takes an answer."""
    return deciding.answer(door.drawing.view(about, now=door.clock.now()))


def in_full(door: Door, body: Body, about: Dossier) -> Block:
    """Return everything about the request; values hidden from the channel only to who may see them."""
    person = door.who(body)
    reader = None if person is None else person.id
    return deciding.full(door.drawing.view(about, now=door.clock.now()), reader)


def more(door: Door, body: Body, what: str, about: Dossier) -> Block:
    """Return what an entry of the overflow menu shows."""
    view = door.drawing.view(about, now=door.clock.now())
    if what == action_ids.MORE_WHY:
        return why_modal.why(view)
    if what == action_ids.MORE_RUNBOOK and view.agent is not None:
        return runbook(door, view.agent.runbook)
    return in_full(door, body, about)


def runbook(door: Door, name: str) -> Block:
    """Return the runbook called *name*."""
    text = door.drawing.runbook(name)
    if text is None:
        return frame.said("Runbook", f"The runbook {name} is not on this server.")
    return draw_runbook(name, text)


async def stop(door: Door, body: Body, click: Click, what: tuple[Scope, str]) -> None:
    """Stop a scope and tell whoever did it that it holds."""
    scope, reason = what
    result = await stops.stop(door.core, click, scope, reason)
    refresh(door, body)
    if isinstance(result, Refused):
        door.whisper(body, private_replies.refused(result))
    elif not result.repeated:
        door.whisper(body, private_replies.stopped(scope))


async def resume(door: Door, body: Body, click: Click, scope: Scope) -> None:
    """Resume a scope and tell whoever did it."""
    result = await stops.resume(door.core, click, scope)
    refresh(door, body)
    if not isinstance(result, Refused):
        if not result.repeated:
            door.whisper(body, private_replies.resumed(scope))
        return
    configuration = door.core.configuration()
    pulled = {
        switch.stop.by for switch in await queries.stopped(door.core) if switch.stop and switch.scope == scope
    }
    others = configuration.directory.members(configuration.operators) - pulled
    who = _up_to(door, others) if result.reason in _OPERATORS_ONLY else ""
    door.whisper(body, private_replies.refused(result, who))
