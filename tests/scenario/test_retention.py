"""What was kept for its term is removed, on the record; what still has something to come is not."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.slack.render.block_kit import action_ids
from escalation.action import decode
from escalation.engine import retention as retention_module
from escalation.ports import Page, Place
from escalation.retention import Kept
from escalation.service import retention, seal
from escalation.verification import Verified
from tests.scenario.agent import CONFIDENT, SMALL, problem_of
from tests.scenario.conftest import OpenStore
from tests.scenario.rules import ANDON, Change, changed
from tests.scenario.test_edit import edit
from tests.scenario.world import World, world


@pytest.fixture
async def house(any_store: OpenStore) -> AsyncIterator[World]:
    """A bot over each store."""
    async with world(store=any_store) as room:
        await room.beats()  # the first look only notes what time it is
        yield room


async def removed(room: World) -> list[tuple[str, int]]:
    """Return what the record says was removed: the kind, and how much of it."""
    told = []
    for event in await room.events("rows.removed"):
        data = decode(event.data)
        assert isinstance(data, dict)
        assert event.actor == "keeper"
        told.append((event.subject, int(str(data["count"]))))
    return told


async def stored(room: World) -> list[str]:
    """Return the ids of the requests that are there, oldest first."""
    async with room.store.read() as tx:
        return [request.id for request in reversed(await tx.requests.page(Page(limit=1000)))]


async def test_a_year_and_a_bit_later(house: World) -> None:
    """Settled requests and all of theirs go after their term; the record still tells every one of them."""
    room = house
    done = await room.approved(memo="Remembered")
    await room.agent.claims(done)
    await room.agent.reports(done, "succeeded", result="posted")
    cancelled = await room.agent.asks(memo="No")
    await room.agent.cancels(cancelled)
    late = await room.agent.asks(memo="Nobody looks")
    await room.passes(hours=24)
    await room.passes(days=399)
    assert await stored(room) == [done["id"], cancelled["id"], late["id"]]
    before = len(await room.events())
    await room.passes(days=2)
    assert await stored(room) == []
    told = await removed(room)
    assert ("requests", 3) in told
    assert {kind for kind, _ in told} == {"requests", "messages"}
    assert problem_of(await room.agent.gets(f"/v1/requests/{done['id']}"))[0] == 404
    # Nothing of the record went, words included; and its events lead on.
    events = await room.events()
    assert len(events) > before
    about = [event.name.value for event in events if event.subject == done["id"]]
    assert about[0] == "request.asked"
    assert about[-1] == "request.approved"
    assert "Remembered" in next(event.data for event in events if event.subject == done["id"])


async def test_a_clock_that_is_wrong_removes_nothing(house: World) -> None:
    """Two years ahead for a while: nothing goes, and a key stays good for what was done under it."""
    room = house
    room.expected.add("clock_jumped")
    done = await room.agent.asks(**SMALL, confidence=CONFIDENT, key="fee-1")
    await room.agent.claims(done)
    await room.agent.reports(done, "succeeded")
    await room.passes(hours=1)
    room.clock.wrong = timedelta(days=730)
    await room.beats()
    await room.beats()
    room.clock.wrong = timedelta()
    await room.beats()
    again = await room.agent.asks(**SMALL, confidence=CONFIDENT, key="fee-1")
    assert again["id"] == done["id"]
    assert await removed(room) == []


async def test_what_nobody_knows_stays(house: World) -> None:
    """An effect that nobody said the end of keeps its request for ever; resolved, its term begins then."""
    room = house
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.passes(hours=1)
    await room.passes(days=500)
    assert await stored(room) == [asked["id"]]
    alarm = await room.omar.sees("how it ended is not on the record", in_="#alerts")
    await room.nadia.clicks("It happened", on=alarm)
    await room.passes(days=399)
    assert await stored(room) == [asked["id"]]
    await room.passes(days=2)
    assert await stored(room) == []


async def test_an_old_card_answers_plainly(house: World) -> None:
    """Whoever clicks a card whose request is gone is told so, and nothing happens."""
    room = house
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.agent.cancels(asked)
    await room.beats()
    await room.passes(days=401)
    assert await stored(room) == []
    button = {"type": "button", "action_id": action_ids.APPROVE, "value": asked["id"]}
    assert (await room.salma.forges(button, on=card)).status == 200
    await room.salma.sees("There is no such request", in_="#finance")


async def test_a_key_lives_as_long_as_its_request(house: World) -> None:
    """The same key finds the same request until that is removed; after that it asks anew."""
    room = house
    first = await room.agent.asks(key="line-7")
    await room.agent.cancels(first)
    await room.passes(days=400)
    assert (await room.agent.asks(key="line-7"))["id"] == first["id"]
    await room.passes(days=1)
    assert (await room.agent.asks(key="line-7"))["id"] != first["id"]


async def test_an_edit_goes_before_what_it_edits(house: World) -> None:
    """The request that was edited stays while its edit is there, and goes at the round after."""
    room = house
    first = await room.agent.asks()
    await edit(room, first, amount="60.000")
    second = {"id": (await room.agent.sees(first))["follow"]}
    await room.agent.claims(second)
    await room.passes(days=300)
    alarm = await room.omar.sees("how it ended is not on the record", in_="#alerts")
    await room.nadia.clicks("It happened", on=alarm)
    await room.passes(days=399)
    assert await stored(room) == [first["id"], second["id"]]
    await room.passes(days=2)
    assert await stored(room) == [first["id"]]
    await room.passes(hours=1)
    assert await stored(room) == []


async def test_what_slack_never_took_stays(house: World) -> None:
    """While something about a request is still to be said, the request stays."""
    room = house
    asked = await room.agent.asks()
    await room.card(asked)
    await room.agent.cancels(asked)  # its card is to be redrawn
    room.clock.advance(days=401)
    batch = await retention.remove(room.core, Kept.REQUESTS, at=room.clock.now(), behind=Place())
    assert batch.count == 0
    assert await stored(room) == [asked["id"]]
    await room.beats()
    await room.beats()
    assert await stored(room) == []


async def test_words_are_erased_after_their_term(any_store: OpenStore) -> None:
    """With `audit.retention` the words in the record go after it, and the record stays whole."""
    loaded = changed(
        Change(
            ANDON,
            "alerts: {channel: C03ALERTS}",
            "alerts: {channel: C03ALERTS}\n"
            "audit: {channel: C04AUDIT, retention: 300d}\nretention: {requests: 200d}",
        ),
    )
    async with world(store=any_store, loaded=loaded) as room:
        asked = await room.agent.asks(memo="Somebody's name")
        await room.agent.cancels(asked)
        await room.passes(days=299)
        assert "Somebody's name" in "".join(event.data for event in await room.events())
        await room.passes(days=2)
        while await seal.seal(room.core, batch=1000):
            pass
        assert ("words", 3) in await removed(room)
        assert "Somebody's name" not in "".join(event.data for event in await room.events())
        verdict = await seal.verify(room.store)
        assert isinstance(verdict, Verified)
        assert verdict.erased == 3


async def test_a_backlog_goes_in_batches(house: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long backlog goes in one round of many small transactions, each with its own event."""
    monkeypatch.setattr(retention, "BATCH_OF_REQUESTS", 2)
    room = house
    for number in range(5):
        await room.agent.cancels(await room.agent.asks(memo=f"Number {number}"))
    await room.passes(days=401)
    assert await stored(room) == []
    assert [count for kind, count in await removed(room) if kind == "requests"] == [2, 2, 1]


async def test_two_replicas_remove_each_row_once(any_store: OpenStore) -> None:
    """Two engines over one store remove everything once: the counts in the record add up."""
    async with world(store=any_store) as room:
        for number in range(4):
            await room.agent.cancels(await room.agent.asks(memo=f"Number {number}"))
        await room.beats()
        keepers = [retention_module.module(room.core) for _ in range(3)]
        for keeper in keepers:
            await keeper.run()
        room.clock.advance(days=401)
        await asyncio.gather(*(keeper.run() for keeper in keepers))
        assert await stored(room) == []
        assert sum(count for kind, count in await removed(room) if kind == "requests") == 4
