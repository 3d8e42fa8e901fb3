"""The Home tab: my queue, my agents, what I decided."""

from bot.slack.listeners.context import TAKEN, Ack, ListenerContext
from bot.slack.listeners.home_updates import publish
from bot.slack.listeners.payload import account
from bot.slack.signed_request import SignedRequest

OPENED = "app_home_opened"


async def opened(context: ListenerContext, request: SignedRequest) -> Ack:
    """Render the Home tab of whoever opened it."""
    context.in_background(publish(context, account(request.body)))
    return TAKEN
