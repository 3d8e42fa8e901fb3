"""Slack took a message and did not say so: it is looked for, and none is posted beside it."""

from escalation.errors import Unreadable
from escalation.ids import RequestId
from escalation.ports import Delivery, Dossier, Outgoing
from escalation.service import deliver, doctor, queries
from escalation.service.steps.set_aside import set_aside
from tests.harness.fake_faults import AcceptThenSilence, RateLimited, Refuses, ServerError
from tests.harness.fake_slack import Posted
from tests.scenario.world import World

POST, HISTORY = "chat.postMessage", "conversations.history"


def cards(room: World) -> list[Posted]:
    """Return what was posted in #finance outside of threads."""
    return [posted for posted in room.slack.in_channel("#finance") if posted.thread is None]


def calls(room: World, method: str) -> int:
    return sum(call.method == method for call in room.slack.calls)


async def test_accepted_and_never_answered(any_room: World) -> None:
    """Slack posts and the answer is lost: the card is looked for, found, and none is posted beside it."""
    room = any_room
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence())
    asked = await room.agent.asks()
    await room.beats()
    await room.passes(seconds=2)
    (card,) = cards(room)
    assert (await room.card(asked)).ts == card.ts
    await room.salma.clicks("Approve", on=card)
    await room.beats()
    assert card.says("Approved by")


async def test_a_card_in_doubt_is_looked_for_before_it_is_called_never_posted(room: World) -> None:
    """Slack took the card, answered nothing, and the request ended meanwhile: the card shows the end."""
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence())
    asked = await room.agent.asks()
    await room.beats()
    await room.agent.cancels(asked)
    await room.passes(seconds=2)
    (card,) = cards(room)
    assert card.says("The agent took it back")
    assert not card.says('"Approve"')


async def test_a_process_that_died_after_slack_took_the_card(any_room: World) -> None:
    """The next one that takes the row finds the card, once the lease is over."""
    room = any_room
    asked = await room.agent.asks()
    (row,) = await deliver.take(room.core, limit=9)
    about = await queries.dossier(room.core, RequestId(asked["id"]))
    await room.house.engine._relay._courier.carry(row, about)
    assert len(cards(room)) == 1
    await room.passes(seconds=31)
    (card,) = cards(room)
    assert (await room.card(asked)).ts == card.ts


async def test_a_process_that_died_with_a_card_until_the_deadline(any_room: World) -> None:
    """Slack took the card and nobody wrote that down in time: the end does not say that it never arrived."""
    room = any_room
    asked = await room.agent.asks()
    (row,) = await deliver.take(room.core, limit=9)
    about = await queries.dossier(room.core, RequestId(asked["id"]))
    await room.house.engine._relay._courier.carry(row, about)
    await room.passes(minutes=15)
    ended = await room.agent.sees(asked)
    assert (ended["state"], ended["reason"]) == (
        "undeliverable",
        "it is not known whether the card reached Slack before the deadline",
    )
    (card,) = cards(room)
    await room.beats()
    assert not card.says('"Approve"')


async def test_a_process_that_slept_in_the_middle_of_a_post(any_room: World) -> None:
    """Another one posted the card meanwhile: that one stays, and what was posted late is closed at once."""
    room = any_room
    asked = await room.agent.asks()
    (row,) = await deliver.take(room.core, limit=9)
    courier = room.house.engine._relay._courier

    class Sleeping:
        """Slack is told only after another process has posted the card."""

        async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
            if outgoing.twin is None:
                await room.passes(seconds=31)
            return await courier.carry(outgoing, about)

    await deliver.send(room.core, Sleeping(), row)
    first, twin = cards(room)
    assert (await room.card(asked)).ts == first.ts
    assert first.says('"Approve"')
    assert twin.says("Superseded")
    assert twin.says(first.ts.replace(".", ""))
    assert not twin.says('"Approve"')


async def test_a_card_that_slack_took_twice_is_closed_once(room: World) -> None:
    """Of two cards in doubt the first counts; the other has no buttons, and leads to the first."""
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence(), AcceptThenSilence())
    room.slack.fails(HISTORY, Refuses("missing_scope"))
    asked = await room.agent.asks()
    for _ in range(3):
        await room.passes(seconds=4)
    first, twin = cards(room)
    assert (await room.card(asked)).ts == first.ts
    assert first.says('"Approve"')
    assert twin.says("Superseded")
    assert twin.says(first.ts.replace(".", ""))
    assert not twin.says('"Approve"')


async def test_an_alarm_in_doubt_is_not_said_twice(room: World) -> None:
    """What is no card is looked for as well: Slack took the alarm, and it is said once."""
    room.house.listeners.slack.timeout = 1
    asked = await room.agent.asks()
    await room.card(asked)
    room.slack.fails(POST, *[AcceptThenSilence()] * 2)
    await room.passes(minutes=15)
    await room.passes(seconds=4)
    assert [len(room.slack.in_channel(lane)) for lane in ("#alerts", "@nadia")] == [1, 1]


