"""People change the arguments: the edit is a new request, judged by the rules anew."""

from collections.abc import Mapping
from typing import Any

from bot.slack.render.block_kit.action_ids import EDITED
from tests.harness.fake_slack import Answer
from tests.scenario.rules import MANIFEST, Change, changed
from tests.scenario.world import World


async def edit(room: World, request: Mapping[str, Any], who: str = "salma", **values: str) -> Answer:
    """Let *who* open the form of *request*'s card, change *values* and submit it."""
    person = getattr(room, who)
    await person.clicks("Edit", on=await room.card(request))
    await person.sees_modal(EDITED)
    for label, value in values.items():
        person.fills(label, value)
    answer: Answer = await person.submits()
    await room.beats()
    return answer


async def test_an_edit_within_the_rule_is_approved_at_once(any_room: World) -> None:
    """The editor's approval counts for the edited request: superseded, followed, approved with edits."""
    room = any_room
    asked = await room.agent.asks()
    assert (await edit(room, asked, amount="60.000")).json == {}
    old = await room.agent.sees(asked)
    assert (old["state"], old["grant"], old["decided_by"]) == ("superseded", None, [])
    assert old["what_to_do_next"] == f"Follow {old['follow']}: a person edited the arguments."
    new = await room.agent.sees({"id": old["follow"]})
    assert (new["state"], new["decided_by"]) == ("approved_with_edits", ["salma"])
    assert new["action"]["arguments"] == {**asked["action"]["arguments"], "amount": "60.000"}
    assert new["digest"] != old["digest"]
    assert (await room.agent.claims(new, digest=old["digest"])).status_code == 409
    claimed = await room.agent.claims(new)
    assert claimed.json()["action"]["arguments"]["amount"] == "60.000"


async def test_the_card_turns_into_the_edited_one(room: World) -> None:
    """The same people look at the same place: one card, which shows who changed what."""
    asked = await room.agent.asks()
    await edit(room, asked, amount="60.000", memo="Courier, March")
    (card,) = [posted for posted in room.slack.in_channel("#finance") if posted.thread is None]
    assert card.says("Approved with edits")
    assert card.says("Edited by* Salma Al Harthi")
    assert card.says("61.500")
    assert card.says("60.000")
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    assert (await room.card(new)).ts == card.ts


async def test_an_edit_down_to_autonomy_still_needs_the_person(room: World) -> None:
    """A rule would allow the edited amount alone; it is approved because Salma did, not by the rule."""
    await room.rules_become(changed(Change(MANIFEST, " && confidence >= 0.95", "")))
    asked = await room.agent.asks()
    await edit(room, asked, amount="10.000")
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    assert (new["state"], new["decided_by"]) == ("approved_with_edits", ["salma"])
    assert new["policy"]["rule"] == "small"


async def test_how_sure_the_agent_was_does_not_carry_over(room: World) -> None:
    """The agent was sure of its own arguments, not of the edited ones: no rule may count on it for them."""
    asked = await room.agent.asks(confidence=0.99)
    await edit(room, asked, amount="10.000")
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    assert new["policy"]["rule"] == "manager"
    assert (await room.card(new)).says("nobody checked them")
    assert not (await room.card(new)).says("99% sure")


async def test_an_edit_up_goes_to_the_directors(any_room: World) -> None:
    """Beyond the managers' amount: their card says where it went, and two directors decide on a new card."""
    room = any_room
    asked = await room.agent.asks()
    await edit(room, asked, amount="6150.000")
    old = await room.agent.sees(asked)
    new = await room.agent.sees({"id": old["follow"]})
    assert (old["state"], new["state"], new["policy"]["rule"]) == ("superseded", "pending", "director")
    assert new["decided_by"] == []
    assert (await room.card(asked)).says("the edited request takes its place")
    card = await room.card(new, in_="#directors")
    await room.salma.clicks("Approve", on=card)
    await room.salma.sees("You are not an approver", in_="#directors")
    await room.maryam.clicks("Approve", on=card)
    await room.yusuf.clicks("Approve", on=await room.card(new, in_="#directors"))
    assert await room.agent.state_of(new) == "approved_with_edits"
    assert (await room.thread(asked))[0].says("The edited request takes its place")


async def test_an_edit_cannot_reach_what_a_rule_denies(room: World) -> None:
    """Where a rule denies the edited action, nothing changes and the form says which rule."""
    deny = Change(MANIFEST, "      - name: director\n        when: always\n        then: ask\n        "
                  "approvers: [directors]\n        quorum: 2\n        sla: 15m\n",
                  "      - name: never\n        when: always\n        then: deny\n")  # fmt: skip
    await room.rules_become(changed(deny))
    asked = await room.agent.asks()
    answer = await edit(room, asked, amount="6150.000")
    assert "A rule denies this" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("person:salma", "denied_by_rule")]


