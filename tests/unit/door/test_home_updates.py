"""The Home tab follows the clicks of whoever opened it, without an update for each of them."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.slack.listeners.context import HomeState
from escalation.authority import Account
from tests.harness.fake_faults import ServerError
from tests.scenario.world import World, world

SALMA = Account("T01ANDON", "U01SALMA")


@pytest.fixture
async def room() -> AsyncIterator[World]:
    """A bot, and Salma's Home tab open."""
    async with world() as made:
        await made.salma.opens_home()
        await made.house.listeners.drain()
        yield made


def updates(room: World) -> int:
    return sum(call.method == "views.publish" for call in room.slack.calls)


async def test_many_clicks_make_two_updates(room: World) -> None:
    """Ten clicks at once are shown by the update that the first began, and one more for the others."""
    cards = [await room.card(await room.agent.asks(memo=f"number {number}")) for number in range(10)]
    before = updates(room)
    await asyncio.gather(*(room.salma.clicks("Approve", on=card) for card in cards))
    await room.house.listeners.drain()
    assert updates(room) - before == 2
    assert str(room.salma.home).count("|Approved>") == 10


async def test_clicks_apart_are_each_shown_at_once(room: World) -> None:
    """Whoever clicks once in a while sees each click on their Home tab without a pause."""
    for number in range(2):
        card = await room.card(await room.agent.asks(memo=f"number {number}"))
        before = updates(room)
        await room.salma.clicks("Approve", on=card)
        await room.house.listeners.drain()
        assert updates(room) - before == 1
        assert str(room.salma.home).count("|Approved>") == number + 1


async def test_an_update_that_failed_is_not_the_last(room: World) -> None:
    """Slack refuses one update; the next click makes another one."""
    room.expected.add("courtesy_refused")
    cards = [await room.card(await room.agent.asks(memo=f"number {number}")) for number in range(2)]
    room.slack.fails("views.publish", ServerError())
    for card in cards:
        await room.salma.clicks("Approve", on=card)
        await room.house.listeners.drain()
        assert room.house.listeners.homes[SALMA] is HomeState.CURRENT
    assert str(room.salma.home).count("|Approved>") == 2


async def test_who_never_opened_it_costs_nothing(room: World) -> None:
    """A click of somebody whose Home tab is closed reads nothing for it, and calls nobody."""
    before = updates(room)
    card = await room.card(await room.agent.asks())
    await room.khalid.clicks("Approve", on=card)
    await room.house.listeners.drain()
    assert updates(room) == before
