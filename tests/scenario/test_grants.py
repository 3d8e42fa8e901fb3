"""Approved is not done: an effect is claimed once, in time, and what nobody knows a person finds out."""

from datetime import timedelta

import pytest

from escalation.action import decode
from tests.scenario.agent import CONFIDENT, POSTING, SMALL, problem_of
from tests.scenario.rules import ANDON, MANIFEST, RUNBOOK, Change, changed, with_second_agent
from tests.scenario.world import NOON, World

TICK = timedelta.resolution


async def test_a_rule_allows_alone(any_room: World) -> None:
    """What a rule allows is granted at once: nobody is asked, no card is posted, the rule is named."""
    room = any_room
    asked = await room.agent.asks(confidence=CONFIDENT, **SMALL)
    assert (asked["state"], asked["decided_by"]) == ("approved", [])
    assert (asked["policy"]["rule"], asked["grant"]["state"]) == ("small", "granted")
    await room.beats()
    assert room.slack.in_channel("#finance") == []
    assert (await room.agent.claims(asked)).status_code == 200
    assert (await room.agent.reports(asked, "succeeded", result={"entry": 7})).status_code == 200
    assert (await room.agent.grant_of(asked))["result"] == {"entry": 7}


async def test_doubt_asks(room: World) -> None:
    """The same small amount without enough confidence, or without any, is asked."""
    for confidence in (0.94, 0, None):
        assert (await room.agent.asks(confidence=confidence, **SMALL))["state"] == "pending"


async def test_one_changed_byte_voids_it(room: World) -> None:
    """A claim with another digest is refused, and the grant is as it was."""
    asked = await room.approved()
    wrong = "sha256:" + "0" * 64
    assert problem_of(await room.agent.claims(asked, digest=wrong)) == (409, "digest-mismatch")
    assert (await room.agent.grant_of(asked))["state"] == "granted"
    assert (await room.agent.claims(asked)).status_code == 200
    assert await room.refusals() == [("agent:bank-reconciliation", "digest_mismatch")]


async def test_the_claim_returns_exactly_what_was_approved(room: World) -> None:
    """The agent is handed the action that people saw, whatever it remembers."""
    asked = await room.approved()
    claimed = (await room.agent.claims(asked)).json()
    assert claimed["action"] == {"type": "ledger.post", "arguments": dict(POSTING)}
    assert claimed["grant"]["state"] == "claimed"
    assert claimed["grant"]["digest"] == asked["digest"]


async def test_an_effect_runs_at_most_once(any_room: World) -> None:
    """The same attempt may claim again, its reply was lost; any other attempt is refused."""
    room = any_room
    asked = await room.approved()
    first = await room.agent.claims(asked, attempt="one")
    again = await room.agent.claims(asked, attempt="one")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert problem_of(await room.agent.claims(asked, attempt="two")) == (409, "grant-claimed")
    assert len(await room.events("grant.claimed")) == 1
    await room.agent.reports(asked, "failed")
    assert problem_of(await room.agent.claims(asked, attempt="one")) == (409, "grant-claimed")


async def test_nothing_starts_after_the_time_to_report(any_room: World) -> None:
    """The same attempt that comes back when its outcome counts as unknown is not told to go on."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked, attempt="one")
    room.clock.advance(minutes=10)
    assert problem_of(await room.agent.claims(asked, attempt="one")) == (409, "awaiting-person")
    await room.beats()
    assert (await room.agent.grant_of(asked))["state"] == "unknown"


async def test_what_failed_is_told(any_room: World) -> None:
    """The owner and everybody at the card read that it failed, and the agent's word for why."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.agent.reports(asked, "failed", result={"error": "LedgerLocked"})
    await room.beats()
    direct = await room.nadia.sees("Failed: Post 61.500 OMR to the ledger", in_="@nadia")
    for told in (direct, (await room.thread(asked))[-1]):
        assert told.says("reports that it failed")
        assert told.says("LedgerLocked")
        assert told.says("it is not tried again")
    assert (await room.card(asked)).says("it did not succeed")


