"""
Takes each request to its handler, and acknowledges it when that has committed.

    click, submitted modal ──▶ a table of handlers, by action id and callback id     (the fast way)
    command, event, checks, anything else ──▶ Bolt

Bolt dispatches a click in about 90 µs, most of it for arguments that no handler of ours takes, and finds
its listener by trying one after the other. The table costs two. See ``docs/adr``.
"""

from collections.abc import Awaitable, Callable

import structlog
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest

from bot.slack.listeners import buttons, home_tab, modal_submissions, slash_command
from bot.slack.listeners.context import Handler, ListenerContext, answered
from bot.slack.listeners.payload import is_hollow
from bot.slack.signed_request import INGRESS_HEADER, Body, Dispatch, SignedRequest
from escalation.errors import InvalidConfiguration, places

_log = structlog.get_logger(__name__)


def handler_of(body: Body) -> Handler | None:
    """Return who handles the click or the submitted modal that *body* tells of; None for any other."""
    match body:
        case {"type": "block_actions", "actions": [{"action_id": str(action_id)}, *_]}:
            return buttons.handler_of(action_id)
        case {"type": "view_submission", "view": {"callback_id": str(callback_id)}}:
            return modal_submissions.handler_of(callback_id)
        case _:
            return None


def dispatcher(app: AsyncApp, context: ListenerContext) -> Dispatch:
    """Return what takes requests to the handlers of *context*, and what they do not know to *app*."""

    async def dispatch(request: SignedRequest) -> BoltResponse:
        if is_hollow(request.body):
            return hollow()
        handler = handler_of(request.body)
        if handler is None:
            return await _through_bolt(app, request)
        try:
            carried = await answered(context, request, handler)
        except InvalidConfiguration:  # a scope that we never wrote on a button
            return hollow()
        except Exception as error:  # noqa: BLE001  # whatever it is, the click must not be acknowledged
            return await failed(error)
        # After the commit: an acknowledgement is a promise.
        return BoltResponse(status=200, body=dict(carried) if carried else "")

    return dispatch


def register(app: AsyncApp, context: ListenerContext) -> None:
    """Listen, through Bolt, to the command and to the Home tab."""
    app.command(slash_command.NAME)(_listener(context, slash_command.command))
    app.event(home_tab.OPENED)(_listener(context, home_tab.opened))
    app.error(failed)


async def failed(error: Exception) -> BoltResponse:
    """Log *error*, and return what leaves a click unacknowledged: Slack tells the person it was not taken."""
    # Type and place only: the message of an error may quote what a person wrote.
    _log.error("listener_failed", error=type(error).__name__, where=places(error))
    return BoltResponse(status=500)


def hollow() -> BoltResponse:
    """Log, and return the refusal of, what Slack never sends although it is signed."""
    _log.warning("slack_payload_hollow")
    return BoltResponse(status=400)


async def _through_bolt(app: AsyncApp, request: SignedRequest) -> BoltResponse:
    try:
        return await app.async_dispatch(_for_bolt(request))
    # A listener that fails is Bolt's to catch, and is answered by `failed`. What comes through here is
    # Bolt unable to tell what the body is.
    except Exception as error:  # noqa: BLE001 - see above
        _log.info("bolt_cannot_read", error=type(error).__name__, where=places(error))
        return hollow()


def _listener(context: ListenerContext, handler: Handler) -> Callable[..., Awaitable[None]]:
    async def listener(ack: AsyncAck, request: AsyncBoltRequest) -> None:
        carried = await answered(context, signed(request), handler)
        await ack(**carried)

    return listener


def _for_bolt(request: SignedRequest) -> AsyncBoltRequest:
    # The mode in which Bolt takes a parsed body; over HTTP it would parse it again.
    headers = {INGRESS_HEADER: [request.fingerprint]}
    return AsyncBoltRequest(mode="socket_mode", body=request.body, headers={**headers})


def signed(request: AsyncBoltRequest) -> SignedRequest:
    """Return what the guard (or the socket) handed to Bolt; raise ``LookupError`` if neither did."""
    fingerprints = request.headers.get(INGRESS_HEADER) or []
    if len(fingerprints) != 1:
        raise LookupError("a click without a verified ingress reached a listener")
    return SignedRequest(body=request.body, fingerprint=str(fingerprints[0]))
