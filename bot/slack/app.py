"""Builds Slack's side of the process: who handles what, behind Bolt and the guard."""

import logging
from typing import cast

import structlog
from slack_bolt import BoltResponse
from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from starlette.types import ASGIApp

from bot.slack import routes
from bot.slack.ingress.guard import Guard
from bot.slack.listeners.context import ListenerContext
from bot.slack.web_api import Identity
from escalation.errors import places

_log = structlog.get_logger(__name__)
EVENTS_PATH = "/slack/events"


def build(context: ListenerContext, *, token: str, identity: Identity) -> AsyncApp:
    """Return Bolt's app: it routes what the guard (or the socket) let in."""

    async def authorize() -> AuthorizeResult:
        # Known since the start: no click waits for a call to Slack.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.workspace,
            bot_token=token,
            bot_id=identity.bot_id,
            bot_user_id=identity.user_id,
        )

    app = AsyncApp(
        client=context.slack,
        authorize=authorize,
        logger=logging.getLogger("slack_bolt"),
        process_before_response=True,  # we commit, then acknowledge; it is also the fast way
        request_verification_enabled=False,  # the guard has done it, over the raw bytes
        ssl_check_enabled=True,
        url_verification_enabled=True,
    )
    routes.register(app, context)
    app.error(_failed)
    return app


async def _failed(error: Exception) -> BoltResponse:
    # Bolt's own handler logs the message, which may quote what a person wrote. 500 leaves the click
    # unacknowledged, so that Slack tells whoever clicked that it was not taken.
    _log.error("listener_failed", error=type(error).__name__, where=places(error))
    return BoltResponse(status=500)


def guarded(app: AsyncApp, context: ListenerContext, *, secret: str) -> Guard:
    """Return *app* as it may stand in the open: behind the guard."""
    # Bolt types its ASGI callable more narrowly than ASGI does.
    inner = cast("ASGIApp", AsyncSlackRequestHandler(app, path=EVENTS_PATH))
    return Guard(inner, secret=secret, clock=context.clock, paths=(EVENTS_PATH,))
