"""People change the arguments: the edit is a new request, judged by the rules anew."""

import json
from collections.abc import Mapping
from typing import Any

from bot.slack.render.block_kit.action_ids import EDITED
from escalation.audit import EventName
from tests.harness.fake_slack import Answer, Posted
from tests.scenario.rules import ANDON, MANIFEST, Change, changed
from tests.scenario.world import World

MANAGERS = "        approvers: [finance-managers]\n        quorum: 1\n"
DIRECTORS = "        approvers: [directors]\n        quorum: 2\n"
ANOTHER_PERSON = changed(Change(MANIFEST, MANAGERS, MANAGERS + "        edits: another_person\n"))
FORBIDDEN = changed(Change(MANIFEST, MANAGERS, MANAGERS + "        edits: forbidden\n"))
THREE_DIRECTORS = changed(
    Change(ANDON, "directors: {members: [maryam, yusuf]", "directors: {members: [maryam, yusuf, khalid]")
)


async def edit(room: World, request: Mapping[str, Any], who: str = "salma", **values: str) -> Answer:
    """Let *who* open the form of *request*'s card, change *values* and submit it, to others if need be."""
    person = getattr(room, who)
    await person.clicks("Edit", on=await room.card(request))
    await person.sees_modal(EDITED)
    for label, value in values.items():
        person.fills(label, value)
    answer: Answer = await person.submits()
    if "Your own approval does not count" in str(answer.json):
        answer = await person.submits()
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


def _address(posted: Posted) -> str:
    return f"/archives/{posted.channel}/p{posted.ts.replace('.', '')}"


async def test_the_old_card_and_the_new_one_lead_to_each_other(any_room: World) -> None:
    """Who finds the card of what was edited is led to the one that counts, and from there back."""
    room = any_room
    asked = await room.agent.asks()
    await edit(room, asked, amount="6150.000")
    follow = (await room.agent.sees(asked))["follow"]
    await room.beats()
    old, new = await room.card(asked), await room.card({"id": follow}, in_="#directors")
    assert old.says(f"{_address(new)}|the edited request>")
    assert new.says(f"{_address(old)}|As the agent asked it>")


async def test_a_card_that_was_taken_over_does_not_lead_to_itself(room: World) -> None:
    """Where the same people decide, the edit stands on the card that was there, without a link to it."""
    asked = await room.agent.asks()
    await edit(room, asked, amount="60.000")
    card = await room.card({"id": (await room.agent.sees(asked))["follow"]})
    assert not card.says("/archives/")


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
    await room.rules_become(THREE_DIRECTORS)
    asked = await room.agent.asks()
    await edit(room, asked, amount="6150.000")
    second = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    card = await room.card(second, in_="#directors")
    await room.maryam.clicks("Edit", on=card)
    await room.maryam.sees_modal(EDITED)
    await room.maryam.fills("amount", "5999.000").submits()
    assert "2 other people have to approve" in str(await room.maryam.sees_modal("Send to them"))
    await room.maryam.submits()
    await room.beats()
    third = await room.agent.sees({"id": (await room.agent.sees(second))["follow"]})
    assert (third["state"], third["decided_by"]) == ("pending", [])
    await room.yusuf.clicks("Approve", on=await room.card(third, in_="#directors"))
    assert await room.agent.state_of(third) == "pending"
    await room.khalid.clicks("Approve", on=await room.card(third, in_="#directors"))
    assert await room.agent.state_of(third) == "approved_with_edits"


