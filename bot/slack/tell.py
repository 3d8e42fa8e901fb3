"""Answers to one person: why a click did not count, forms to fill in, and what they asked to see."""

from datetime import datetime

from bot.slack.door import Body, Door, View
from bot.slack.render import answers, edit, modals, names
from bot.slack.render.runbook import runbook as draw_runbook
from escalation.ids import RequestId
from escalation.ports import Dossier
from escalation.reason import Reason, Refused
from escalation.request import Request
from escalation.service import asking, look
from escalation.service import stop as stops
from escalation.service.core import Click
from escalation.service.decide import Decided
from escalation.switch import Scope


async def outcome(door: Door, body: Body, request_id: RequestId, result: Decided | Refused) -> None:
    """Tell whoever clicked why it did not count; where it came too late, offer to ask again."""
    if isinstance(result, Decided):
        return
    late = result.reason in {Reason.ALREADY_SETTLED, Reason.PAST_DEADLINE}
    about = await look.dossier(door.core, request_id) if late else None
    if about is not None and _may_be_asked_again(about.request, door.clock.now()):
        door.whisper(body, answers.late(result, request_id))
    else:
        door.whisper(body, answers.refused(result))


def _may_be_asked_again(request: Request, now: datetime) -> bool:
    # Between the deadline and the engine's next beat it is still pending, and over all the same.
    over = request.state.went_unanswered or (not request.state.is_settled and now >= request.deadline)
    return over and request.follow is None


def refuse(door: Door, body: Body, refused: Refused) -> None:
    """Tell whoever clicked why it did not count."""
    door.whisper(body, answers.refused(refused))


def objection(door: Door, body: Body, about: Dossier) -> Refused | None:
    """Return why whoever clicked cannot decide now: a courtesy before a form; the use case is the judge."""
    person = door.who(body)
    if person is None:
        return Refused(Reason.UNKNOWN_PERSON)
    if about.request.state.is_settled:
        return Refused(Reason.ALREADY_SETTLED)
    if door.clock.now() >= about.request.deadline:
        return Refused(Reason.PAST_DEADLINE)
    why = asking.authority(door.core.configuration(), about.request).objection(person.id)
    return None if why is None else Refused(why)


def edit_form(door: Door, _: Body, about: Dossier) -> View:
    """Return the form that edits the arguments."""
    return edit.edit(door.drawing.view(about, now=door.clock.now()))


def reject_form(_door: Door, _body: Body, about: Dossier) -> View:
    """Return the form that asks for a reason."""
    return modals.reject(about.request)


def answer_form(door: Door, _: Body, about: Dossier) -> View:
    """Return the form that takes an answer."""
    return modals.answer(door.drawing.view(about, now=door.clock.now()))


def in_full(door: Door, body: Body, about: Dossier) -> View:
    """Return everything about the request; values hidden from the channel only to who may see them."""
    person = door.who(body)
    reader = None if person is None else person.id
    return modals.full(door.drawing.view(about, now=door.clock.now()), reader)


def more(door: Door, body: Body, what: str, about: Dossier) -> View:
    """Return what an entry of the overflow menu shows."""
    view = door.drawing.view(about, now=door.clock.now())
    if what == names.MORE_WHY:
        return modals.why(view)
    if what == names.MORE_RUNBOOK and view.agent is not None:
        return runbook(door, view.agent.runbook)
    return in_full(door, body, about)


def runbook(door: Door, name: str) -> View:
    """Return the runbook called *name*."""
    text = door.drawing.runbook(name)
    if text is None:
        return modals.said("Runbook", f"The runbook {name} is not on this server.")
    return draw_runbook(name, text)


async def stop(door: Door, body: Body, click: Click, what: tuple[Scope, str]) -> None:
    """Stop a scope and tell whoever did it that it holds."""
    scope, reason = what
    result = await stops.stop(door.core, click, scope, reason)
    door.whisper(body, answers.refused(result) if isinstance(result, Refused) else answers.stopped(scope))


async def resume(door: Door, body: Body, click: Click, scope: Scope) -> None:
    """Resume a scope and tell whoever did it."""
    result = await stops.resume(door.core, click, scope)
    door.whisper(body, answers.refused(result) if isinstance(result, Refused) else answers.resumed(scope))