async def test_what_a_rule_allowed_and_failed_is_told_to_the_owner(room: World) -> None:
    """Nobody was asked, so there is no thread; the owner is told all the same."""
    asked = await room.agent.asks(confidence=CONFIDENT, **SMALL)
    await room.agent.claims(asked)
    await room.agent.reports(asked, "failed")
    await room.beats()
    assert (await room.nadia.sees("Failed: Post 12.000 OMR to the ledger", in_="@nadia")).says(
        "reports that it failed."
    )
    assert room.slack.in_channel("#finance") == []


async def test_another_agents_grant_does_not_exist(room: World) -> None:
    """With a key of its own, another agent can neither see, claim, report nor cancel what is not its own."""
    await room.rules_become(with_second_agent())
    other = await room.agent_called("expense-review")
    asked, pending = await room.approved(), await room.agent.asks(memo="waits")
    grant = asked["grant"]
    body = {"digest": grant["digest"], "attempt": "one"}
    for answer in (
        await other.posts(f"/v1/grants/{grant['id']}/claim", body),
        await other.posts(f"/v1/grants/{grant['id']}/report", {"outcome": "succeeded"}),
        await other.cancels(pending),
        await other.gets(f"/v1/requests/{asked['id']}"),
        await other.gets("/v1/requests/req_none"),
        await other.posts("/v1/grants/grt_none/claim", body),
        await other.posts("/v1/grants/grt_none/report", {"outcome": "failed"}),
    ):
        assert problem_of(answer) == (404, "not-found")
    assert (await other.gets("/v1/requests")).json() == {"items": [], "next": None}
    assert (await room.agent.grant_of(asked))["state"] == "granted"
    assert await room.agent.state_of(pending) == "pending"
    refused = await room.refusals()
    assert {actor for actor, _ in refused} == {"agent:expense-review"}
    assert {reason for _, reason in refused} == {"unknown_grant", "unknown_request"}


async def test_a_grant_expires_at_its_instant(any_room: World) -> None:
    """At exactly ``expires_at`` it is too late, before and after the engine noticed."""
    room = any_room
    asked = await room.approved()
    room.clock.at = NOON + timedelta(minutes=10)
    assert problem_of(await room.agent.claims(asked)) == (409, "grant-expired")
    assert (await room.agent.grant_of(asked))["state"] == "granted"
    await room.beats()
    expired = await room.agent.sees(asked)
    assert (expired["state"], expired["grant"]["state"]) == ("approved", "expired")
    assert expired["what_to_do_next"].startswith("Do not act: the grant is no longer valid")
    assert problem_of(await room.agent.claims(asked)) == (409, "grant-expired")
    assert problem_of(await room.agent.reports(asked, "succeeded")) == (409, "not-claimed")
    assert (await room.card(asked)).says("did not use the permission in time")


async def test_a_grant_counts_until_its_instant(room: World) -> None:
    """One microsecond earlier it is claimed."""
    asked = await room.approved()
    room.clock.at = NOON + timedelta(minutes=10) - TICK
    assert (await room.agent.claims(asked)).status_code == 200


async def test_an_approver_who_left_takes_the_approval_along(any_room: World) -> None:
    """When the only approver is gone before the claim, the grant is revoked instead of used."""
    room = any_room
    asked = await room.approved()
    left = Change(
        ANDON, "finance-managers: {members: [salma, khalid]", "finance-managers: {members: [khalid]"
    )
    await room.rules_become(changed(left))
    refused = await room.agent.claims(asked)
    assert problem_of(refused) == (409, "grant-revoked")
    assert "approvals no longer suffice" in refused.json()["detail"]
    assert (await room.agent.grant_of(asked))["state"] == "revoked"
    assert problem_of(await room.agent.claims(asked)) == (409, "grant-revoked")
    assert [decode(event.data) for event in await room.events("grant.revoked")] == [
        {"reason": "authority lapsed"}
    ]


async def test_stricter_rules_hold_at_the_claim(room: World) -> None:
    """When the rule asks for two since, one approval does not carry the effect."""
    asked = await room.approved()
    one = "approvers: [finance-managers]\n        quorum: "
    await room.rules_become(changed(Change(MANIFEST, f"{one}1", f"{one}2")))
    assert problem_of(await room.agent.claims(asked)) == (409, "grant-revoked")


