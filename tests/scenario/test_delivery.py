"""Slack is a courier: it refuses, waits, loses, repeats and forgets; people are asked or told anyway."""

import asyncio
import json
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.harness.fake_faults import (
    AcceptThenSilence,
    Duplicated,
    Lost,
    RateLimited,
    Refuses,
    ServerError,
    Slow,
)
from tests.harness.fake_slack import Posted
from tests.scenario.agent import problem_of
from tests.scenario.rules import ANDON, MANIFEST, RUNBOOK, Change, changed
from tests.scenario.world import NOON, World

POST, UPDATE = "chat.postMessage", "chat.update"
#: What the log says of an outage, at its beginning and at its end.
OUTAGE = {"slack_is_away", "slack_is_back"}


def cards(room: World, channel: str = "#finance") -> list[Posted]:
    """Return what was posted in a channel outside of threads."""
    return [posted for posted in room.slack.in_channel(channel) if posted.thread is None]


def calls(room: World, method: str) -> int:
    return sum(call.method == method for call in room.slack.calls)


async def test_no_ts_not_asked(room: World) -> None:
    """A request is delivered when Slack confirms the card, and the record says where it stands."""
    asked = await room.agent.asks()
    assert await room.events("request.delivered") == []
    card = await room.card(asked)
    (delivered,) = await room.events("request.delivered")
    assert card.ts in delivered.data
    assert (delivered.actor, delivered.subject) == ("courier", asked["id"])


@pytest.mark.parametrize("error", ["is_archived", "channel_not_found", "not_in_channel", "restricted_action"])
async def test_a_channel_that_is_closed_to_us(room: World, error: str) -> None:
    """Where no waiting helps, it is undeliverable at once: agent, owner and alerts are told."""
    room.slack.fails(POST, Refuses(error))
    asked = await room.agent.asks()
    await room.beats()
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["grant"]) == ("undeliverable", None)
    assert settled["reason"] == f"Slack refused the card: {error}"
    assert settled["what_to_do_next"].startswith("Do not act. Nobody could be asked")
    await room.nadia.sees("could not reach anybody", in_="@nadia")
    await room.omar.sees("could not reach anybody", in_="#alerts")
    await room.passes(minutes=15)
    assert await room.agent.state_of(asked) == "undeliverable"


async def test_a_channel_that_does_not_exist(room: World) -> None:
    """A mistyped channel does the same, and the next request in another one is posted."""
    elsewhere = Change(ANDON, "directors: {members: [maryam, yusuf], channel: C02DIRECT}",
                       "directors: {members: [maryam, yusuf], channel: C99GONE}")  # fmt: skip
    await room.rules_become(changed(elsewhere))
    asked, other = await room.agent.asks(amount="7200.000"), await room.agent.asks()
    await room.beats()
    assert await room.agent.state_of(asked) == "undeliverable"
    assert len(cards(room)) == 1
    assert await room.agent.state_of(other) == "pending"


async def test_slack_asks_us_to_wait(any_room: World) -> None:
    """After a 429 nothing is posted before the time that Slack named, and the card is posted then."""
    room = any_room
    room.slack.fails(POST, RateLimited(after=30))
    asked = await room.agent.asks()
    await room.beats()
    await room.passes(seconds=29)
    assert (calls(room, POST), cards(room)) == (1, [])
    await room.passes(seconds=1)
    assert (calls(room, POST), len(cards(room))) == (2, 1)
    assert await room.agent.state_of(asked) == "pending"


async def test_slack_has_trouble(any_room: World) -> None:
    """After server errors it is tried again, later and later, until it works."""
    room = any_room
    room.slack.fails(POST, *[ServerError()] * 4)
    await room.agent.asks()
    tries: list[int] = []
    for second in range(40):
        await room.passes(seconds=1)
        if calls(room, POST) > len(tries):
            tries.append(second + 1)
    assert len(tries) == 5
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert waits == [2, 4, 8, 16]
    assert len(cards(room)) == 1