async def test_who_wrote_it_does_not_make_up_the_number(any_room: World) -> None:
    """Two directors have to approve: the one who edited it is none of them, whatever is clicked."""
    room = any_room
    await room.rules_become(THREE_DIRECTORS)
    asked = await room.agent.asks(amount="7000.000")
    await room.maryam.clicks("Edit", on=await room.card(asked, in_="#directors"))
    await room.maryam.sees_modal(EDITED)
    await room.maryam.fills("amount", "6000.000").submits()
    await room.maryam.submits()
    await room.beats()
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    assert (new["state"], new["decided_by"]) == ("pending", [])
    card = await room.card(new, in_="#directors")
    await room.maryam.clicks("Approve", on=card)
    await room.maryam.sees("You wrote these values, so somebody else has to approve them", in_="#directors")
    await room.yusuf.clicks("Approve", on=card)
    assert await room.agent.state_of(new) == "pending"
    await room.maryam.clicks("Approve", on=card)
    assert await room.agent.state_of(new) == "pending"
    await room.khalid.clicks("Approve", on=card)
    assert await room.agent.state_of(new) == "approved_with_edits"
    assert (await room.agent.claims(await room.agent.sees(new))).status_code == 200
    assert await room.refusals() == [("person:maryam", "author_may_not_approve")] * 2


async def test_who_wrote_it_may_still_reject_it(room: World) -> None:
    """An author who thinks better of it says no; one rejection is final."""
    await room.rules_become(ANOTHER_PERSON)
    asked = await room.agent.asks()
    await edit(room, asked, amount="60.000")
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    await room.salma.clicks("Reject", on=await room.card(new))
    await room.salma.sees_modal("request:rejected")
    await room.salma.fills("Why? The agent reads this and does better.", "Typed too fast").submits()
    assert await room.agent.state_of(new) == "rejected"


async def test_a_rule_may_want_another_person(any_room: World) -> None:
    """Under `edits: another_person` the form says before it is sent who decides, and Khalid does."""
    room = any_room
    await room.rules_become(ANOTHER_PERSON)
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    assert "Somebody else approves what you write here" in str(await room.salma.sees_modal(EDITED))
    answer = await room.salma.fills("amount", "60.000").submits()
    assert answer.json["response_action"] == "update"
    said = str(answer.json["view"])
    assert "another person has to approve by" in said
    assert "Khalid Al Balushi. Your own approval does not count." in said
    assert await room.agent.state_of(asked) == "pending"
    assert (await room.salma.submits()).json == {}
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    assert (new["state"], new["action"]["arguments"]["amount"]) == ("pending", "60.000")
    await room.khalid.clicks("Approve", on=await room.card(new))
    assert await room.agent.state_of(new) == "approved_with_edits"


async def test_what_was_agreed_to_is_asked_again_when_it_changes(room: World) -> None:
    """Who agreed to ask two directors and then writes a smaller amount is told what that needs instead."""
    await room.rules_become(ANOTHER_PERSON)
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal(EDITED)
    first = await room.salma.fills("amount", "6150.000").submits()
    assert "2 other people have to approve" in str(first.json["view"])
    second = await room.salma.fills("amount", "60.000").submits()
    assert "another person has to approve" in str(second.json["view"])
    assert await room.agent.state_of(asked) == "pending"


async def test_an_edit_that_nobody_else_could_approve_says_so(room: World) -> None:
    """Of two directors one edits; two others would have to approve: the form says what would come of it."""
    asked = await room.agent.asks(amount="7000.000")
    await room.maryam.clicks("Edit", on=await room.card(asked, in_="#directors"))
    await room.maryam.sees_modal(EDITED)
    answer = await room.maryam.fills("amount", "6000.000").submits()
    assert "Nothing would be done" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "pending"


async def test_a_rule_may_forbid_edits(any_room: World) -> None:
    """Under `edits: forbidden` the card offers none, and a form from before the rule changes nothing."""
    room = any_room
    asked = await room.agent.asks()
    await room.salma.clicks("Edit", on=await room.card(asked))
    await room.salma.sees_modal(EDITED)
    await room.rules_become(FORBIDDEN)
    answer = await room.salma.fills("amount", "60.000").submits()
    assert "The rule takes no edits" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("person:salma", "edits_forbidden")]
    other = await room.agent.asks(memo="Another")
    assert not (await room.card(other)).says('"Edit"')


async def test_an_edit_does_not_reach_a_rule_that_forbids_edits(room: World) -> None:
    """What the directors' rule wants unedited cannot come to them as an edit of something smaller."""
    await room.rules_become(changed(Change(MANIFEST, DIRECTORS, DIRECTORS + "        edits: forbidden\n")))
    asked = await room.agent.asks()
    answer = await edit(room, asked, amount="6150.000")
    assert "The rule takes no edits" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "pending"


