"""Clicks that come too late are answered politely, and offer to ask again."""

from datetime import timedelta
from typing import Any

from tests.harness.fake_slack import Posted
from tests.scenario.agent import problem_of
from tests.scenario.rules import MANIFEST, RUNBOOK, Change, changed
from tests.scenario.world import NOON, World

WHY = "Why? The agent reads this and does better."


async def timed_out(room: World, **changes: Any) -> tuple[dict[str, Any], Posted]:
    """Return a request that nobody answered, and its card."""
    asked = await room.agent.asks(**changes)
    await room.card(asked)
    await room.passes(minutes=15)
    return asked, await room.card(asked)


async def test_the_deadline_itself_is_too_late(any_room: World) -> None:
    """At the very deadline, before the engine came round, a click finds what everybody will find."""
    room = any_room
    asked = await room.agent.asks()
    card = await room.card(asked)
    room.clock.at = NOON + timedelta(minutes=15)
    await room.salma.clicks("Approve", on=card)
    late = await room.salma.sees("Nobody decided in time", in_="#finance")
    assert late.only_for == room.salma.user
    assert late.says("Ask again")
    assert await room.agent.state_of(asked) == "timed_out"
    assert await room.refusals() == [("person:salma", "already_settled")]
    assert [(event.name.value, event.actor) for event in (await room.events())[-2:]] == [
        ("request.timed_out", "clock"),
        ("ingress.refused", "person:salma"),
    ]
    await room.beats()
    assert len(await room.events("request.timed_out")) == 1
    await room.salma.clicks("Ask again", on=late)
    assert (await room.agent.sees(asked))["follow"] is not None


async def test_asked_again_before_the_engine_came_round(any_room: World) -> None:
    """The offer that the late form made between deadline and beat holds."""
    room = any_room
    asked = await room.agent.asks()
    card = await room.card(asked)
    room.clock.at = NOON + timedelta(minutes=15)
    await room.salma.clicks("Reject", on=card)
    await room.salma.clicks("Ask again", on=await room.salma.sees("The deadline has passed", in_="#finance"))
    old = await room.agent.sees(asked)
    assert (old["state"], await room.agent.state_of({"id": old["follow"]})) == ("timed_out", "pending")
    assert await room.refusals() == [("person:salma", "past_deadline")]


async def test_the_agent_cannot_take_back_what_timed_out(any_room: World) -> None:
    """At the deadline it is the clock's: the agent that cancels is told how it ended."""
    room = any_room
    asked = await room.agent.asks()
    await room.card(asked)
    room.clock.at = NOON + timedelta(minutes=15)
    refused = await room.agent.cancels(asked)
    assert problem_of(refused) == (409, "already-settled")
    assert await room.agent.state_of(asked) == "timed_out"


async def test_after_the_tick_it_is_settled(room: World) -> None:
    """The same click after the engine came round hears that it is settled, with the same offer."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    stale = list(card.blocks)
    await room.passes(minutes=15)
    card.blocks = stale
    await room.salma.clicks("Approve", on=card)
    late = await room.salma.sees("Too late: your click changed nothing", in_="#finance")
    assert late.says("Nobody decided in time")
    assert late.says("Ask again")
    await room.salma.clicks("Ask again", on=late)
    assert (await room.agent.sees(asked))["follow"] is not None


async def test_a_late_form_is_refused(room: World) -> None:
    """A reason typed past the deadline rejects nothing; the form says how it ended."""
    asked = await room.agent.asks()
    await room.salma.clicks("Reject", on=await room.card(asked))
    await room.salma.sees_modal("One rejection is final")
    room.clock.advance(minutes=15)
    answer = await room.salma.fills(WHY, "No").submits()
    assert "Nobody decided in time" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "timed_out"


async def test_late_forms_are_not_even_opened(room: World) -> None:
    """Past the deadline the forms of the old card are not opened; asking again is offered instead."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    room.clock.advance(minutes=15)
    for label in ("Edit", "Reject"):
        await room.salma.clicks(label, on=card)
        assert (await room.salma.sees("The deadline has passed", in_="#finance")).says("Ask again")
    assert room.salma.modal is None
    await room.salma.clicks("Full arguments", on=card)
    await room.salma.sees_modal("Courier")


