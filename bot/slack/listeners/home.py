"""The Home tab: my queue, my agents, what I decided."""

from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack import tell
from bot.slack.door import Body, Door, account


def register(app: AsyncApp, door: Door) -> None:
    """Draw the Home tab whenever somebody opens it."""
    app.event("app_home_opened")(_opened(door))


def _opened(door: Door) -> Callable[..., Awaitable[None]]:
    async def listener(ack: AsyncAck, body: Body) -> None:
        await ack()
        door.later(tell.publish(door, account(body)))

    return listener
