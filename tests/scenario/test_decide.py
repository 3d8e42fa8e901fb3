"""People approve, reject and look; agents are told in words what to do next."""

from collections.abc import Mapping

from escalation.action import decode
from tests.harness.fake_slack import Answer
from tests.scenario.laws import clicks_in
from tests.scenario.world import World

WHY = "Why? The agent reads this and does better."


async def test_one_click_approves(any_room: World) -> None:
    """One approver's click on the card approves, and the agent may act once."""
    room = any_room
    asked = await room.agent.asks()
    await room.salma.clicks("Approve", on=await room.card(asked))
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["decided_by"]) == ("approved", ["salma"])
    assert (await room.agent.claims(asked)).status_code == 200
    assert (await room.agent.reports(asked, "succeeded", result="posted")).status_code == 200
    assert "Done" in str((await room.card(asked)).blocks)


async def test_the_agent_is_told_what_to_do(room: World) -> None:
    """At each turn the agent reads one sentence that says what to do next."""
    asked = await room.agent.asks()
    assert asked["what_to_do_next"].startswith("Wait")
    await room.salma.clicks("Approve", on=await room.card(asked))
    assert (await room.agent.sees(asked))["what_to_do_next"].startswith("Claim the grant")
    await room.agent.claims(asked)
    assert (await room.agent.sees(asked))["what_to_do_next"].startswith("Finish the attempt")
    await room.agent.reports(asked, "failed")
    assert (await room.agent.sees(asked))["what_to_do_next"].startswith("It failed")


async def test_a_decision_is_on_the_record_with_its_click(any_room: World) -> None:
    """The record names who decided, what was looked at, and the signed click that carried it."""
    room = any_room
    asked = await room.approved()
    (made,) = await room.events("decision.made")
    data = decode(made.data)
    assert isinstance(data, dict)
    assert (made.actor, made.subject, data["digest"]) == ("person:salma", asked["id"], asked["digest"])
    assert (await clicks_in(room.store))[str(data["ingress"])] == ("salma", "request:approve")


async def test_a_rejection_reaches_the_agent_with_its_reason(any_room: World) -> None:
    """Whoever rejects says why; the agent reads it, the thread quotes it, nothing is granted."""
    room = any_room
    asked = await room.agent.asks()
    await room.salma.clicks("Reject", on=await room.card(asked))
    await room.salma.sees_modal("One rejection is final")
    answer = await room.salma.fills(WHY, "  This was paid in September.  ").submits()
    assert (answer.status, room.salma.modal) == (200, None)
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["reason"]) == ("rejected", "This was paid in September.")
    assert (settled["grant"], settled["decided_by"]) == (None, ["salma"])
    assert settled["what_to_do_next"].startswith("Do not act. Read the reason")
    assert [said.says("paid in September") for said in await room.thread(asked)] == [True]


async def test_a_rejection_without_a_reason_stays_open(room: World) -> None:
    """Blanks are no reason: the form says so, nothing is decided, and the second try counts."""
    asked = await room.agent.asks()
    await room.salma.clicks("Reject", on=await room.card(asked))
    await room.salma.sees_modal("One rejection is final")
    answer = await room.salma.fills(WHY, " \n ").submits()
    assert "needs a reason" in answer.json["errors"]["reason"]
    assert await room.agent.state_of(asked) == "pending"
    await room.salma.fills(WHY, "No invoice").submits()
    assert await room.agent.state_of(asked) == "rejected"


async def test_a_stranger_changes_nothing(any_room: World) -> None:
    """A click by somebody who is in nobody's list is refused in private, and changes nothing."""
    room = any_room
    asked = await room.agent.asks()
    await room.omar.clicks("Approve", on=await room.card(asked))
    await room.omar.sees("belongs to nobody", in_="#finance")
    assert await room.salma.misses("belongs to nobody", in_="#finance")
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("account:T01ANDON/U06OMAR", "unknown_person")]