async def test_asked_again_with_one_click(any_room: World) -> None:
    """The timed-out card offers it; the agent follows to a new request with a new deadline."""
    room = any_room
    asked, card = await timed_out(room)
    await room.salma.clicks("Ask again", on=card)
    old = await room.agent.sees(asked)
    assert old["state"] == "timed_out"
    assert old["what_to_do_next"].endswith(f"A person asked again since: follow {old['follow']}.")
    new = await room.agent.sees({"id": old["follow"]})
    assert (new["state"], new["deadline"]) == ("pending", "2026-11-16T12:30:00Z")
    assert new["action"] == asked["action"]
    again = await room.card(new)
    assert again.ts != card.ts
    assert again.says("Asked again* after")
    assert (await room.card(asked)).says("It was asked again as")
    await room.khalid.clicks("Approve", on=again)
    assert await room.agent.state_of(new) == "approved"
    assert (await room.agent.sees(asked))["grant"] is None


async def test_asked_again_once(any_room: World) -> None:
    """A second "Ask again" for the same card is refused and leads nowhere new."""
    room = any_room
    asked, card = await timed_out(room)
    stale = list(card.blocks)
    await room.salma.clicks("Ask again", on=card)
    follow = (await room.agent.sees(asked))["follow"]
    await room.beats()
    assert not (await room.card(asked)).says('Ask again"')
    card.blocks = stale
    await room.khalid.clicks("Ask again", on=card)
    await room.khalid.sees("This was asked again already", in_="#finance")
    assert (await room.agent.sees(asked))["follow"] == follow
    assert await room.refusals() == [("person:khalid", "already_asked_again")]


async def test_only_who_may_decide_may_ask_again(room: World) -> None:
    """Strangers, others' approvers and the owner cannot have it asked again."""
    asked, card = await timed_out(room)
    for person in (room.omar, room.maryam, room.nadia):
        await person.clicks("Ask again", on=card)
    await room.beats()
    assert (await room.agent.sees(asked))["follow"] is None
    assert [reason for _, reason in await room.refusals()] == [
        "unknown_person",
        "not_an_approver",
        "owner_may_not_decide",
    ]