async def test_slack_is_down_until_the_deadline(room: World) -> None:
    """Nobody was ever asked: undeliverable, not timed out; owner and alerts hear of it once Slack is back."""
    room.expected |= OUTAGE
    room.slack.fails(POST, *[ServerError()] * 200)
    tried, untried = await room.agent.asks(), await room.agent.asks(memo="Behind it")
    await _every_minute(room, 15)
    settled = [await room.agent.sees(each) for each in (tried, untried)]
    assert [(each["state"], each["reason"]) for each in settled] == [
        # After a server error a message may stand all the same.
        ("undeliverable", "it is not known whether the card reached Slack before the deadline"),
        ("undeliverable", "the card never reached Slack before the deadline"),
    ]
    room.slack._faults[POST].clear()
    await _every_minute(room, 2)
    await room.nadia.sees("could not reach anybody", in_="@nadia")
    await room.omar.sees("could not reach anybody", in_="#alerts")


async def test_a_request_that_nobody_saw_can_be_asked_again(room: World) -> None:
    """What is said in the place of its card names it, and offers to ask again."""
    room.expected |= OUTAGE
    room.slack.fails(POST, *[ServerError()] * 200)
    asked = await room.agent.asks()
    await _every_minute(room, 15)
    room.slack._faults[POST].clear()
    await _every_minute(room, 2)
    (summary,) = cards(room)
    assert summary.says("1 request ended before its card could be shown to anybody")
    assert summary.says(asked["id"])
    await room.salma.clicks("Ask again: Post 61.500 OMR to the ledger", on=summary)
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    await room.salma.clicks("Approve", on=await room.card(new))
    assert await room.agent.state_of(new) == "approved"


async def test_a_late_card_still_counts(room: World) -> None:
    """Slack comes back a minute before the deadline: the card is posted, and a click decides."""
    room.expected |= OUTAGE
    room.slack.fails(POST, *[ServerError()] * 200)
    asked = await room.agent.asks()
    await _every_minute(room, 13)
    room.slack._faults[POST].clear()
    await _every_minute(room, 1)
    await room.salma.clicks("Approve", on=await room.card(asked))
    assert await room.agent.state_of(asked) == "approved"


async def test_a_revoked_token_is_no_consent(room: World) -> None:
    """While Slack refuses our token, cards wait; at the deadline nothing was done."""
    room.expected |= OUTAGE
    room.slack.fails(POST, *[Refuses("token_revoked")] * 200)
    asked = await room.agent.asks()
    await _every_minute(room, 15)
    assert await room.agent.state_of(asked) == "undeliverable"


async def _every_minute(room: World, minutes: int) -> None:
    for _ in range(minutes):
        await room.passes(minutes=1)


async def test_what_changed_while_slack_took_its_time_is_drawn(any_room: World) -> None:
    """The agent takes it back while the card is on its way: the card is brought up to date afterwards."""
    room = any_room
    room.slack.fails(POST, Slow(0.3))
    asked = await room.agent.asks()
    sending = asyncio.create_task(room.beats())
    await asyncio.sleep(0.1)
    await room.agent.cancels(asked)
    await sending
    assert (await room.card(asked)).says("The agent took it back")


async def test_a_lost_update_is_made_up_for(room: World) -> None:
    """Slack took the update and lost it: whoever clicks the old buttons finds the card as it should be."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    live = list(card.blocks)
    await room.salma.clicks("Approve", on=card)
    await room.beats()
    card.blocks = live
    await room.khalid.clicks("Approve", on=card)
    await room.beats()
    assert card.says("Approved by")
    assert not card.says('"Approve"')


async def test_an_old_click_leaves_the_edited_card_alone(room: World) -> None:
    """The card of an edited request shows the edit: a click on old buttons does not bring the old back."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    live = list(card.blocks)
    await room.salma.clicks("Edit", on=card)
    await room.salma.sees_modal("request:edited")
    await room.salma.fills("amount", "60.000").submits()
    await room.beats()
    edited, card.blocks = list(card.blocks), live
    await room.khalid.clicks("Reject", on=card)
    await room.khalid.sees("the edited request takes its place", in_="#finance")
    await room.beats()
    assert card.blocks == live
    assert "Approved with edits" in str(edited)
    card.blocks = edited