async def test_a_member_of_another_team_may_not_decide(room: World) -> None:
    """A director is known, but is no finance manager: refused in private, and on the record."""
    asked = await room.agent.asks()
    await room.maryam.clicks("Approve", on=await room.card(asked))
    refused = await room.maryam.sees("You are not an approver", in_="#finance")
    assert refused.says("It is up to: Khalid Al Balushi, Salma Al Harthi.")
    assert await room.salma.misses("You are not an approver", in_="#finance")
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("person:maryam", "not_an_approver")]


async def test_a_form_is_refused_before_it_is_filled_in(room: World) -> None:
    """Who may not decide is told so at once instead of being handed a form, for every form."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    for person, words in ((room.omar, "belongs to nobody"), (room.maryam, "not an approver")):
        for button in ("Edit", "Reject"):
            await person.clicks(button, on=card)
            await person.sees(words, in_="#finance")
            assert person.modal is None
    assert await room.agent.state_of(asked) == "pending"


async def test_a_form_that_was_not_offered_is_refused_too(room: World) -> None:
    """The form is a courtesy: a forged submission by somebody who may not decide is refused by the core."""
    asked = await room.agent.asks()
    await room.salma.clicks("Reject", on=await room.card(asked))
    await room.salma.sees_modal("One rejection is final")
    room.slack.modals[room.maryam.user] = room.slack.modals[room.salma.user]
    answer = await room.maryam.fills(WHY, "I say no").submits()
    assert "You are not an approver" in str(answer.json["view"])
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("person:maryam", "not_an_approver")]


async def test_the_same_signed_click_counts_once(any_room: World) -> None:
    """The very same bytes again are turned away at the door, and nothing is stored twice."""
    room = any_room
    asked = await room.agent.asks(amount="7200.000")
    card = await room.card(asked, in_="#directors")
    deliver = room.slack.post
    assert deliver is not None
    statuses: list[int] = []

    async def twice(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        first, second = await deliver(path, headers, body), await deliver(path, headers, body)
        statuses.extend((first.status, second.status))
        return first

    room.slack.post = twice
    await room.maryam.clicks("Approve", on=card)
    assert statuses == [200, 401]
    assert len(await clicks_in(room.store)) == 1
    assert (await room.agent.sees(asked))["decided_by"] == ["maryam"]


async def test_a_replay_that_passes_the_door_counts_once(any_room: World) -> None:
    """A replica that never saw the click takes it again, and the inbox knows it: nothing changes."""
    room = any_room
    asked = await room.agent.asks(amount="7200.000")
    card = await room.card(asked, in_="#directors")
    room.delivers_twice()
    await room.maryam.clicks("Approve", on=card)
    assert len(await clicks_in(room.store)) == 1
    assert len(await room.events("decision.made")) == 1
    assert await room.refusals() == []


async def test_settled_means_settled(room: World) -> None:
    """After an approval, neither approval, rejection, edit nor acknowledgement changes anything."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    before = card.blocks
    await room.salma.clicks("Approve", on=card)
    await room.beats()
    for label in ("Approve", "Edit", "Reject", "I am looking"):
        card.blocks = before  # Khalid's phone has not caught up
        await room.khalid.clicks(label, on=card)
        await room.khalid.sees("Too late: your click changed nothing", in_="#finance")
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["decided_by"]) == ("approved", ["salma"])
    assert {reason for _, reason in await room.refusals()} == {"already_settled"}


async def test_a_settled_card_has_no_live_button(room: World) -> None:
    """Once it is decided, the card says by whom and carries nothing to click."""
    asked = await room.approved()
    card = await room.card(asked)
    assert card.says("Approved by *Salma Al Harthi*")
    assert not [block for block in card.blocks if block["type"] == "actions"]