async def test_what_was_rejected_is_not_asked_again(room: World) -> None:
    """Only what nobody answered may be asked again: a forged click on a rejected one is refused."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.salma.clicks("Reject", on=card)
    await room.salma.sees_modal("One rejection is final")
    await room.salma.fills(WHY, "No").submits()
    forged = {"type": "button", "action_id": "request:ask_again", "value": asked["id"]}
    await room.salma.forges(forged, on=card)
    await room.salma.sees("Only a request that nobody answered", in_="#finance")
    assert (await room.agent.sees(asked))["follow"] is None


async def test_asking_again_obeys_a_stop(room: World) -> None:
    """Under a stop nothing is asked again; after the resume it is."""
    asked, card = await timed_out(room)
    await room.salma.types("/andon stop agent:bank-reconciliation audit")
    await room.khalid.clicks("Ask again", on=card)
    await room.khalid.sees("Stopped: nothing new starts", in_="#finance")
    assert (await room.agent.sees(asked))["follow"] is None
    await room.beats()
    await room.khalid.types("/andon resume agent:bank-reconciliation")
    await room.khalid.clicks("Ask again", on=card)
    assert (await room.agent.sees(asked))["follow"] is not None


async def test_asking_again_obeys_the_rules_of_today(room: World) -> None:
    """What a rule denies since is not asked again, and what an agent that is gone asked is not either."""
    _, card = await timed_out(room)
    await room.rules_become(changed(Change(MANIFEST, "ledger.post:", "ledger.write:")))
    await room.salma.clicks("Ask again", on=card)
    await room.salma.sees("The rules changed since", in_="#finance")
    await room.rules_become(
        changed(
            Change(MANIFEST, "agent: bank-reconciliation", "agent: other"),
            Change(RUNBOOK, "[bank-reconciliation]", "[other]"),
        )
    )
    await room.salma.clicks("Ask again", on=card)
    await room.salma.sees("The rules changed since", in_="#finance")
    assert [reason for _, reason in await room.refusals()] == ["rules_changed"] * 2


async def test_asking_again_never_lets_a_rule_decide_alone(room: World) -> None:
    """Though a rule would allow it alone by now, people are asked: they are who had it asked again."""
    asked, card = await timed_out(room)
    loose = Change(MANIFEST, '< decimal("50")\n', '< decimal("100")\n')
    sure = Change(MANIFEST, "confidence >= 0.95", "confidence >= 0.0")
    await room.rules_become(changed(loose, sure))
    await room.salma.clicks("Ask again", on=card)
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    assert (new["state"], new["policy"]["rule"]) == ("pending", "small")
    await room.khalid.clicks("Approve", on=await room.card(new))
    assert (await room.agent.sees(new))["decided_by"] == ["khalid"]


async def test_an_edited_request_that_timed_out_is_asked_again_as_edited(room: World) -> None:
    """The edit survives: what is asked again is the edited action, still marked as edited when approved."""
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal("request:edited")
    await room.salma.fills("amount", "6150.000").submits()
    await room.salma.submits()  # having read that directors decide
    edited = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    await room.card(edited, in_="#directors")
    await room.passes(minutes=15)
    await room.maryam.clicks("Ask again", on=await room.card(edited, in_="#directors"))
    again = await room.agent.sees({"id": (await room.agent.sees(edited))["follow"]})
    assert again["action"]["arguments"]["amount"] == "6150.000"
    for person in (room.maryam, room.yusuf):
        await person.clicks("Approve", on=await room.card(again, in_="#directors"))
    assert await room.agent.state_of(again) == "approved_with_edits"


async def test_a_question_is_asked_again(room: World) -> None:
    """A question nobody answered can be asked again and answered then."""
    asked = await room.agent.wonders("Whose?", "Al Wadi")
    await room.card(asked)
    await room.passes(minutes=15)
    await room.salma.clicks("Ask again", on=await room.card(asked))
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    await room.salma.clicks("Al Wadi", on=await room.card(new))
    assert (await room.agent.sees(new))["answer"] == "Al Wadi"


async def test_the_same_click_asks_again_once(room: World) -> None:
    """The very same signed click, taken by two replicas, makes one new request."""
    asked, card = await timed_out(room)
    room.delivers_twice()
    await room.salma.clicks("Ask again", on=card)
    assert len(await room.events("request.asked")) == 2
    assert (await room.agent.sees(asked))["follow"] is not None


async def test_a_second_tap_is_told_that_the_first_counted(any_room: World) -> None:
    """Who taps Approve twice has approved, and is told so with what became of it; once is on the record."""
    room = any_room
    asked = await room.agent.asks()
    card = await room.card(asked)
    stale = list(card.blocks)
    await room.salma.clicks("Approve", on=card)
    room.clock.advance(seconds=2)
    await room.salma.clicks("Approve", on=card)
    told = await room.salma.sees("You approved this a moment ago: Post 61.500 OMR", in_="#finance")
    assert told.only_for == room.salma.user
    assert told.says("bank-reconciliation may do it once")
    assert not told.says("Too late")
    assert len((await room.agent.sees(asked))["decided_by"]) == 1
    card.blocks = stale
    room.clock.advance(minutes=5)
    await room.salma.clicks("Approve", on=card)
    await room.salma.sees("already: Post 61.500 OMR", in_="#finance")


async def test_a_second_tap_on_an_answer(room: World) -> None:
    """The same option again is a second tap; another option came too late."""
    asked = await room.agent.wonders("Whose?", "Al Wadi", "Al Noor")
    card = await room.card(asked)
    stale = list(card.blocks)
    await room.salma.clicks("Al Wadi", on=card)
    await room.salma.clicks("Al Wadi", on=card)
    await room.salma.sees("You answered this a moment ago", in_="#finance")
    await room.beats()
    card.blocks = stale
    await room.salma.clicks("Al Noor", on=card)
    await room.salma.sees("Too late: your click changed nothing", in_="#finance")
    assert (await room.agent.sees(asked))["answer"] == "Al Wadi"


async def test_what_somebody_else_decided_is_no_second_tap(room: World) -> None:
    """Only who decided it is told that they did: anybody else came too late."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.salma.clicks("Approve", on=card)
    await room.khalid.clicks("Approve", on=card)
    await room.khalid.sees("Too late: your click changed nothing", in_="#finance")
    assert await room.khalid.misses("a moment ago", in_="#finance")