async def test_a_note_in_doubt_is_looked_for_in_its_thread(room: World) -> None:
    """A thread is read like a channel: the reminder that Slack took stands there once."""
    room.house.listeners.slack.timeout = 1
    asked = await room.agent.asks()
    await room.card(asked)
    room.slack.fails(POST, AcceptThenSilence())
    await room.passes(minutes=7, seconds=30)
    await room.passes(seconds=4)
    assert len(await room.thread(asked)) == 1


async def test_what_is_looked_for_may_stand_far_back(room: World) -> None:
    """The channel is read page by page, as far back as the message can stand."""
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence())
    asked = await room.agent.asks()
    await room.beats()
    for _ in range(450):
        room.slack.keep({"channel": "C01FINANCE", "text": "chatter", "blocks": []})
    await room.passes(seconds=2)
    assert calls(room, HISTORY) == 3
    assert (await room.card(asked)).says("61.500")
    assert len([card for card in cards(room) if card.says("61.500")]) == 1


async def test_while_it_cannot_be_found_out_nothing_is_posted(room: World) -> None:
    """Slack does not let us look just now: the card waits, rather than standing there twice."""
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence())
    room.slack.fails(HISTORY, RateLimited(after=5), ServerError())
    await room.agent.asks()
    await room.beats()
    for _ in range(4):
        await room.passes(seconds=5)
    assert (calls(room, HISTORY), len(cards(room))) == (3, 1)


async def test_a_card_in_doubt_of_a_request_that_was_set_aside(any_room: World) -> None:
    """What was in doubt before the request was set aside is so after its release: its card is looked for."""
    room = any_room
    room.expected |= {"row_set_aside"}
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence())
    asked = await room.agent.asks()
    await room.beats()
    await set_aside(room.core, Unreadable("requests", asked["id"], "a hand at the database"))
    await room.passes(minutes=3)
    await doctor.release(room.core, asked["id"])
    await room.beats()
    (card,) = cards(room)
    assert (await room.card(asked)).ts == card.ts
    await room.salma.clicks("Approve", on=card)
    await room.beats()
    assert card.says("Approved by")


async def test_nobody_is_told_that_a_card_in_doubt_was_never_shown(any_room: World) -> None:
    """Of three that ran out one may stand in the channel: it is news of its own, the others one summary."""
    room = any_room
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence())
    room.slack.fails(HISTORY, RateLimited(after=3000))
    for memo in ("May stand", "Waits", "Waits too"):
        await room.agent.asks(memo=memo)
    await room.beats()
    await room.passes(seconds=2)
    await room.passes(minutes=15)
    for lane in ("@nadia", "#alerts"):
        summary, *others = (each for each in room.slack.in_channel(lane) if each.says("before"))
        assert summary.says("2 requests ended before their cards could be shown to anybody")
        assert others == []


async def test_accepted_and_never_answered_where_we_may_not_look(any_room: World) -> None:
    """Without the scope to read, a second card is posted rather than none, and both buttons work."""
    room = any_room
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence())
    room.slack.fails(HISTORY, Refuses("missing_scope"))
    asked = await room.agent.asks()
    await room.beats()
    await room.passes(seconds=2)
    first, second = cards(room)
    assert (await room.card(asked)).ts == second.ts
    await room.salma.clicks("Approve", on=first)
    assert await room.agent.state_of(asked) == "approved"
    await room.beats()
    assert second.says("Approved by")
    await room.khalid.clicks("Approve", on=first)
    await room.khalid.sees("Too late: your click changed nothing", in_="#finance")
    await room.beats()
    assert first.says("Approved by")
    assert not first.says('"Approve"')


async def test_a_card_in_doubt_that_we_may_not_look_for_is_mended_by_a_click(room: World) -> None:
    """It stands although the request was summarised: whoever clicks it hears the end, and sees it there."""
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence())
    room.slack.fails(HISTORY, Refuses("missing_scope"))
    asked = await room.agent.asks()
    await room.beats()
    await room.agent.cancels(asked)
    await room.passes(seconds=2)
    orphan, summary = cards(room)
    assert summary.says("1 request ended before its card could be shown to anybody")
    await room.salma.clicks("Approve", on=orphan)
    await room.salma.sees("Too late: your click changed nothing", in_="#finance")
    await room.beats()
    assert orphan.says("The agent took it back")
    assert not orphan.says('"Approve"')
    assert await room.agent.state_of(asked) == "cancelled"


async def test_a_twin_that_cannot_be_closed_ends_no_request(room: World) -> None:
    """Somebody deleted the second card at that moment: the first one stands, and can be decided."""
    room.house.listeners.slack.timeout = 1
    room.slack.fails(POST, AcceptThenSilence(), AcceptThenSilence())
    room.slack.fails("conversations.history", Refuses("missing_scope"))
    room.slack.fails("chat.update", Refuses("message_not_found"))
    asked = await room.agent.asks()
    for _ in range(3):
        await room.passes(seconds=4)
    assert await room.agent.state_of(asked) == "pending"
    await room.salma.clicks("Approve", on=await room.card(asked))
    assert await room.agent.state_of(asked) == "approved"