async def test_a_twin_card_cannot_approve_twice(room: World) -> None:
    """Slack posted the card twice: the same director on both is one approval."""
    room.slack.fails(POST, Duplicated())
    asked = await room.agent.asks(amount="7200.000")
    await room.beats()
    first, second = cards(room, "#directors")
    await room.maryam.clicks("Approve", on=first)
    await room.maryam.clicks("Approve", on=second)
    assert (await room.agent.sees(asked))["decided_by"] == ["maryam"]
    await room.yusuf.clicks("Approve", on=first)
    assert await room.agent.state_of(asked) == "approved"


async def test_a_lost_card_comes_back_at_half_time(any_room: World) -> None:
    """Slack acknowledged a card that nobody ever saw: with the reminder it is posted anew."""
    room = any_room
    room.slack.fails(POST, Lost())
    asked = await room.agent.asks()
    await room.beats()
    assert cards(room) == []
    await room.passes(minutes=7, seconds=30)
    (card,) = cards(room)
    assert [said.says("half of the time") for said in await room.thread(asked)] == [True]
    await room.salma.clicks("Approve", on=card)
    assert await room.agent.state_of(asked) == "approved"


async def test_a_deleted_card_is_posted_anew(any_room: World) -> None:
    """Somebody deleted the card: the next thing that happens to the request brings it back."""
    room = any_room
    asked = await room.agent.asks(amount="7200.000")
    card = await room.card(asked, in_="#directors")
    await room.maryam.clicks("Approve", on=card)
    room.slack.messages.remove(card)
    await room.beats()
    again = await room.card(asked, in_="#directors")
    assert again.ts != card.ts
    assert again.says("Approved by *Maryam Al Lawati*")
    await room.yusuf.clicks("Approve", on=again)
    assert await room.agent.state_of(asked) == "approved"
    assert len(await room.events("request.delivered")) == 2


async def test_a_card_deleted_after_the_decision_shows_the_outcome(room: World) -> None:
    """The outcome has to be seen: a settled request's card is posted anew as well."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.salma.clicks("Approve", on=card)
    room.slack.messages.remove(card)
    assert (await room.card(asked)).says("Approved by")


async def test_updates_are_drawn_together(any_room: World) -> None:
    """Three changes before the courier comes round are one update that shows the last."""
    room = any_room
    asked = await room.agent.asks(amount="7200.000")
    card = await room.card(asked, in_="#directors")
    await room.maryam.clicks("I am looking", on=card)
    await room.maryam.clicks("Approve", on=card)
    await room.yusuf.clicks("Approve", on=card)
    await room.beats()
    assert (card.edits, calls(room, UPDATE)) == (1, 1)
    assert card.says("Approved by *Maryam Al Lawati*")
    assert card.says("*Yusuf Al Riyami*")


async def test_what_changed_while_it_was_posted_is_drawn_again(room: World) -> None:
    """Cancelled while Slack was busy posting: the card that appears is corrected at once."""
    room.slack.fails(POST, Slow(0.2))
    asked = await room.agent.asks()
    ticking = asyncio.create_task(room.house.engine.tick())
    await asyncio.sleep(0.1)
    assert (await room.agent.cancels(asked)).status_code == 200
    await ticking
    assert (await room.card(asked)).says("The agent took it back")


async def test_an_update_that_is_refused_is_tried_again(room: World) -> None:
    """A rate limit on an update delays the outcome on the card, and loses nothing."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    room.slack.fails(UPDATE, RateLimited(after=5))
    await room.salma.clicks("Approve", on=card)
    await room.beats()
    assert not card.says("Approved by")
    await room.passes(seconds=5)
    assert card.says("Approved by")


async def test_one_lane_does_not_hold_up_another(room: World) -> None:
    """While #finance has to wait, #directors is posted."""
    room.slack.fails(POST, RateLimited(after=60))
    await room.agent.asks()
    await room.beats()
    large = await room.agent.asks(amount="7200.000")
    assert (await room.card(large, in_="#directors")).says("7200.000")
    assert cards(room) == []