async def test_what_a_rule_allowed_it_must_still_allow(room: World) -> None:
    """An automatic grant lapses when today's rules would ask; it stands under new rules that still allow."""
    asked = await room.agent.asks(confidence=CONFIDENT, **SMALL)
    second = await room.agent.asks(confidence=CONFIDENT, amount="3.000")
    await room.rules_become(changed(Change(MANIFEST, 'decimal("50")', 'decimal("5")')))
    assert problem_of(await room.agent.claims(asked)) == (409, "grant-revoked")
    assert (await room.agent.claims(second)).status_code == 200


async def test_a_lost_reply_survives_new_rules(room: World) -> None:
    """The attempt that claimed before the rules changed hears its answer again: it may be under way."""
    asked = await room.approved()
    assert (await room.agent.claims(asked)).status_code == 200
    one = "approvers: [finance-managers]\n        quorum: "
    await room.rules_become(changed(Change(MANIFEST, f"{one}1", f"{one}2")))
    assert (await room.agent.claims(asked)).status_code == 200


@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
async def test_a_report_is_final(room: World, outcome: str) -> None:
    """The same report again is taken; another outcome is refused and changes nothing."""
    asked = await room.approved()
    await room.agent.claims(asked)
    first = await room.agent.reports(asked, outcome, result={"entry": 1})
    again = await room.agent.reports(asked, outcome, result={"entry": 2})
    assert first.json() == again.json()
    assert first.json()["grant"]["result"] == {"entry": 1}
    for other in {"succeeded", "failed", "unknown"} - {outcome}:
        assert problem_of(await room.agent.reports(asked, other)) == (409, "already-reported")
    assert (await room.agent.grant_of(asked))["state"] == outcome


async def test_what_was_not_claimed_is_not_reported(room: World) -> None:
    """Nothing can have run before a claim."""
    asked = await room.approved()
    for outcome in ("succeeded", "failed", "unknown"):
        assert problem_of(await room.agent.reports(asked, outcome)) == (409, "not-claimed")
    assert (await room.agent.grant_of(asked))["state"] == "granted"


async def test_silence_after_a_claim_is_unknown(any_room: World) -> None:
    """Ten minutes after the claim nobody has said what happened: people are told, nothing is repeated."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.passes(minutes=9, seconds=59)
    assert (await room.agent.grant_of(asked))["state"] == "claimed"
    await room.passes(seconds=1)
    unknown = await room.agent.sees(asked)
    assert unknown["grant"]["state"] == "unknown"
    assert unknown["what_to_do_next"].startswith("Do not run it again. A person finds out")
    assert problem_of(await room.agent.claims(asked)) == (409, "awaiting-person")
    assert problem_of(await room.agent.reports(asked, "succeeded")) == (409, "awaiting-person")
    await room.nadia.sees("Outcome unknown", in_="@nadia")
    await room.omar.sees("Outcome unknown", in_="#alerts")
    assert (await room.card(asked)).says("Nobody knows whether it happened")


@pytest.mark.parametrize(("outcome", "says"), [("succeeded", "it succeeded"), ("failed", "it failed")])
async def test_what_comes_too_late_is_shown_to_whoever_resolves_it(
    any_room: World, outcome: str, says: str
) -> None:
    """A process that was frozen reports after the time: nothing changes, and the alarm says what it said."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.passes(minutes=10)
    await room.nadia.sees("how it ended is not on the record", in_="@nadia")
    for _ in range(2):
        late = await room.agent.reports(asked, outcome, result={"entry": 7}, attempt="one")
        assert problem_of(late) == (409, "awaiting-person")
    await room.beats()
    assert (await room.agent.grant_of(asked))["state"] == "unknown"
    for alarm in (await room.omar.sees(says, in_="#alerts"), await room.nadia.sees(says, in_="@nadia")):
        assert alarm.says("too late to count")
        assert alarm.says('{"entry":7}')
    assert (await room.card(asked)).says("too late to count")
    assert len(await room.events("grant.reported_late")) == 1
    await room.nadia.clicks("It happened", on=await room.omar.sees(says, in_="#alerts"))
    assert (await room.agent.grant_of(asked))["state"] == "succeeded"


