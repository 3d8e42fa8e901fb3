"""More than one person has to approve, each is one person, and the agent's owner is none of them."""

from typing import Any

from tests.scenario.agent import LARGE
from tests.scenario.rules import ANDON, MANIFEST, RUNBOOK, Change, changed
from tests.scenario.world import World, world

TWO_ACCOUNTS = Change(ANDON, "slack: [U03MARYAM]", "slack: [U03MARYAM, W07MARYAM]")
OWNER_IS_MANAGER = Change(
    ANDON, "finance-managers: {members: [salma, khalid]", "finance-managers: {members: [salma, khalid, nadia]"
)


async def directors(room: World, asked: dict[str, Any]) -> Any:
    return await room.card(asked, in_="#directors")


async def test_two_directors_approve(any_room: World) -> None:
    """One approval is not enough; the second, by somebody else, is."""
    room = any_room
    asked = await room.agent.asks(**LARGE)
    await room.maryam.clicks("Approve", on=await directors(room, asked))
    halfway = await room.agent.sees(asked)
    assert (halfway["state"], halfway["decided_by"], halfway["grant"]) == ("pending", ["maryam"], None)
    card = await directors(room, asked)
    assert card.says("Approved by *Maryam Al Lawati*. *One more approval is needed.*")
    assert (await room.thread(asked, in_="#directors"))[0].says("One more approval is needed")
    await room.yusuf.clicks("Approve", on=card)
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["decided_by"]) == ("approved", ["maryam", "yusuf"])
    assert settled["grant"]["state"] == "granted"


async def test_the_same_person_does_not_count_twice(any_room: World) -> None:
    """A second click by the one who approved is refused, and says that somebody else is needed."""
    room = any_room
    asked = await room.agent.asks(**LARGE)
    card = await directors(room, asked)
    await room.maryam.clicks("Approve", on=card)
    await room.maryam.clicks("Approve", on=card)
    await room.maryam.sees("a second approver is needed", in_="#directors")
    assert (await room.agent.sees(asked))["decided_by"] == ["maryam"]
    assert await room.refusals() == [("person:maryam", "already_decided_by_you")]


async def test_a_second_account_is_no_second_person() -> None:
    """Maryam's other account is Maryam."""
    async with world(loaded=changed(TWO_ACCOUNTS)) as room:
        asked = await room.agent.asks(**LARGE)
        card = await directors(room, asked)
        await room.maryam.clicks("Approve", on=card)
        await room.maryams_phone.clicks("Approve", on=card)
        await room.maryams_phone.sees("a second approver is needed", in_="#directors")
        settled = await room.agent.sees(asked)
        assert (settled["state"], settled["decided_by"]) == ("pending", ["maryam"])


async def test_one_rejection_is_final(room: World) -> None:
    """After one approval, the other director's rejection ends it, and no further approval revives it."""
    asked = await room.agent.asks(**LARGE)
    card = await directors(room, asked)
    stale = list(card.blocks)
    await room.maryam.clicks("Approve", on=card)
    await room.yusuf.clicks("Reject", on=await directors(room, asked))
    await room.yusuf.sees_modal("One rejection is final")
    await room.yusuf.fills("Why? The agent reads this and does better.", "Split it by month").submits()
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["reason"], settled["grant"]) == ("rejected", "Split it by month", None)
    await room.beats()
    card.blocks = stale
    await room.maryam.clicks("Approve", on=card)
    await room.maryam.sees("Too late: your click changed nothing", in_="#directors")


async def test_who_approved_may_change_their_mind(room: World) -> None:
    """Until the quorum is met, the one who approved may still reject."""
    asked = await room.agent.asks(**LARGE)
    await room.maryam.clicks("Approve", on=await directors(room, asked))
    await room.maryam.clicks("Reject", on=await directors(room, asked))
    await room.maryam.sees_modal("One rejection is final")
    await room.maryam.fills("Why? The agent reads this and does better.", "Wrong month").submits()
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["decided_by"]) == ("rejected", ["maryam", "maryam"])


async def test_the_owner_never_decides() -> None:
    """Nadia owns the agent: though she is in the team, she is told that somebody else has to decide."""
    async with world(loaded=changed(OWNER_IS_MANAGER)) as room:
        asked = await room.agent.asks()
        card = await room.card(asked)
        await room.nadia.clicks("Approve", on=card)
        await room.nadia.sees("You own this agent", in_="#finance")
        await room.nadia.clicks("I am looking", on=card)
        await room.nadia.clicks("Reject", on=card)
        await room.beats()
        assert room.nadia.modal is None
        settled = await room.agent.sees(asked)
        assert (settled["state"], settled["decided_by"]) == ("pending", [])
        assert await room.refusals() == [("person:nadia", "owner_may_not_decide")] * 3


async def test_half_an_approval_is_none_at_the_deadline(room: World) -> None:
    """One approval of two when the time is over: it timed out, and nothing is granted."""
    asked = await room.agent.asks(**LARGE)
    await room.maryam.clicks("Approve", on=await directors(room, asked))
    await room.passes(minutes=15)
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["grant"]) == ("timed_out", None)