async def test_an_approval_of_ones_own_edit_lapses_with_the_rule(any_room: World) -> None:
    """Salma approved what she wrote; before it is claimed the rule wants another person: nothing may run."""
    room = any_room
    asked = await room.agent.asks()
    await edit(room, asked, amount="60.000")
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    assert new["state"] == "approved_with_edits"
    await room.rules_become(ANOTHER_PERSON)
    assert (await room.agent.claims(new)).status_code == 409


async def test_the_record_says_in_one_line_who_wrote_and_approved_it(room: World) -> None:
    """The decision's event names the author beside the person who decided."""
    asked = await room.agent.asks()
    await edit(room, asked, amount="60.000")
    new = (await room.agent.sees(asked))["follow"]
    [made] = [event for event in await room.events() if event.name is EventName.DECISION_MADE]
    assert (made.actor, made.subject) == ("person:salma", new)
    assert json.loads(made.data)["author"] == "salma"


async def test_asking_an_edit_again_keeps_its_author(room: World) -> None:
    """What nobody answered in time still has its author, who still does not approve it."""
    await room.rules_become(ANOTHER_PERSON)
    asked = await room.agent.asks()
    await edit(room, asked, amount="60.000")
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    room.clock.advance(minutes=16)
    await room.beats()
    await room.khalid.clicks("Ask again", on=await room.card(new))
    await room.beats()
    again = await room.agent.sees({"id": (await room.agent.sees(new))["follow"]})
    await room.salma.clicks("Approve", on=await room.card(again))
    assert await room.agent.state_of(again) == "pending"
    await room.khalid.clicks("Approve", on=await room.card(again))
    assert await room.agent.state_of(again) == "approved_with_edits"


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


async def test_a_rule_that_was_tightened_since_counts_for_the_edit(room: World) -> None:
    """It was asked while the author might approve; today's rule over it wants another person."""
    asked = await room.agent.asks()
    await room.card(asked)
    medium = """      - name: medium
        when: decimal(args.amount) > decimal("55.000") && decimal(args.amount) < decimal("5000.000")
        then: ask
        approvers: [finance-managers]
        quorum: 1
        edits: another_person
"""
    await room.rules_become(
        changed(Change(MANIFEST, "      - name: manager\n", f"{medium}      - name: manager\n"))
    )
    await edit(room, asked, amount="52.000")
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    assert (new["state"], new["policy"]["rule"]) == ("pending", "manager")


async def test_what_takes_no_edits_any_more_is_not_approved_edited(any_room: World) -> None:
    """An edit waits while its rule begins to forbid edits: it can be rejected, and nothing else."""
    room = any_room
    await room.rules_become(ANOTHER_PERSON)
    asked = await room.agent.asks()
    await edit(room, asked, amount="60.000")
    new = await room.agent.sees({"id": (await room.agent.sees(asked))["follow"]})
    await room.rules_become(FORBIDDEN)
    await room.khalid.clicks("Approve", on=await room.card(new))
    assert await room.agent.state_of(new) == "pending"
    await room.passes(minutes=16)
    await room.khalid.clicks("Ask again", on=await room.card(new))
    assert (await room.agent.sees(new))["follow"] is None
    assert [reason for _, reason in await room.refusals()] == ["edits_forbidden"] * 2


async def test_who_wants_direct_messages_is_told_of_an_edit(room: World) -> None:
    """The edited request takes over a card that stands: who is to decide it now is called all the same."""
    direct = Change(
        ANDON, "khalid: {name: Khalid Al Balushi,", "khalid: {notify: direct, name: Khalid Al Balushi,"
    )
    await room.rules_become(
        changed(direct, Change(MANIFEST, MANAGERS, MANAGERS + "        edits: another_person\n"))
    )
    asked = await room.agent.asks()
    await room.beats()
    before = len(room.slack.in_channel("@khalid"))
    await edit(room, asked, amount="60.000")
    assert len(room.slack.in_channel("@khalid")) == before + 1