async def test_invalid_values_are_refused_beside_their_field(room: World) -> None:
    """What does not fit the schema keeps the form open; the message stands at the field, nothing changes."""
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal(EDITED)
    for amount in ("-5", "NaN", "Infinity", "1e9", "0", "61.5000", "61,5", "9999999999"):
        answer = await room.salma.fills("amount", amount).submits()
        assert list(answer.json["errors"]) == ["amount"], amount
    assert await room.agent.state_of(asked) == "pending"


async def test_an_edit_that_changes_nothing_is_refused(room: World) -> None:
    """Saving the form as it was is no approval."""
    asked = await room.agent.asks()
    answer = await edit(room, asked)
    assert "Nothing was edited" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("person:salma", "nothing_edited")]


async def test_what_is_settled_cannot_be_edited(room: World) -> None:
    """A form opened before somebody else approved changes nothing after, and says so."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.khalid.clicks("Edit", on=card)
    await room.khalid.sees_modal(EDITED)
    await room.salma.clicks("Approve", on=card)
    answer = await room.khalid.fills("amount", "60.000").submits()
    assert "Too late: your click changed nothing" in str(answer.json["view"])
    assert (await room.agent.sees(asked))["follow"] is None
    assert await room.refusals() == [("person:khalid", "already_settled")]


async def test_an_edit_past_the_deadline_is_refused(room: World) -> None:
    """A form that is submitted at the deadline itself is too late."""
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal(EDITED)
    room.clock.advance(minutes=15)
    answer = await room.salma.fills("amount", "60.000").submits()
    assert "Nobody decided in time" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "timed_out"


async def test_who_may_not_decide_may_not_edit(room: World) -> None:
    """A form taken over by a director is refused when it comes back."""
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal(EDITED)
    for who in ("maryam", "nadia", "omar"):
        person = getattr(room, who)
        room.slack.modals[person.user] = list(room.slack.modals[room.salma.user])
        answer = await person.fills("amount", "60.000").submits()
        assert "Nothing changed" in str(answer.json["view"]["title"])
    assert await room.agent.state_of(asked) == "pending"
    assert [reason for _, reason in await room.refusals()] == [
        "not_an_approver",
        "owner_may_not_decide",
        "unknown_person",
    ]


async def test_an_edit_under_a_stop_is_refused(room: World) -> None:
    """A form that comes back after somebody pulled the cord changes nothing."""
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal(EDITED)
    await room.khalid.types("/andon stop all audit")
    answer = await room.salma.fills("amount", "60.000").submits()
    assert "A stop ended it" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "killed"


async def test_an_edited_request_can_be_edited_again(room: World) -> None:
    """While the directors look at an edit, one of them edits it down: the agent follows to the last."""
    asked = await room.agent.asks()
    await edit(room, asked, amount="6150.000")
    second = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    card = await room.card(second, in_="#directors")
    await room.maryam.clicks("Edit", on=card)
    await room.maryam.sees_modal(EDITED)
    await room.maryam.fills("amount", "5999.000").submits()
    third = await room.agent.sees({"id": (await room.agent.sees(second))["follow"]})
    assert (third["state"], third["decided_by"]) == ("pending", ["maryam"])
    await room.yusuf.clicks("Approve", on=await room.card(third, in_="#directors"))
    assert await room.agent.state_of(third) == "approved_with_edits"


async def test_an_edit_of_what_the_manifest_lost_is_refused(room: World) -> None:
    """When the action type has left the manifest meanwhile, the form cannot bring it back."""
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal(EDITED)
    await room.rules_become(changed(Change(MANIFEST, "ledger.post:", "ledger.write:")))
    answer = await room.salma.fills("amount", "60.000").submits()
    assert answer.json["view"]["title"]["text"] == "Nothing changed"
    assert await room.agent.state_of(asked) == "pending"


async def test_a_form_about_nothing_is_refused(room: World) -> None:
    """A form whose request never was, or is a question, says so and changes nothing."""
    asked = await room.agent.asks()
    wondered = await room.agent.wonders("Which?", "A", "B")
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal(EDITED)
    for id_ in ("req_none", wondered["id"]):
        room.slack.modals[room.salma.user][-1]["private_metadata"] = id_
        room.slack.modals[room.khalid.user] = [dict(room.slack.modals[room.salma.user][-1])]
        answer = await room.khalid.submits()
        assert answer.json["view"]["title"]["text"] == "Nothing changed"
    assert await room.agent.state_of(wondered) == "pending"
    assert [actor for actor, _ in await room.refusals()] == ["person:khalid"] * 2