async def test_a_member_who_left_meanwhile_may_not_decide(room: World) -> None:
    """Who was taken out of the team after the card was posted is refused: the click is judged now."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.rules_become(
        changed(
            Change(
                ANDON, "finance-managers: {members: [salma, khalid]", "finance-managers: {members: [khalid]"
            )
        )
    )
    await room.salma.clicks("Approve", on=card)
    await room.salma.sees("You are not an approver", in_="#finance")
    await room.khalid.clicks("Approve", on=card)
    assert (await room.agent.sees(asked))["decided_by"] == ["khalid"]


async def test_stricter_rules_hold_for_what_is_pending(room: World) -> None:
    """Two managers are needed since: one approval of what was asked under the old rule is too few."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.rules_become(
        changed(
            Change(
                MANIFEST,
                "approvers: [finance-managers]\n        quorum: 1",
                "approvers: [finance-managers]\n        quorum: 2",
            )
        )
    )
    await room.salma.clicks("Approve", on=card)
    assert await room.agent.state_of(asked) == "pending"
    assert (await room.thread(asked))[0].says("One more approval is needed")
    await room.khalid.clicks("Approve", on=card)
    assert await room.agent.state_of(asked) == "approved"


async def test_looser_rules_change_nothing_for_what_is_pending(room: World) -> None:
    """What two directors were asked stays with two directors when the rule asks for one manager since."""
    asked = await room.agent.asks(**LARGE)
    card = await directors(room, asked)
    await room.rules_become(changed(Change(MANIFEST, 'decimal("5000")', 'decimal("9000")')))
    await room.salma.clicks("Approve", on=card)
    await room.salma.sees("You are not an approver", in_="#directors")
    await room.maryam.clicks("Approve", on=card)
    await room.maryam.sees("You are not an approver", in_="#directors")
    assert await room.agent.state_of(asked) == "pending"


async def test_a_card_goes_by_the_rules_of_today(room: World) -> None:
    """When the rule asks for more people since, card, thread and refusals say so, all the same."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    one = "approvers: [finance-managers]\n        quorum: "
    await room.rules_become(changed(Change(MANIFEST, f"{one}1", f"{one}2")))
    await room.salma.clicks("Approve", on=card)
    assert (await room.thread(asked))[0].says("One more approval is needed")
    half = await room.card(asked)
    assert half.says("One more approval is needed")
    assert half.says("2 different people have to approve")


async def test_who_may_decide_no_more_is_not_named(room: World) -> None:
    """Rules that ask others since: Salma is refused, and is not told that it is up to her."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.rules_become(changed(Change(MANIFEST, "approvers: [finance-managers]", "approvers: [khalid]")))
    await room.salma.clicks("Approve", on=card)
    assert (await room.salma.sees("You are not an approver", in_="#finance")).says("It is up to: Khalid")
    assert not (await room.salma.sees("You are not an approver", in_="#finance")).says("Salma")


async def test_an_approver_who_left_is_counted_no_more(room: World) -> None:
    """Maryam approves and leaves: after Yusuf's approval one is still missing, and that is what is said."""
    asked = await room.agent.asks(**LARGE)
    await room.maryam.clicks("Approve", on=await directors(room, asked))
    left = Change(ANDON, "directors: {members: [maryam, yusuf]", "directors: {members: [yusuf, khalid]")
    await room.rules_become(changed(left))
    await room.yusuf.clicks("Approve", on=await directors(room, asked))
    assert await room.agent.state_of(asked) == "pending"
    await room.beats()
    thread = await room.thread(asked, in_="#directors")
    assert thread[-1].says("One more approval is needed")


async def test_rules_that_deny_it_since_let_nobody_approve(room: World) -> None:
    """A rule that denies the action since makes every approval fail; a person can see why."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.rules_become(changed(Change(MANIFEST, "ledger.post:", "ledger.write:")))
    await room.salma.clicks("Approve", on=card)
    await room.salma.sees("The rules changed since this was asked", in_="#finance")
    assert await room.agent.state_of(asked) == "pending"
    await room.salma.types("/andon queue")
    await room.salma.sees("1 request waits", in_="@salma")
    await room.passes(minutes=8)
    denied = await room.card(asked)
    assert denied.says("it can only be rejected")
    assert not denied.says('"Approve"')
    await room.salma.clicks("Reject", on=denied)
    await room.salma.sees_modal("One rejection is final")
    await room.salma.fills("Why? The agent reads this and does better.", "Not any more").submits()
    assert await room.agent.state_of(asked) == "rejected"


async def test_an_agent_that_is_gone_gets_nothing_approved(room: World) -> None:
    """When its manifest is gone, what the agent asked before cannot be approved any more."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.rules_become(
        changed(
            Change(MANIFEST, "agent: bank-reconciliation", "agent: bank-reconciler"),
            Change(RUNBOOK, "[bank-reconciliation]", "[bank-reconciler]"),
        )
    )
    await room.salma.clicks("Approve", on=card)
    await room.salma.sees("The rules changed since", in_="#finance")
    await room.salma.clicks("Edit", on=card)
    await room.salma.sees("The rules changed since", in_="#finance")
    assert (await room.agent.gets(f"/v1/requests/{asked['id']}")).status_code == 401
    await room.passes(minutes=15)
    assert [event.subject for event in await room.events("request.timed_out")] == [asked["id"]]