async def test_everything_can_be_read_before_deciding(room: World) -> None:
    """Full arguments, why it needed a person and the runbook open from the menu, and approve nothing."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.salma.clicks("Full arguments", on=card)
    assert "Assets:Bank:Operating" in str(await room.salma.sees_modal("Courier"))
    await room.salma.clicks("Why did this need me?", on=card)
    await room.salma.sees_modal("The first rule that matched is *manager*")
    await room.salma.clicks("Runbook", on=card)
    await room.salma.sees_modal("What it does")
    assert await room.agent.state_of(asked) == "pending"


async def test_what_was_read_in_full_can_be_approved_there(room: World) -> None:
    """The submit button of the full view is an approval like any other."""
    asked = await room.agent.asks()
    await room.salma.clicks("Full arguments", on=await room.card(asked))
    await room.salma.sees_modal("Courier")
    assert (await room.salma.submits()).status == 200
    assert await room.agent.state_of(asked) == "approved"


async def test_a_late_approval_in_full_says_why(room: World) -> None:
    """Who submits the full view of what was settled meanwhile reads why nothing changed."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.khalid.clicks("Full arguments", on=card)
    await room.khalid.sees_modal("Courier")
    await room.salma.clicks("Approve", on=card)
    answer = await room.khalid.submits()
    assert "Too late: your click changed nothing" in str(answer.json["view"])
    assert (await room.agent.sees(asked))["decided_by"] == ["salma"]


async def test_a_card_that_shows_not_all_has_no_approve(room: World) -> None:
    """Values that the manifest hides are not approved from the channel: open them in full first."""
    from tests.scenario.rules import MANIFEST, Change, changed

    await room.rules_become(changed(Change(MANIFEST, "redact: []", "redact: [memo]")))
    asked = await room.agent.asks(memo="Severance of M. Q.")
    card = await room.card(asked)
    assert not card.says("Severance")
    labels = [e["text"]["text"] for b in card.blocks for e in b.get("elements", []) if e["type"] == "button"]
    assert labels == ["Open in full", "Reject"]
    await room.maryam.clicks("Open in full", on=card)
    assert "Severance" not in str(await room.maryam.sees_modal("wants to do this once"))
    await room.salma.clicks("Open in full", on=card)
    await room.salma.sees_modal("Severance of M. Q.")
    await room.salma.submits()
    assert await room.agent.state_of(asked) == "approved"


async def test_clicks_about_nothing_are_answered(room: World) -> None:
    """Buttons about requests and grants that never were are refused in private, whatever they claim."""
    card = await room.card(await room.agent.asks())
    for action in (
        {"type": "button", "action_id": "request:approve", "value": "req_none"},
        {"type": "button", "action_id": "request:edit", "value": "req_none"},
        {"type": "button", "action_id": "request:answer:0", "value": "req_none|0"},
        {"type": "button", "action_id": "request:ask_again", "value": "req_none"},
        {"type": "overflow", "action_id": "request:more", "selected_option": {"value": "full:req_none"}},
        {
            "type": "overflow",
            "action_id": "request:more",
            "selected_option": {"value": "acknowledge:req_none"},
        },
    ):
        before = len(room.slack.messages)
        assert (await room.salma.forges(action, on=card)).status == 200
        await room.beats()
        assert room.slack.messages[before].says("There is no such request"), action
    nothing = {"type": "button", "action_id": "grant:resolve_failed", "value": "grt_none"}
    await room.nadia.forges(nothing, on=card)
    await room.nadia.sees("There is no such grant", in_="#finance")
    assert {reason for _, reason in await room.refusals()} == {"unknown_request", "unknown_grant"}
    assert len(await room.refusals()) == 6


async def test_links_are_only_acknowledged(room: World) -> None:
    """Slack reports clicks on links as well; they are taken and do nothing."""
    card = await room.card(await room.agent.asks())
    link = {"type": "button", "action_id": "link:runbook", "value": "x"}
    assert (await room.salma.forges(link, on=card)).status == 200
    assert await clicks_in(room.store) == {}
