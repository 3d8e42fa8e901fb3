"""Buttons and menus on cards, notices and the Home tab."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from bot.slack.listeners import open_views, outcomes, stop_and_resume
from bot.slack.listeners.context import TAKEN, Ack, Handler, ListenerContext
from bot.slack.listeners.home_updates import refresh
from bot.slack.listeners.payload import action, click
from bot.slack.render import private_replies
from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals import stop as stop_modal
from bot.slack.signed_request import Body, SignedRequest
from escalation.grant import Report
from escalation.ids import GrantId, RequestId
from escalation.ports import Dossier
from escalation.reason import Reason, Refused
from escalation.service import ask_again, queries, refusals, resolve
from escalation.service.acknowledge import acknowledge
from escalation.service.context import Counted
from escalation.service.decide import Approve, Choice, Pick, decide
from escalation.switch import scope


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opens:
    """A modal that a button opens."""

    render: Callable[[ListenerContext, Body, Dossier], Block]
    to_decide: bool = True  #: Whether it decides, so that who may not is told before it is filled in.
    to_reject: bool = False


async def _approve(context: ListenerContext, request: SignedRequest) -> Ack:
    return await _decide(context, request, RequestId(action(request)["value"]), Approve())


async def _pick(context: ListenerContext, request: SignedRequest) -> Ack:
    picked = action(request)
    value = str(picked.get("value") or (picked.get("selected_option") or {}).get("value", ""))
    request_id, _, index = value.partition("|")
    choice = Pick(int(index) if index.isdecimal() else -1)
    return await _decide(context, request, RequestId(request_id), choice)


async def _decide(
    context: ListenerContext, request: SignedRequest, request_id: RequestId, choice: Choice
) -> Ack:
    clicked = click(request, str(action(request)["action_id"]))
    outcome = await decide(context.core, clicked, request_id, choice)
    return await _told(context, request, request_id, outcome)


async def _told(
    context: ListenerContext, request: SignedRequest, request_id: RequestId, outcome: Counted | Refused
) -> Ack:
    refresh(context, request.body)
    await outcomes.tell(context, request.body, request_id, outcome)
    return TAKEN


async def _ask_again(context: ListenerContext, request: SignedRequest) -> Ack:
    request_id = RequestId(action(request)["value"])
    clicked = click(request, action_ids.ASK_AGAIN)
    outcome = await ask_again.ask_again(context.core, clicked, request_id)
    return await _told(context, request, request_id, outcome)


async def _menu(context: ListenerContext, request: SignedRequest) -> Ack:
    entry, _, value = str(action(request)["selected_option"]["value"]).partition(":")
    request_id = RequestId(value)
    if entry == action_ids.MORE_ACKNOWLEDGE:
        clicked = click(request, f"request:{entry}")
        outcome = await acknowledge(context.core, clicked, request_id)
        return await _told(context, request, request_id, outcome)
    about = await queries.dossier(context.core, request_id)
    if about is None:
        unknown = private_replies.refused(Refused(Reason.UNKNOWN_REQUEST))
        context.reply_privately(request.body, unknown)
    else:
        modal = open_views.from_menu(context, request.body, about, entry=entry)
        context.open_modal(request.body, modal)
    return TAKEN


async def _open(context: ListenerContext, request: SignedRequest, *, opens: _Opens) -> Ack:
    request_id, refused = RequestId(action(request)["value"]), None
    if opens.to_decide:
        # Said before the form is filled in, not after. The submission is authorised again.
        clicked = click(request, str(action(request)["action_id"]))
        refused = await refusals.from_form(context.core, clicked, request_id, to_reject=opens.to_reject)
    about = None if refused is not None else await queries.dossier(context.core, request_id)
    if about is None:
        outcome = refused or Refused(Reason.UNKNOWN_REQUEST)
        return await _told(context, request, request_id, outcome)
    context.open_modal(request.body, opens.render(context, request.body, about))
    return TAKEN


async def _resolve(context: ListenerContext, request: SignedRequest, *, report: Report) -> Ack:
    clicked = click(request, str(action(request)["action_id"]))
    outcome = await resolve.resolve(context.core, clicked, GrantId(action(request)["value"]), report)
    if isinstance(outcome, Refused):
        context.reply_privately(request.body, private_replies.refused(outcome))
    return TAKEN


async def _confirm_stop(context: ListenerContext, request: SignedRequest) -> Ack:
    context.open_modal(request.body, stop_modal.stop(scope(action(request)["value"])))
    return TAKEN


async def _resume(context: ListenerContext, request: SignedRequest) -> Ack:
    await stop_and_resume.resume(context, request, action_ids.RESUME, scope(action(request)["value"]))
    refresh(context, request.body)
    return TAKEN


async def _follow_link(_: ListenerContext, __: SignedRequest) -> Ack:
    # Links are buttons too, for Slack: their clicks only want to be acknowledged.
    return TAKEN


_HANDLERS: Mapping[str, Handler] = {
    action_ids.APPROVE: _approve,
    action_ids.ANSWER: _pick,
    action_ids.EDIT: partial(_open, opens=_Opens(render=open_views.edit_form)),
    action_ids.REJECT: partial(_open, opens=_Opens(render=open_views.reject_form, to_reject=True)),
    action_ids.ANSWER_TEXT: partial(_open, opens=_Opens(render=open_views.answer_form)),
    action_ids.FULL: partial(_open, opens=_Opens(render=open_views.in_full, to_decide=False)),
    action_ids.MORE: _menu,
    action_ids.ASK_AGAIN: _ask_again,
    action_ids.RESOLVE_SUCCEEDED: partial(_resolve, report=Report.SUCCEEDED),
    action_ids.RESOLVE_FAILED: partial(_resolve, report=Report.FAILED),
    action_ids.STOP: _confirm_stop,
    action_ids.RESUME: _resume,
}


def handler_of(action_id: str) -> Handler | None:
    """Return who handles a click on *action_id*; None for one that we never draw."""
    known = _HANDLERS.get(action_id)
    if known is not None:
        return known
    # The buttons of a question are numbered: request:answer:0 and so on.
    start, _, number = action_id.rpartition(":")
    if start == action_ids.ANSWER and number.isdecimal():
        return _pick
    return _follow_link if action_id.startswith("link") else None
