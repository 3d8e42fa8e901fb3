"""Buttons and menus on cards, notices and the Home tab."""

import re
from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest

from bot.slack import tell
from bot.slack.door import Body, Door, click
from bot.slack.render.block_kit import action_ids
from bot.slack.render.block_kit.blocks import Block
from bot.slack.render.modals import stop as stop_modal
from escalation.grant import Report
from escalation.ids import GrantId, RequestId
from escalation.ports import Dossier
from escalation.reason import Reason, Refused
from escalation.service import ask_again, queries, refusals, resolve
from escalation.service.acknowledge import acknowledge
from escalation.service.decide import Approve, Choice, Pick, decide
from escalation.switch import scope

Listener = Callable[..., Awaitable[None]]
Show = Callable[[Door, Body, Dossier], Block]


def register(app: AsyncApp, door: Door) -> None:
    """Listen to every action id that is drawn."""
    answers = re.compile(rf"^{re.escape(action_ids.ANSWER)}(:\d+)?$")
    app.action(action_ids.APPROVE)(_approve(door))
    app.action(answers)(_pick(door))
    app.action(action_ids.MORE)(_more(door))
    app.action(action_ids.ASK_AGAIN)(_ask_again(door))
    app.action(action_ids.RESOLVE_SUCCEEDED)(_resolve(door, Report.SUCCEEDED))
    app.action(action_ids.RESOLVE_FAILED)(_resolve(door, Report.FAILED))
    app.action(action_ids.STOP)(_confirm_stop(door))
    app.action(action_ids.RESUME)(_resume(door))
    for action_id, show in (
        (action_ids.EDIT, tell.edit_form),
        (action_ids.REJECT, tell.reject_form),
        (action_ids.FULL, tell.in_full),
        (action_ids.ANSWER_TEXT, tell.answer_form),
    ):
        app.action(action_id)(_show(door, show))
    # Links are buttons too, for Slack: their clicks only want to be acknowledged.
    app.action(re.compile(r"^link"))(_ignore)


def _approve(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, action: Body) -> None:
        await _decide(door, request, body, (RequestId(action["value"]), Approve()))
        await ack()  # after the commit: an ack is a promise

    return listener


def _pick(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, action: Body) -> None:
        value = str(action.get("value") or (action.get("selected_option") or {}).get("value", ""))
        request_id, _, index = value.partition("|")
        choice = Pick(int(index) if index.isdecimal() else -1)
        await _decide(door, request, body, (RequestId(request_id), choice))
        await ack()

    return listener


async def _decide(door: Door, request: AsyncBoltRequest, body: Body, what: tuple[RequestId, Choice]) -> None:
    request_id, choice = what
    name = str(body["actions"][0]["action_id"])
    outcome = await decide(door.core, click(request, body, name), request_id, choice)
    await tell.outcome(door, body, request_id, outcome)


def _ask_again(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, action: Body) -> None:
        request_id = RequestId(action["value"])
        outcome = await ask_again.ask_again(door.core, click(request, body, action_ids.ASK_AGAIN), request_id)
        await ack()
        await tell.outcome(door, body, request_id, outcome)

    return listener


def _more(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, action: Body) -> None:
        what, _, value = str(action["selected_option"]["value"]).partition(":")
        request_id = RequestId(value)
        if what == action_ids.MORE_ACKNOWLEDGE:
            taken = click(request, body, f"request:{what}")
            await tell.outcome(door, body, request_id, await acknowledge(door.core, taken, request_id))
        elif (about := await queries.dossier(door.core, request_id)) is None:
            tell.refuse(door, body, Refused(Reason.UNKNOWN_REQUEST))
        else:
            door.open(body, tell.more(door, body, what, about))
        await ack()

    return listener


def _show(door: Door, show: Show) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, action: Body) -> None:
        request_id, refused = RequestId(action["value"]), None
        if show is not tell.in_full:
            # Said before the form is filled in, not after. The submission is authorised again.
            taken = click(request, body, str(action["action_id"]))
            to_reject = show is tell.reject_form
            refused = await refusals.from_form(door.core, taken, request_id, to_reject=to_reject)
        about = None if refused is not None else await queries.dossier(door.core, request_id)
        if about is not None:
            door.open(body, show(door, body, about))
        else:
            await tell.outcome(door, body, request_id, refused or Refused(Reason.UNKNOWN_REQUEST))
        await ack()

    return listener


def _resolve(door: Door, report: Report) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, action: Body) -> None:
        taken = click(request, body, str(action["action_id"]))
        outcome = await resolve.resolve(door.core, taken, GrantId(action["value"]), report)
        await ack()
        if isinstance(outcome, Refused):
            tell.refuse(door, body, outcome)

    return listener


def _confirm_stop(door: Door) -> Listener:
    async def listener(ack: AsyncAck, body: Body, action: Body) -> None:
        door.open(body, stop_modal.stop(scope(action["value"])))
        await ack()

    return listener


def _resume(door: Door) -> Listener:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest, body: Body, action: Body) -> None:
        await tell.resume(door, body, click(request, body, action_ids.RESUME), scope(action["value"]))
        await ack()

    return listener


async def _ignore(ack: AsyncAck) -> None:
    await ack()
