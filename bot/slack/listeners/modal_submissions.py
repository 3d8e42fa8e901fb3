"""Modals that were submitted."""

from collections.abc import Mapping

from bot.slack.listeners import outcomes, stop_and_resume
from bot.slack.listeners.context import TAKEN, Ack, Handler, ListenerContext
from bot.slack.listeners.home_updates import refresh
from bot.slack.listeners.payload import click, view
from bot.slack.listeners.stop_and_resume import StopOrder
from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals import deciding, frame
from bot.slack.render.modals import edit as edit_modal
from bot.slack.signed_request import SignedRequest
from bot.wording.view import View
from escalation.action import Action
from escalation.ids import RequestId
from escalation.ports import Dossier
from escalation.reason import Reason, Refused
from escalation.request import Question
from escalation.service import queries
from escalation.service.context import Counted
from escalation.service.decide import Approve, Choice, Reject, Write, decide
from escalation.service.edit import edit, foresee
from escalation.switch import scope

#: The answer of a form that fits its request no more. The core refuses it, and puts that on the record.
_NOTHING = Write("")


async def _rejected(context: ListenerContext, request: SignedRequest) -> Ack:
    reason = frame.reason(view(request)["state"]["values"])
    if not reason:
        return _errors({frame.REASON: str(Refused(Reason.REASON_MISSING))})
    return await _decide(context, request, Reject(reason))


async def _approved(context: ListenerContext, request: SignedRequest) -> Ack:
    return await _decide(context, request, Approve())


async def _answered(context: ListenerContext, request: SignedRequest) -> Ack:
    about = await _about(context, request)
    if about is None or not isinstance(about.request.subject, Question):
        return await _decide(context, request, _NOTHING)
    answer = deciding.answered(view(request)["state"]["values"], about.request.subject)
    if isinstance(answer, dict):
        return _errors(answer)
    return await _decide(context, request, Write(answer))


async def _edited(context: ListenerContext, request: SignedRequest) -> Ack:
    about = await _about(context, request)
    shown = None if about is None else context.view(about)
    if shown is None or shown.type is None or not isinstance(shown.request.subject, Action):
        return await _decide(context, request, _NOTHING)
    values = view(request)["state"]["values"]
    form = edit_modal.parse_edit(values, shown.type, shown.request.subject.arguments)
    if isinstance(form, edit_modal.Mistakes):
        return _errors(form.errors)
    if (unconfirmed := await _unconfirmed(context, request, shown, form)) is not None:
        return {"response_action": "update", "view": unconfirmed}
    clicked = click(request, action_ids.EDITED)
    outcome = await edit(context.core, clicked, shown.request.id, form.arguments)
    return await _finished(context, request, shown.request.id, outcome)


async def _unconfirmed(
    context: ListenerContext, request: SignedRequest, shown: View, form: edit_modal.Arguments
) -> Block | None:
    """Return the form again where the edit would ask others and the person behind it has not seen that."""
    person = context.person(request.body)
    if person is None or person.id not in shown.authority.approvers or shown.request.state.is_settled:
        return None  # Refused, and on the record.
    after = await foresee(context.core, shown.request.id, form.arguments, author=person.id)
    foreseen = None if after is None else context.view(Dossier(request=after, original=shown.request))
    if foreseen is None or foreseen.authority.suffices({person.id}):
        return None
    seen = edit_modal.agreed(view(request)["private_metadata"])
    return None if seen == edit_modal.needed(foreseen) else edit_modal.confirm(shown, foreseen)


async def _stopped(context: ListenerContext, request: SignedRequest) -> Ack:
    reason = frame.reason(view(request)["state"]["values"]) or "no reason given"
    order = StopOrder(scope=scope(view(request)["private_metadata"]), reason=reason)
    await stop_and_resume.stop(context, request, action_ids.STOPPED, order)
    refresh(context, request.body)
    return TAKEN


async def _decide(context: ListenerContext, request: SignedRequest, choice: Choice) -> Ack:
    request_id = edit_modal.request_id(view(request)["private_metadata"])
    clicked = click(request, str(view(request)["callback_id"]))
    outcome = await decide(context.core, clicked, request_id, choice)
    return await _finished(context, request, request_id, outcome)


async def _finished(
    context: ListenerContext, request: SignedRequest, request_id: RequestId, outcome: Counted | Refused
) -> Ack:
    refresh(context, request.body)
    return await outcomes.acknowledge_form(context, request_id, outcome)


async def _about(context: ListenerContext, request: SignedRequest) -> Dossier | None:
    return await queries.dossier(context.core, edit_modal.request_id(view(request)["private_metadata"]))


def _errors(by_block: Mapping[str, str]) -> Ack:
    return {"response_action": "errors", "errors": dict(by_block)}


_HANDLERS: Mapping[str, Handler] = {
    action_ids.REJECTED: _rejected,
    action_ids.EDITED: _edited,
    action_ids.ANSWERED: _answered,
    action_ids.APPROVED_FULL: _approved,
    action_ids.STOPPED: _stopped,
}


def handler_of(callback_id: str) -> Handler | None:
    """Return who handles the submission of a modal called *callback_id*; None for one that is only read."""
    return _HANDLERS.get(callback_id)