async def test_a_thread_waits_for_its_card(room: World) -> None:
    """What is said in a thread is never said beside it: it waits until the card stands."""
    room.expected |= OUTAGE
    room.slack.fails(POST, *[ServerError()] * 200)
    await room.agent.asks()
    await _every_minute(room, 8)
    room.slack._faults[POST].clear()
    await _every_minute(room, 2)
    (card,) = cards(room)
    (said,) = [posted for posted in room.slack.in_channel("#finance") if posted.thread]
    assert said.thread == card.ts
    assert said.says("half of the time")


async def test_nothing_is_said_in_a_thread_that_never_was(room: World) -> None:
    """When the card could not be posted, its thread is given up, and the lane goes on."""
    room.slack.fails(POST, Refuses("is_archived"))
    asked = await room.agent.asks()
    await room.agent.cancels(asked, "never mind")
    await room.beats()
    other = await room.agent.asks(memo="next")
    assert (await room.card(other)).says("next")
    assert [posted for posted in room.slack.in_channel("#finance") if posted.thread] == []


async def test_an_owner_without_an_account_is_not_told_and_nothing_waits(room: World) -> None:
    """A direct message to somebody Slack does not know is given up; the alerts channel still hears."""
    room.slack.fails("conversations.open", Refuses("user_not_found"))
    asked = await room.agent.asks()
    await room.card(asked)
    await room.passes(minutes=15)
    await room.omar.sees("Nobody decided in time", in_="#alerts")
    assert room.slack.in_channel("@nadia") == []
    assert await room.agent.state_of(asked) == "timed_out"


async def test_an_owner_who_left_is_not_written_to(room: World) -> None:
    """Somebody who left the configuration has no account to write to; the lane is not blocked."""
    asked = await room.agent.asks()
    await room.card(asked)
    await room.rules_become(
        changed(
            Change(
                ANDON,
                "  nadia: {name: Nadia Al Kindi, slack: [U05NADIA]",
                "  omar: {name: Omar, slack: [U06OMAR]",
            ),
            Change(ANDON, "operators: [nadia, khalid]", "operators: [omar, khalid]"),
            Change(MANIFEST, "owner: nadia", "owner: omar"),
            Change(RUNBOOK, "nadia", "omar"),
        )
    )
    await room.passes(minutes=15)
    await room.omar.sees("Nobody decided in time", in_="#alerts")
    assert room.slack.in_channel("@nadia") == []
    assert await room.agent.state_of(asked) == "timed_out"


