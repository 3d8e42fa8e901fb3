"""Modals that were submitted."""

from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest

from bot.slack import tell
from bot.slack.door import Body, Door, click
from bot.slack.render.block_kit import action_ids
from bot.slack.render.modals import deciding, frame
from bot.slack.render.modals import edit as edit_form
from escalation.action import Action
from escalation.ids import RequestId
from escalation.ports import Dossier
from escalation.reason import Reason, Refused
from escalation.request import Question
from escalation.service import queries
from escalation.service.context import Counted
from escalation.service.decide import Approve, Choice, Reject, Write, decide
from escalation.service.edit import edit
from escalation.switch import scope

Listener = Callable[..., Awaitable[None]]
#: The answer of a form that fits its request no more. The core refuses it, and puts that on the record.
_NOTHING = Write("")


def register(app: AsyncApp, door: Door) -> None:
    """Listen to every modal that can be submitted."""
    app.view(action_ids.REJECTED)(_rejected(door))
    app.view(action_ids.EDITED)(_edited(door))
    app.view(action_ids.ANSWERED)(_answered(door))
    app.view(action_ids.APPROVED_FULL)(_approved(door))
    app.view(action_ids.STOPPED)(_stopped(door))


def _rejected(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, view: Body) -> None:
        reason = frame.reason(view["state"]["values"])
        if not reason:
            await ack(response_action="errors", errors={frame.REASON: str(Refused(Reason.REASON_MISSING))})
            return
        await _decide(door, (ack, request, body, view), Reject(reason))

    return listener


def _approved(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, view: Body) -> None:
        await _decide(door, (ack, request, body, view), Approve())

    return listener


def _answered(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, view: Body) -> None:
        about = await _about(door, view)
        if about is None or not isinstance(about.request.subject, Question):
            await _decide(door, (ack, request, body, view), _NOTHING)
            return
        answer = deciding.answered(view["state"]["values"], about.request.subject)
        if isinstance(answer, dict):
            await ack(response_action="errors", errors=answer)
            return
        await _decide(door, (ack, request, body, view), Write(answer))

    return listener


def _edited(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, view: Body) -> None:
        about = await _about(door, view)
        drawn = None if about is None else door.drawing.view(about, now=door.clock.now())
        if drawn is None or drawn.type is None or not isinstance(drawn.request.subject, Action):
            await _decide(door, (ack, request, body, view), _NOTHING)
            return
        form = edit_form.parse_edit(view["state"]["values"], drawn.type, drawn.request.subject.arguments)
        if isinstance(form, edit_form.Mistakes):
            await ack(response_action="errors", errors=form.errors)
            return
        taken = click(request, body, action_ids.EDITED)
        outcome = await edit(door.core, taken, drawn.request.id, form.arguments)
        await _finish(door, (ack, body), drawn.request.id, outcome)

    return listener


def _stopped(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, view: Body) -> None:
        reason = frame.reason(view["state"]["values"]) or "no reason given"
        what = (scope(view["private_metadata"]), reason)
        await tell.stop(door, body, click(request, body, action_ids.STOPPED), what)
        await ack()

    return listener


async def _decide(
    door: Door, submitted: tuple[AsyncAck, AsyncBoltRequest, Body, Body], choice: Choice
) -> None:
    ack, request, body, view = submitted
    request_id = RequestId(view["private_metadata"])
    taken = click(request, body, str(view["callback_id"]))
    await _finish(door, (ack, body), request_id, await decide(door.core, taken, request_id, choice))


async def _finish(
    door: Door, answering: tuple[AsyncAck, Body], request_id: RequestId, outcome: Counted | Refused
) -> None:
    ack, body = answering
    view = await tell.form(door, body, request_id, outcome)
    if view is None:
        await ack()  # after the commit: an ack is a promise
    else:
        # What they typed is gone with the form, so the form says why instead of just closing.
        await ack(response_action="update", view=view)


async def _about(door: Door, view: Body) -> Dossier | None:
    return await queries.dossier(door.core, RequestId(view["private_metadata"]))
