"""Which handler takes which request: by action id, callback id, command and event type."""

import re
from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest

from bot.slack.listeners import buttons, home_tab, modal_submissions, slash_command
from bot.slack.listeners.context import Ack, Handler, ListenerContext
from bot.slack.render.block_kit import action_ids
from bot.slack.signed_request import INGRESS_HEADER, Body, SignedRequest

#: Numbered answers, and links, which are buttons too for Slack.
_PATTERNS: tuple[re.Pattern[str] | str, ...] = (
    re.compile(rf"^{re.escape(action_ids.ANSWER)}:\d+$"),
    re.compile(r"^link"),
)


def register(app: AsyncApp, context: ListenerContext) -> None:
    """Listen to every id that is rendered, to the command and to the Home tab."""
    for action_id in (*sorted(action_ids.ACTIONS), *_PATTERNS):
        app.action(action_id)(_listener(context, _interact))
    for callback_id in sorted(action_ids.CALLBACKS - {action_ids.READ}):
        app.view(callback_id)(_listener(context, _interact))
    app.command(slash_command.NAME)(_listener(context, slash_command.command))
    app.event(home_tab.OPENED)(_listener(context, home_tab.opened))


def handler_of(body: Body) -> Handler | None:
    """Return who handles the click or the submitted modal that *body* tells of; None for any other."""
    match body.get("type"):
        case "block_actions":
            return buttons.handler_of(str(body["actions"][0]["action_id"]))
        case "view_submission":
            return modal_submissions.handler_of(str(body["view"]["callback_id"]))
        case _:
            return None


async def _interact(context: ListenerContext, request: SignedRequest) -> Ack:
    handler = handler_of(request.body)
    if handler is None:
        raise LookupError("an interaction that nobody handles reached a listener")
    return await handler(context, request)


def _listener(context: ListenerContext, handler: Handler) -> Callable[..., Awaitable[None]]:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest) -> None:
        carried = await handler(context, signed(request))
        await ack(**carried)  # after the commit: an acknowledgement is a promise

    return listener


def signed(request: AsyncBoltRequest) -> SignedRequest:
    """Return what the guard (or the socket) handed to Bolt; raise ``LookupError`` if neither did."""
    fingerprints = request.headers.get(INGRESS_HEADER) or []
    if len(fingerprints) != 1:
        raise LookupError("a click without a verified ingress reached a listener")
    return SignedRequest(body=request.body, fingerprint=str(fingerprints[0]))
