"""A process that slept in the middle of a delivery wakes up, and does not act on what it believed before."""

from collections.abc import Awaitable, Callable

from escalation.ports import Delivery, Dossier, Outgoing
from escalation.service import deadlines, deliver
from tests.chaos.load import offered
from tests.scenario.world import World


class Sleeper:
    """A courier that falls asleep before it says anything; meanwhile others do what they do."""

    def __init__(self, room: World, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._courier = room.house.engine._relay._courier
        self._meanwhile = [meanwhile]

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        while self._meanwhile:
            await self._meanwhile.pop()()
        return await self._courier.carry(outgoing, about)


async def test_a_card_that_was_posted_meanwhile(any_room: World) -> None:
    """Another process posted the card while this one slept: one card can be clicked, and no other."""
    room = any_room
    asked = await room.agent.asks()
    (row,) = await deliver.take(room.core, limit=1)

    async def others() -> None:
        await room.passes(seconds=31)
        assert await room.card(asked) is not None

    await deliver.send(room.core, Sleeper(room, others), row)
    await room.beats()
    live = [posted for posted in room.slack.in_channel("#finance") if offered(posted)]
    assert len(live) == 1
    await room.salma.clicks("Approve", on=live[0])
    await room.beats()
    assert not [posted for posted in room.slack.in_channel("#finance") if offered(posted)]


async def test_a_card_of_what_was_settled_meanwhile(any_room: World) -> None:
    """Another process posted it and a person decided: what the sleeper draws offers nothing to click."""
    room = any_room
    asked = await room.agent.asks()
    (row,) = await deliver.take(room.core, limit=1)

    async def others() -> None:
        await room.passes(seconds=31)
        await room.salma.clicks("Approve", on=await room.card(asked))
        await room.beats()

    await deliver.send(room.core, Sleeper(room, others), row)
    await room.beats()
    await room.passes(seconds=60)
    assert not [posted for posted in room.slack.in_channel("#finance") if offered(posted)]


async def test_a_message_that_others_took_over_is_left_to_them(any_room: World) -> None:
    """Awake again before it said anything, it finds that its lease is over: everybody is told once."""
    room = any_room
    await room.card(await room.agent.asks())
    room.clock.advance(minutes=15)
    await deadlines.settle_due(room.core, batch=9)
    taken = await deliver.take(room.core, limit=9)
    await room.passes(seconds=31)
    courier = room.house.engine._relay._courier
    assert taken
    assert [await deliver.send(room.core, courier, each) for each in taken] == [None] * len(taken)
    assert [len(room.slack.in_channel(lane)) for lane in ("#alerts", "@nadia")] == [1, 1]
