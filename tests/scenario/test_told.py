"""Those who may decide hear of it, and what they are told is true when it reaches them."""

from typing import Any

from bot.slack.permalinks import Permalinks
from escalation.ids import RequestId
from escalation.ports import Card
from tests.harness.fake_faults import Refuses, ServerError
from tests.harness.fake_slack import Posted
from tests.scenario.agent import LARGE
from tests.scenario.rules import ANDON, Change, changed
from tests.scenario.world import World, world

YUSUF_DIRECT = Change(
    ANDON, "slack: [U04YUSUF], time_zone: Asia/Muscat}", "slack: [U04YUSUF], notify: direct}"
)
SALMA_OWNS = Change("agents/bank_reconciliation/manifest.yaml", "owner: nadia", "owner: salma")


def link(card: Posted) -> str:
    return f"https://andon.slack.example/archives/{card.channel}/p{card.ts.replace('.', '')}"


def direct(room: World, person: str) -> list[Posted]:
    return room.slack.in_channel(f"@{person}")


async def test_the_card_and_its_reminder_call_who_may_decide(any_room: World) -> None:
    """Both managers are mentioned when it is asked and at half-time; nobody gets a direct message."""
    room = any_room
    asked = await room.agent.asks()
    assert (await room.card(asked)).says("<@U02KHALID> and <@U01SALMA>: decide by")
    await room.passes(minutes=8)
    (reminder,) = await room.thread(asked)
    assert reminder.says("<@U02KHALID> and <@U01SALMA>: half of the time is over. Nobody has decided yet.")
    assert [direct(room, name) for name in ("salma", "khalid")] == [[], []]


async def test_the_owner_is_not_called() -> None:
    """Salma is in the team and owns the agent: Khalid alone is asked."""
    async with world(loaded=changed(SALMA_OWNS)) as room:
        card = await room.card(await room.agent.asks())
        assert card.says("<@U02KHALID>: decide by")
        assert not card.says("<@U01SALMA>")


async def test_who_wants_direct_messages_gets_them() -> None:
    """Yusuf is named on the card, and told directly: once asked, once one approved, and at half-time."""
    async with world(loaded=changed(YUSUF_DIRECT)) as room:
        asked = await room.agent.asks(**LARGE)
        card = await room.card(asked, in_="#directors")
        assert card.says("<@U03MARYAM> and Yusuf Al Riyami: decide by")
        (first,) = direct(room, "yusuf")
        assert first.says("waits for your decision.")
        assert first.says("Nobody has decided yet.")
        assert first.says(f"<{link(card)}|See the card>")
        assert direct(room, "maryam") == []
        await room.maryam.clicks("Approve", on=card)
        await room.beats()
        assert direct(room, "yusuf")[1].says("Approved by *Maryam Al Lawati*. *One more approval is needed.*")
        await room.passes(minutes=8)
        assert direct(room, "yusuf")[2].says("needed.* Half of the time is over.")
        await room.yusuf.clicks("Open to decide", on=direct(room, "yusuf")[2])
        await room.beats()
        assert (await room.yusuf.submits()).status == 200
        assert await room.agent.state_of(asked) == "approved"


async def test_who_approved_is_not_asked_directly_again() -> None:
    """Yusuf approved: neither the second ask nor the reminder goes to him."""
    async with world(loaded=changed(YUSUF_DIRECT)) as room:
        asked = await room.agent.asks(**LARGE)
        await room.yusuf.clicks("Approve", on=await room.card(asked, in_="#directors"))
        await room.passes(minutes=8)
        assert len(direct(room, "yusuf")) == 1
        thread = await room.thread(asked, in_="#directors")
        assert [note.says("<@U03MARYAM>") for note in thread] == [True, True]
        assert thread[1].says("Approved by *Yusuf Al Riyami*.")


async def test_a_message_that_was_held_up_says_how_things_stand_now() -> None:
    """Slack takes the direct message only after Maryam approved: it never says that nobody decided."""
    async with world(loaded=changed(YUSUF_DIRECT)) as room:
        room.slack.fails("conversations.open", Refuses("internal_error"))
        asked = await room.agent.asks(**LARGE)
        card = await room.card(asked, in_="#directors")
        assert direct(room, "yusuf") == []
        room.expected.add("slack_refused_message")
        await room.maryam.clicks("Approve", on=card)
        await room.passes(minutes=1)
        assert all(told.says("Approved by *Maryam Al Lawati*.") for told in direct(room, "yusuf"))
        assert not any(told.says("Nobody") for told in direct(room, "yusuf"))
        assert direct(room, "yusuf")


async def test_the_workspaces_address_is_asked_for_until_slack_tells(room: World) -> None:
    """Slack was away while we started: links come with the first message after that, by one more call."""
    links, client, card = Permalinks(), room.house.listeners.slack, await room.card(await room.agent.asks())
    place = Card(request=RequestId("req_1"), channel=card.channel, ts=card.ts)
    room.slack.fails("auth.test", ServerError())
    await links.learn(client)
    assert links.of(place) is None
    before = len(room.slack.calls)
    await links.learn(client)
    await links.learn(client)
    assert links.of(place) == link(card)
    assert len(room.slack.calls) == before + 1


async def test_alarms_lead_to_the_card(room: World) -> None:
    """The backup's call, the owner's and the operators' alarm carry the card's address."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.passes(minutes=12)
    await room.passes(minutes=3)
    told: list[Any] = [*direct(room, "khalid"), *direct(room, "nadia"), *room.slack.in_channel("#alerts")]
    assert len(told) == 3
    assert all(each.says(f"<{link(card)}|See the card>") for each in told)
    assert not any(note.says("See the card") for note in await room.thread(asked))


async def test_home_and_queue_lead_to_the_card(room: World) -> None:
    """Every row about a request carries its card's address: what waits, and what I decided."""
    decided = await room.approved(statement_ref="FT0")
    asked = await room.agent.asks()
    first, card = await room.card(decided), await room.card(asked)
    await room.salma.opens_home()
    await room.beats()
    home = str(room.slack.homes["U01SALMA"])
    assert link(card) in home
    assert link(first) in home
    await room.salma.types("/andon queue")
    await room.beats()
    assert link(card) in str([posted.blocks for posted in room.slack.messages if posted.only_for])
