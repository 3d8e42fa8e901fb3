"""After an outage people are told what became of things, not a message for each of them."""

from escalation.ports import Turn
from escalation.service import deliver
from tests.harness.fake_faults import RateLimited, Slow
from tests.harness.fake_slack import Posted
from tests.scenario.agent import CONFIDENT, SMALL
from tests.scenario.rules import ANDON, Change, changed
from tests.scenario.world import World

POST = "chat.postMessage"


def posts(room: World) -> list[str]:
    """Return where messages were posted, in order."""
    return [call.arguments["channel"] for call in room.slack.calls if call.method == POST and not call.error]


def top(room: World, channel: str = "#finance") -> list[Posted]:
    return [posted for posted in room.slack.in_channel(channel) if posted.thread is None]


async def nothing_waits(room: World) -> bool:
    async with room.store.read() as tx:
        return await tx.outbox.next_due_at() is None


async def test_an_ask_after_a_hundred_settled_ones_is_posted_at_once(any_room: World) -> None:
    """A hundred requests ended before they were posted: the card of a new one is the first message."""
    room = any_room
    for number in range(100):
        await room.agent.cancels(await room.agent.asks(memo=f"number {number}"))
    asked = await room.agent.asks(memo="the one that counts")
    await room.beats()
    card, summary = top(room)
    assert card.says("the one that counts")
    assert (await room.card(asked)).ts == card.ts
    assert summary.says("100 requests ended before their cards could be shown to anybody")
    assert len(posts(room)) == 2
    assert await nothing_waits(room)


async def test_many_overdue_make_one_summary_a_lane(any_room: World) -> None:
    """However many ran out while we were down: one message in the channel, to the owner, to the alerts."""
    room = any_room
    asked = [await room.agent.asks(memo=f"number {number}") for number in range(60)]
    room.clock.advance(minutes=15)
    await room.beats()
    assert {await room.agent.state_of(one) for one in asked} == {"undeliverable"}
    assert sorted(posts(room)) == ["C01FINANCE", "C03ALERTS", "DU05NADIA"]
    for lane in ("#finance", "#alerts", "@nadia"):
        (told,) = room.slack.in_channel(lane)
        assert told.says("60 requests ended before their cards could be shown to anybody")
        assert told.says("and 55 more")
        assert told.says(asked[0]["id"])
    assert [event.actor for event in await room.events("messages.summarised")] == ["courier"] * 3
    assert await nothing_waits(room)


async def test_what_is_said_of_one_request_is_said_in_full(room: World) -> None:
    """A single alarm is no summary: the owner and the alerts channel read what happened."""
    await room.agent.asks()
    room.clock.advance(minutes=15)
    await room.beats()
    for lane in ("#alerts", "@nadia"):
        (told,) = room.slack.in_channel(lane)
        assert told.says("The card could not reach anybody in Slack")


async def test_more_than_one_batch_is_still_one_summary(room: World) -> None:
    """More rows than are folded in one transaction go into the same summary."""
    for number in range(520):
        await room.agent.cancels(await room.agent.asks(memo=f"number {number}"))
    await room.beats()
    (summary,) = top(room)
    assert summary.says("520 requests ended")


async def test_a_summary_that_waits_takes_in_what_comes(room: World) -> None:
    """Slack asks us to wait with the summary: what ends meanwhile is told in the same one."""
    await room.agent.cancels(await room.agent.asks(memo="first"))
    room.slack.fails(POST, RateLimited(after=30))
    await room.beats()
    await room.agent.cancels(await room.agent.asks(memo="second"))
    await room.passes(seconds=30)
    await room.beats()
    (summary,) = top(room)
    assert summary.says("2 requests ended")


async def test_what_was_folded_while_the_summary_was_posted_is_told_too(room: World) -> None:
    """A replica that slept posts a summary that has grown since: it is brought up to date."""
    await room.agent.cancels(await room.agent.asks(memo="first"))
    (row,) = await deliver.take(room.core, limit=9)
    assert await deliver.send(room.core, room.house.engine._relay._courier, row) is None
    (summary,) = await deliver.take(room.core, limit=9)
    assert summary.turn is Turn.SUMMARY
    courier = room.house.engine._relay._courier

    class Sleeps:
        async def carry(self, outgoing, about):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  Courier.carry
            delivery = await courier.carry(outgoing, about)
            room.clock.advance(seconds=31)
            await room.agent.cancels(await room.agent.asks(memo="second"))
            (card,) = await deliver.take(room.core, limit=9)
            assert await deliver.send(room.core, courier, card) is None
            return delivery

    await deliver.send(room.core, Sleeps(), summary)
    await room.beats()
    await room.passes(seconds=31)
    (told,) = top(room)
    assert told.says("2 requests ended")


async def test_what_a_rule_allowed_is_never_folded(room: World) -> None:
    """A request that no person was asked about has no card, and each of its alarms is said."""
    for number in range(2):
        allowed = await room.agent.asks(confidence=CONFIDENT, memo=f"number {number}", **SMALL)
        assert allowed["state"] == "approved"
        await room.agent.claims(allowed)
        await room.agent.reports(allowed, "failed")
    await room.beats()
    assert [told.says("Failed") for told in room.slack.in_channel("@nadia")] == [True, True]


async def test_a_summary_that_its_channel_refuses_is_given_up(room: World) -> None:
    """The channel is gone; whoever has to know is told in the alerts channel and directly."""
    gone = Change(ANDON, "directors: {members: [maryam, yusuf], channel: C02DIRECT}",
                  "directors: {members: [maryam, yusuf], channel: C99GONE}")  # fmt: skip
    await room.rules_become(changed(gone))
    asked = await room.agent.asks(amount="7200.000")
    await room.beats()
    assert await room.agent.state_of(asked) == "undeliverable"
    assert sorted(posts(room)) == ["C03ALERTS", "DU05NADIA"]
    assert await nothing_waits(room)


async def test_one_card_is_drawn_once_for_many_changes(room: World) -> None:
    """While the card is being posted the request changes twice: one update shows the last."""
    room.slack.fails(POST, Slow(0.05))
    asked = await room.agent.asks(amount="7200.000")
    await room.beats()
    card = await room.card(asked, in_="#directors")
    await room.maryam.clicks("I am looking", on=card)
    await room.maryam.clicks("Approve", on=card)
    await room.beats()
    assert card.edits == 1
