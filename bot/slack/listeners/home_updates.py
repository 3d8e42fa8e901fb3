"""Keeps the Home tab of those who have opened it up to date: one update at a time, however many clicks."""

import asyncio
from typing import Final

from bot.slack.listeners.context import HomeState, ListenerContext
from bot.slack.listeners.payload import account
from bot.slack.render import home
from bot.slack.signed_request import Body
from escalation.authority import Account
from escalation.service import queries

#: Seconds between two updates of one Home tab: it costs three queries and a call to Slack.
_PAUSE: Final = 1.0


def refresh(context: ListenerContext, body: Body) -> None:
    """Bring the Home tab of whoever clicked up to date, if they have opened it.

    The first click updates it at once; those that come meanwhile are shown together, by one more update.
    """
    who = account(body)
    match context.homes.get(who):
        case HomeState.CURRENT:
            context.homes[who] = HomeState.UPDATING
            context.in_background(_until_current(context, who))
        case HomeState.UPDATING:
            context.homes[who] = HomeState.STALE
        case HomeState.STALE | None:
            pass


async def _until_current(context: ListenerContext, who: Account) -> None:
    try:
        await publish(context, who)
        while context.homes[who] is HomeState.STALE:
            await asyncio.sleep(_PAUSE)
            context.homes[who] = HomeState.UPDATING
            await publish(context, who)
    finally:
        context.homes[who] = HomeState.CURRENT


async def publish(context: ListenerContext, who: Account) -> None:
    """Render the Home tab of whoever has the account *who*, and publish it."""
    person = context.core.configuration().directory.whose(who)
    if person is None:
        view = home.stranger()
    else:
        context.homes.setdefault(who, HomeState.CURRENT)
        await context.presenter.permalinks.learn(context.slack)
        view = context.presenter.home(
            person,
            queue=await queries.queue(context.core, person.id, limit=home.QUEUE),
            stopped=await queries.stopped(context.core),
            decided=await queries.decided_by(context.core, person.id, limit=10),
            now=context.clock.now(),
        )
    await context.slack.views_publish(user_id=who.user, view=view)