@pytest.mark.parametrize(
    ("label", "found", "outcome", "says"),
    [
        ("It happened", "succeeded", "failed", "it failed"),
        ("It did not happen", "failed", "succeeded", "it succeeded"),
    ],
)
async def test_what_contradicts_a_person_is_kept_and_told(
    any_room: World, label: str, found: str, outcome: str, says: str
) -> None:
    """An agent that says the opposite of who resolved it is heard by that person, the owner, the alerts."""
    room = any_room
    asked = await unknown(room)
    await room.khalid.clicks(label, on=await room.omar.sees("Outcome unknown", in_="#alerts"))
    for _ in range(2):
        late = await room.agent.reports(asked, outcome, result={"entry": 7}, attempt="one")
        assert problem_of(late) == (409, "already-reported")
    await room.beats()
    assert (await room.agent.grant_of(asked))["state"] == found
    for person, place in ((room.omar, "#alerts"), (room.nadia, "@nadia"), (room.khalid, "@khalid")):
        alarm = await person.sees("Contradicted: Post 61.500 OMR to the ledger", in_=place)
        assert alarm.says("*Khalid Al Balushi* found out")
        assert alarm.says(says)
        assert alarm.says('{"entry":7}')
    assert (await room.card(asked)).says("too late to count")
    assert len(await room.events("grant.reported_late")) == 1


async def test_who_says_the_same_as_a_person_disturbs_nobody(any_room: World) -> None:
    """A report that agrees with who resolved it is refused as before, and raises no alarm."""
    room = any_room
    asked = await unknown(room)
    await room.khalid.clicks("It happened", on=await room.omar.sees("Outcome unknown", in_="#alerts"))
    agrees = await room.agent.reports(asked, "succeeded", attempt="one")
    assert problem_of(agrees) == (409, "already-reported")
    await room.beats()
    assert not any(posted.says("Contradicted") for posted in room.slack.messages)
    assert await room.events("grant.reported_late") == []


async def test_an_action_has_a_time_to_report_of_its_own(room: World) -> None:
    """Where the manifest gives an action longer than everybody has, silence is unknown only then."""
    longer = Change(MANIFEST, "    on_timeout: do_not_act\n", "    on_timeout: do_not_act\n    report: 45m\n")
    await room.rules_become(changed(longer))
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.passes(minutes=44, seconds=59)
    assert (await room.agent.grant_of(asked))["state"] == "claimed"
    await room.passes(seconds=1)
    assert (await room.agent.grant_of(asked))["state"] == "unknown"


async def test_an_agent_may_say_that_it_does_not_know(room: World) -> None:
    """An agent that crashed in between says so, and a person is asked at once; it may say so twice."""
    asked = await room.approved()
    await room.agent.claims(asked)
    assert (await room.agent.reports(asked, "unknown")).status_code == 200
    assert (await room.agent.reports(asked, "unknown")).status_code == 200
    await room.beats()
    await room.nadia.sees("Outcome unknown", in_="@nadia")
    assert len(await room.events("grant.unknown")) == 1


@pytest.mark.parametrize(
    ("who", "label", "state"),
    [("nadia", "It happened", "succeeded"), ("khalid", "It did not happen", "failed")],
)
async def test_owner_or_operator_resolves(room: World, who: str, label: str, state: str) -> None:
    """The owner (Nadia) or an operator (Khalid) says what they found, on the record and in the alerts."""
    asked = await unknown(room)
    alarm = await room.omar.sees("Outcome unknown", in_="#alerts")
    await getattr(room, who).clicks(label, on=alarm)
    await room.beats()
    assert (await room.agent.grant_of(asked))["state"] == state
    assert (await room.omar.sees("Known again: Post 61.500 OMR to the ledger", in_="#alerts")).says(
        "found out"
    )
    (event,) = await room.events(f"grant.{state}")
    assert event.actor == f"person:{who}"
    assert (await room.card(asked)).says("found out")
    assert problem_of(await room.agent.reports(asked, state)) == (409, "already-reported")


