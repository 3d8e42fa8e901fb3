"""Builds Slack's side of the process: handlers, Bolt and the guard."""

import logging

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.slack import routes
from bot.slack.ingress.endpoint import Endpoint
from bot.slack.ingress.guard import Guard
from bot.slack.listeners.context import ListenerContext
from bot.slack.signed_request import Dispatch
from bot.slack.web_api import Identity

EVENTS_PATH = "/slack/events"


def build(context: ListenerContext, *, token: str, identity: Identity) -> Dispatch:
    """Return what takes requests that the guard (or the socket) let in to their handlers."""

    async def authorize() -> AuthorizeResult:
        # Known since the start: no request waits for a call to Slack.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=identity.workspace,
            bot_token=token,
            bot_id=identity.bot_id,
            bot_user_id=identity.user_id,
        )

    app = AsyncApp(
        name="andon",  # else Bolt reads the whole call stack, and its source files, to find one
        client=context.slack,
        authorize=authorize,
        logger=logging.getLogger("slack_bolt"),
        process_before_response=True,  # we commit, then acknowledge; it is also the fast way
        request_verification_enabled=False,  # the guard has done it, over the raw bytes
        attaching_function_token_enabled=False,  # no custom steps of workflows
        attaching_conversation_kwargs_enabled=False,  # no assistant threads
        ssl_check_enabled=True,
        url_verification_enabled=True,
    )
    routes.register(app, context)
    return routes.dispatcher(app, context)


def guarded(dispatch: Dispatch, context: ListenerContext, *, secret: str) -> Guard:
    """Return *dispatch* as it may stand in the open: behind the guard."""
    return Guard(Endpoint(dispatch), secret=secret, clock=context.clock, paths=(EVENTS_PATH,))
