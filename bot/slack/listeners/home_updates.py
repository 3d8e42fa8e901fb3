"""Keeps the Home tab of those who have opened it up to date."""

from bot.slack.listeners.context import ListenerContext
from bot.slack.listeners.payload import account
from bot.slack.render.home import stranger
from bot.slack.signed_request import Body
from escalation.authority import Account
from escalation.service import queries


def refresh(context: ListenerContext, body: Body) -> None:
    """Bring the Home tab of whoever clicked up to date, if they have opened it."""
    if (who := account(body)) in context.homes:
        context.in_background(publish(context, who))


async def publish(context: ListenerContext, who: Account) -> None:
    """Render the Home tab of whoever has the account *who*, and publish it."""
    person = context.core.configuration().directory.whose(who)
    if person is None:
        view = stranger()
    else:
        context.homes.add(who)
        view = context.presenter.home(
            person,
            queue=await queries.queue(context.core, person.id, limit=20),
            stopped=await queries.stopped(context.core),
            decided=await queries.decided_by(context.core, person.id, limit=10),
            now=context.clock.now(),
        )
    await context.slack.views_publish(user_id=who.user, view=view)