async def test_a_whisper_falls_back_to_a_direct_message(room: World) -> None:
    """Where an ephemeral cannot be shown, the answer comes directly."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    room.slack.fails("chat.postEphemeral", Refuses("user_not_in_channel"))
    await room.maryam.clicks("Approve", on=card)
    await room.maryam.sees("You are not an approver", in_="@maryam")


@pytest.mark.parametrize("fault", [Refuses("cannot_dm_bot"), ServerError(), RateLimited(after=1)])
async def test_a_courtesy_may_be_lost(room: World, fault: Refuses | ServerError | RateLimited) -> None:
    """An answer that Slack does not take is logged and given up; the refusal stands on the record."""
    room.expected.add("courtesy_refused")
    card = await room.card(await room.agent.asks())
    room.slack.fails("chat.postEphemeral", fault)
    room.slack.fails(POST, fault)
    assert (await room.maryam.clicks("Approve", on=card)).status == 200
    await room.beats()
    assert await room.maryam.misses("You are not an approver", in_="@maryam")
    assert await room.refusals() == [("person:maryam", "not_an_approver")]


async def test_a_modal_too_late_is_only_not_opened(room: World) -> None:
    """A trigger that expired opens nothing and breaks nothing."""
    room.expected.add("courtesy_refused")
    card = await room.card(await room.agent.asks())
    room.slack.fails("views.open", Refuses("expired_trigger_id"))
    assert (await room.salma.clicks("Edit", on=card)).status == 200
    await room.beats()
    assert room.salma.modal is None


async def test_a_courtesy_that_hangs_does_not_hold_up_the_click(room: World) -> None:
    """The acknowledgement does not wait for Slack to open a modal."""
    room.expected.add("courtesy_failed")
    room.house.listeners.slack.timeout = 1
    card = await room.card(await room.agent.asks())
    room.slack.fails("views.open", AcceptThenSilence())
    assert (await room.salma.clicks("Reject", on=card)).status == 200
    assert room.house.listeners._background


async def test_a_five_hour_outage(room: World) -> None:
    """Ten requests during five hours without Slack: each settled on time, none approved, all told once."""
    room.expected |= OUTAGE
    room.slack.fails(POST, *[ServerError()] * 5000)
    asked = []
    for hour in range(5):
        asked += [await room.agent.asks(memo=f"hour {hour}, {number}") for number in range(2)]
        await room.passes(hours=1)
    assert {await room.agent.state_of(one) for one in asked} == {"undeliverable"}
    room.slack._faults[POST].clear()
    for _ in range(3):
        await room.passes(minutes=1)
    (summary,) = cards(room)
    assert summary.says("10 requests ended before their cards could be shown to anybody")
    assert summary.says("and 5 more")
    for lane in ("@nadia", "#alerts"):
        (told,) = room.slack.in_channel(lane)
        assert told.says("10 requests ended before their cards could be shown to anybody")
    told_of = await room.events("messages.summarised")
    assert sorted(json.loads(event.data)["requests"] for event in told_of) == [10, 10, 10]


async def test_seals_are_noted_where_we_cannot_change_them(room: World) -> None:
    """With an audit channel, the head of the record is posted there: at once, then within five minutes."""
    await room.rules_become(changed(Change(ANDON, "alerts:", "audit: {channel: C04AUDIT}\nalerts:")))
    for minutes in range(12):
        await room.agent.asks(memo=f"minute {minutes}")
        await room.passes(minutes=1)
        await room.beats()
    noted = room.slack.in_channel("#audit")
    at = [int(posted.ts.partition(".")[0]) - int(NOON.timestamp()) for posted in noted]
    assert at == [60, 360, 660]
    assert noted[0].says("Seal of the record")
    async with room.store.read() as tx:
        seals = await tx.record.seals()
    assert any(noted[-1].says(f"head {seal.hash}") for seal in seals)


async def test_a_card_that_cannot_be_drawn_waits(room: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message that we cannot draw does not hold up the engine, is not lost, and is logged."""
    room.expected.add("message_not_drawn")
    broken = iter([True])
    presenter = type(room.house.listeners.presenter)
    draw = presenter.card

    def card(self, about, *, now):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  Presenter.card
        if next(broken, False):
            raise KeyError("no such colour")
        return draw(self, about, now=now)

    monkeypatch.setattr(presenter, "card", card)
    asked = await room.agent.asks()
    await room.beats()
    assert cards(room) == []
    await room.passes(seconds=2)
    assert (await room.card(asked)).says("61.500")


async def test_the_clock_is_the_databases(room: World) -> None:
    """A card drawn late shows the time of its deadline, not of its drawing."""
    room.slack.fails(POST, RateLimited(after=60))
    asked = await room.agent.asks()
    await room.beats()
    await room.passes(minutes=1)
    deadline = int((NOON + timedelta(minutes=15)).timestamp())
    assert (await room.card(asked)).says(f"<!date^{deadline}^")


async def test_a_claim_during_an_outage(room: World) -> None:
    """What was approved before Slack went away runs all the same: Slack only carries words."""
    asked = await room.approved()
    room.slack.fails(UPDATE, *[ServerError()] * 50)
    assert (await room.agent.claims(asked)).status_code == 200
    await room.beats()
    assert (await room.agent.reports(asked, "succeeded")).status_code == 200
    assert problem_of(await room.agent.claims(asked, attempt="two")) == (409, "grant-claimed")
    assert UPDATE in {call.method for call in room.slack.calls if call.error}