async def test_nobody_else_resolves(room: World) -> None:
    """Approvers, directors and strangers do not: refused in private and on the record."""
    asked = await unknown(room)
    alarm = await room.omar.sees("Outcome unknown", in_="#alerts")
    for person in (room.salma, room.maryam, room.omar):
        await person.clicks("It happened", on=alarm)
    await room.salma.sees("Only operators named in andon.yaml", in_="#alerts")
    await room.omar.sees("belongs to nobody", in_="#alerts")
    assert (await room.agent.grant_of(asked))["state"] == "unknown"
    refused = [reason for actor, reason in await room.refusals() if not actor.startswith("agent:")]
    assert refused == ["not_an_operator", "not_an_operator", "unknown_person"]


async def test_what_is_known_is_not_resolved_again(room: World) -> None:
    """The first answer stands; whoever comes second is told that it is known."""
    asked = await unknown(room)
    alarm = await room.omar.sees("Outcome unknown", in_="#alerts")
    await room.nadia.clicks("It happened", on=alarm)
    await room.khalid.clicks("It did not happen", on=alarm)
    await room.khalid.sees("The outcome of this is known", in_="#alerts")
    assert (await room.agent.grant_of(asked))["state"] == "succeeded"


async def test_the_same_resolution_twice_is_one(room: World) -> None:
    """The same signed click, taken by two replicas, resolves once and is no refusal."""
    await unknown(room)
    room.delivers_twice()
    await room.nadia.clicks("It happened", on=await room.omar.sees("Outcome unknown", in_="#alerts"))
    assert len(await room.events("grant.succeeded")) == 1
    assert await room.refusals() == []


async def test_an_operator_resolves_what_an_agent_left_behind(room: World) -> None:
    """When the agent is gone from the configuration, operators can still say what happened; its owner not."""
    await unknown(room)
    gone = (
        Change(MANIFEST, "agent: bank-reconciliation", "agent: other"),
        Change(RUNBOOK, "[bank-reconciliation]", "[other]"),
        Change(ANDON, "operators: [nadia, khalid]", "operators: [maryam, khalid]"),
    )
    await room.rules_become(changed(*gone))
    alarm = await room.omar.sees("Outcome unknown", in_="#alerts")
    await room.nadia.clicks("It happened", on=alarm)
    await room.nadia.sees("Only operators", in_="#alerts")
    await room.maryam.clicks("It happened", on=alarm)
    assert len(await room.events("grant.succeeded")) == 1


async def unknown(room: World) -> dict[str, object]:
    """Return a request whose effect nobody knows about."""
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.passes(minutes=10)
    return asked


async def test_agents_take_requests_back(any_room: World) -> None:
    """A pending request is cancelled, its card says so; a settled one is not, nor a cancelled one twice."""
    room = any_room
    asked = await room.agent.asks()
    card = await room.card(asked)
    stale = list(card.blocks)
    cancelled = await room.agent.cancels(asked, "The bank corrected it")
    assert cancelled.json()["state"] == "cancelled"
    assert cancelled.json()["reason"] == "The bank corrected it"
    assert (await room.card(asked)).says("The agent took it back")
    assert (await room.thread(asked))[0].says("The bank corrected it")
    assert problem_of(await room.agent.cancels(asked)) == (409, "already-settled")
    card.blocks = stale
    await room.salma.clicks("Approve", on=card)
    await room.salma.sees("Too late: your click changed nothing", in_="#finance")
    approved = await room.approved()
    assert problem_of(await room.agent.cancels(approved)) == (409, "already-settled")
    assert (await room.agent.grant_of(approved))["state"] == "granted"


async def test_a_cancel_needs_no_reason(room: World) -> None:
    """Without a reason the request says at least who took it back."""
    asked = await room.agent.asks()
    assert (await room.agent.cancels(asked)).json()["reason"] == "the agent took it back"
