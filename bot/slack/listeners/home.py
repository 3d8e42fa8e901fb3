"""The Home tab: my queue, my agents, what I decided."""

from collections.abc import Awaitable, Callable

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.door import Body, Door
from bot.slack.render.home import stranger
from escalation.authority import Account
from escalation.service import look


def register(app: AsyncApp, door: Door) -> None:
    """Draw the Home tab whenever somebody opens it."""
    app.event("app_home_opened")(_opened(door))


def _opened(door: Door) -> Callable[..., Awaitable[None]]:
    async def listener(ack: AsyncAck, body: Body, event: Body) -> None:
        await ack()
        workspace = str(body.get("team_id", ""))
        await publish(door, Account(workspace=workspace, user=str(event["user"])))

    return listener


async def publish(door: Door, account: Account) -> None:
    """Draw the Home tab of whoever has *account*."""
    person = door.core.configuration().directory.whose(account)
    if person is None:
        view = stranger()
    else:
        view = door.drawing.home(
            person,
            queue=await look.queue(door.core, person.id, limit=20),
            stopped=await look.stopped(door.core),
            decided=await look.decided_by(door.core, person.id, limit=10),
            now=door.clock.now(),
        )
    door.later(door.slack.views_publish(user_id=account.user, view=view))
