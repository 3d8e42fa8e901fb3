"""Anybody we know pulls the cord; nothing new starts until a different operator lets go of it."""

from datetime import timedelta

import pytest

from escalation.action import decode
from tests.scenario.agent import CONFIDENT, SMALL, problem_of
from tests.scenario.rules import MANIFEST, Change, changed, shipped, with_second_agent
from tests.scenario.world import NOON, World

SCOPES = ["all", "function:finance", "agent:bank-reconciliation", "action:ledger.post"]
SOMETHING_ELSE = ["function:travel", "agent:expense-review"]


@pytest.mark.parametrize("scope", SCOPES)
async def test_stop_means_stop(room: World, scope: str) -> None:
    """Under each scope: what waits is killed, unused grants are revoked, nothing is proposed or claimed."""
    waiting, unused = await room.agent.asks(), await room.approved()
    running = await room.approved(memo="Already running")
    assert (await room.agent.claims(running)).status_code == 200
    assert (await room.salma.types(f"/andon stop {scope} It posts twice")).status == 200
    await room.salma.sees("Stopped", in_="@salma")
    await room.beats()
    assert await room.agent.state_of(waiting) == "killed"
    assert (await room.agent.grant_of(unused))["state"] == "revoked"
    assert problem_of(await room.agent.claims(unused)) == (423, "stopped")
    assert problem_of(await room.agent.proposes({**waiting["action"]["arguments"]})) == (423, "stopped")
    small = {**waiting["action"]["arguments"], **SMALL}
    assert problem_of(await room.agent.proposes(small, confidence=CONFIDENT)) == (423, "stopped")
    alert = await room.omar.sees(f"Stopped: {scope}", in_="#alerts")
    assert alert.says("nothing new starts, and what waits is being ended")
    assert alert.says("It posts twice")
    ended = await room.omar.sees(f"Ended: {scope}", in_="#alerts")
    assert ended.says("1 request ended, 1 approval taken back")
    # What was under way finishes, and may say so.
    assert (await room.agent.reports(running, "succeeded")).status_code == 200
    assert (await room.card(waiting)).says("A stop ended it")


async def test_a_stop_says_who_and_why(room: World) -> None:
    """The refused agent reads which scope, who pulled it and why; the killed request says so too."""
    asked = await room.agent.asks()
    await room.salma.types("/andon stop function:finance Month end")
    refused = (await room.agent.proposes(asked["action"]["arguments"])).json()
    assert refused["scope"] == "function:finance"
    assert refused["reason"] == "by salma: Month end"
    await room.beats()
    killed = await room.agent.sees(asked)
    assert killed["reason"] == "stopped by Salma Al Harthi: Month end"
    assert killed["what_to_do_next"].startswith("Do not act and do not ask again until you are resumed")


async def test_what_is_overdue_timed_out_before_the_stop(any_room: World) -> None:
    """A stop between the deadline and the engine's beat ends it as what it is: timed out, not killed."""
    room = any_room
    overdue = await room.agent.asks()
    await room.card(overdue)
    room.clock.advance(minutes=5)
    waiting = await room.agent.asks(memo="still in time")
    room.clock.at = NOON + timedelta(minutes=15)
    await room.salma.types("/andon stop all Month end")
    await room.beats()
    assert [await room.agent.state_of(each) for each in (overdue, waiting)] == ["timed_out", "killed"]
    [swept] = await room.events("switch.swept")
    assert decode(swept.data) == {"killed": 1, "late": 1, "revoked": 0}
    ended = await room.omar.sees("Ended: all", in_="#alerts")
    assert ended.says("1 request ended, 0 approvals taken back. 1 request had timed out before.")


async def test_a_stop_of_the_new_function_holds_what_was_approved_under_the_old(any_room: World) -> None:
    """The agent was moved to another function since: a stop of that one holds its unused grants too."""
    room = any_room
    asked = await room.approved()
    await room.rules_become(changed(Change(MANIFEST, "function: finance", "function: treasury")))
    await room.salma.types("/andon stop function:treasury odd")
    assert problem_of(await room.agent.claims(asked)) == (423, "stopped")


async def test_whoever_mistypes_a_stop_is_helped(room: World) -> None:
    """An agent's bare name is enough; what is close is offered; without a word one reads what there is."""
    await room.salma.types("/andon stop")
    asked = await room.salma.sees("Stop what?", in_="@salma")
    assert asked.says("action:ledger.post, agent:bank-reconciliation, all, function:finance")
    await room.salma.types("/andon stop agent:bank-recon odd")
    await room.salma.sees("Did you mean /andon stop agent:bank-reconciliation?", in_="@salma")
    assert (await room.agent.is_alive())["may_proceed"] is True
    await room.salma.types("/andon stop bank-reconciliation odd")
    assert (await room.agent.is_alive())["stopped"]["scope"] == "agent:bank-reconciliation"
    await room.beats()
    await room.nadia.types("/andon resume")
    await room.nadia.sees("Resume what? There is: agent:bank-reconciliation.", in_="@nadia")
    await room.nadia.types("/andon resume bank-reconciliation")
    assert (await room.agent.is_alive())["may_proceed"] is True


@pytest.mark.parametrize("who", ["khalid", "nadia"])
async def test_a_click_that_comes_twice_is_not_told_a_falsehood(room: World, who: str) -> None:
    """A refused resume that Slack delivers twice is refused once and never said to have worked."""
    await room.khalid.types("/andon stop all odd")
    await room.beats()
    room.delivers_twice()
    await getattr(room, who).types("/andon resume all")
    await room.beats()
    assert await getattr(room, who).misses("Resumed:", in_=f"@{who}") is (who == "khalid")
    assert (await room.agent.is_alive())["may_proceed"] is (who == "nadia")


@pytest.mark.parametrize("scope", SOMETHING_ELSE)
async def test_a_stop_elsewhere_stops_nothing_here(room: World, scope: str) -> None:
    """A stop of another function or agent leaves this one's requests, grants and claims alone."""
    await room.rules_become(with_second_agent())
    waiting, unused = await room.agent.asks(), await room.approved()
    await room.salma.types(f"/andon stop {scope} not you")
    assert await room.agent.state_of(waiting) == "pending"
    assert (await room.agent.claims(unused)).status_code == 200
    assert (await room.agent.is_alive())["may_proceed"] is True
    other = await room.agent_called("expense-review")
    assert (await other.is_alive())["stopped"]["scope"] == scope
    assert problem_of(await other.proposes(waiting["action"]["arguments"])) == (423, "stopped")


async def test_a_stop_of_an_action_leaves_questions_alone(room: World) -> None:
    """A stop of an action type holds what would act, not what is only asked."""
    wondered = await room.agent.wonders("Whose?", "Al Wadi")
    await room.salma.types("/andon stop action:ledger.post audit")
    assert await room.agent.state_of(wondered) == "pending"
    assert (await room.agent.wonders("Which?", "A"))["state"] == "pending"
    assert (await room.agent.is_alive())["may_proceed"] is True


async def test_the_heartbeat_says_it(room: World) -> None:
    """An agent learns by its heartbeat that it is stopped, by whom and why, and that it may go on again."""
    assert await room.agent.is_alive() == {
        "may_proceed": True,
        "stopped": None,
        "server_time": "2026-11-16T12:00:00Z",
    }
    await room.salma.types("/andon stop all Something is odd")
    alive = await room.agent.is_alive()
    assert alive["may_proceed"] is False
    assert alive["stopped"] == {
        "scope": "all",
        "by": "salma",
        "reason": "Something is odd",
        "at": "2026-11-16T12:00:00Z",
    }
    await room.beats()
    await room.nadia.types("/andon resume all")
    assert (await room.agent.is_alive())["may_proceed"] is True


async def test_a_different_operator_resumes(any_room: World) -> None:
    """Not the one who stopped it, not just anybody: another operator; and what was killed stays killed."""
    room = any_room
    waiting, unused = await room.agent.asks(), await room.approved()
    await room.khalid.types("/andon stop all audit")
    await room.khalid.types("/andon resume all")
    refused = await room.khalid.sees("a different operator has to resume it", in_="@khalid")
    assert refused.says("It is up to: Nadia Al Kindi.")
    await room.salma.types("/andon resume all")
    refused = await room.salma.sees("Only operators named in andon.yaml", in_="@salma")
    assert refused.says("It is up to: Nadia Al Kindi.")
    await room.omar.types("/andon resume all")
    await room.omar.sees("belongs to nobody", in_="@omar")
    assert problem_of(await room.agent.claims(unused)) == (423, "stopped")
    await room.beats()
    await room.nadia.types("/andon resume all")
    await room.beats()
    await room.omar.sees("Resumed: all", in_="#alerts")
    assert await room.agent.state_of(waiting) == "killed"
    assert problem_of(await room.agent.claims(unused)) == (409, "grant-revoked")
    assert (await room.agent.asks(memo="A new one"))["state"] == "pending"
    assert [entry for entry in await room.refusals() if not entry[0].startswith("agent:")] == [
        ("person:khalid", "same_person_stopped"),
        ("person:salma", "not_an_operator"),
        ("account:T01ANDON/U06OMAR", "unknown_person"),
    ]


async def test_the_first_stop_stands(room: World) -> None:
    """A second stop of the same scope does not replace its author: else they could let go of it."""
    await room.khalid.types("/andon stop all first")
    await room.nadia.types("/andon stop all second")
    await room.nadia.sees("This is stopped already. (by khalid)", in_="@nadia")
    await room.khalid.types("/andon resume all")
    await room.khalid.sees("a different operator", in_="@khalid")
    assert (await room.agent.is_alive())["stopped"]["reason"] == "first"


async def test_two_stops_are_two(room: World) -> None:
    """While a wider and a narrower stop hold, resuming one leaves the other."""
    await room.khalid.types("/andon stop all wide")
    await room.khalid.types("/andon stop agent:bank-reconciliation narrow")
    await room.beats()
    await room.nadia.types("/andon resume all")
    assert (await room.agent.is_alive())["stopped"]["scope"] == "agent:bank-reconciliation"
    await room.nadia.types("/andon resume agent:bank-reconciliation")
    assert (await room.agent.is_alive())["may_proceed"] is True


async def test_what_runs_cannot_be_resumed(room: World) -> None:
    """There is nothing to let go of."""
    await room.nadia.types("/andon resume all")
    await room.nadia.sees("This is not stopped", in_="@nadia")
    assert await room.refusals() == [("person:nadia", "not_stopped")]


@pytest.mark.parametrize(
    "scope", ["everything", "agent:nobody", "agent:", "all:", "action:", "function:hr", ""]
)
async def test_there_are_only_known_scopes(room: World, scope: str) -> None:
    """A mistyped scope is no stop, and whoever typed it is told which scopes there are."""
    for word in ("stop", "resume"):
        await room.salma.types(
            f"/andon {word} {scope} please".strip() if word == "stop" else f"/andon resume {scope}"
        )
        assert (await room.salma.sees("There is no such scope", in_="@salma")).says("agent:NAME")
    assert await room.events("switch.stopped") == []
    assert (await room.agent.is_alive())["may_proceed"] is True


async def test_strangers_cannot_stop(room: World) -> None:
    """Somebody who belongs to nobody we know neither stops nor resumes, and that is on the record."""
    await room.omar.types("/andon stop all because")
    await room.omar.sees("belongs to nobody", in_="@omar")
    assert (await room.agent.is_alive())["may_proceed"] is True
    await room.salma.types("/andon stop all because")
    await room.omar.types("/andon resume all")
    assert (await room.agent.is_alive())["may_proceed"] is False
    assert await room.refusals() == [("account:T01ANDON/U06OMAR", "unknown_person")] * 2


async def test_strangers_cannot_stop_by_a_form_or_resume_by_a_button(room: World) -> None:
    """A form or a button that found its way to a stranger is refused behind it, and on the record."""
    await room.salma.types("/andon stop all")
    room.slack.modals[room.omar.user] = [await room.salma.sees_modal("Stop every agent?")]
    await room.omar.fills("Why? Whoever resumes it reads this.", "because").submits()
    assert (await room.agent.is_alive())["may_proceed"] is True
    await room.salma.types("/andon stop all odd")
    await room.omar.forges({"type": "button", "action_id": "switch:resume", "value": "all"})
    await room.omar.sees("belongs to nobody", in_="@omar")
    assert (await room.agent.is_alive())["may_proceed"] is False
    assert await room.refusals() == [("account:T01ANDON/U06OMAR", "unknown_person")] * 2


async def test_a_stop_without_a_reason_asks_for_one(room: World) -> None:
    """One more look at what it ends; the form's reason is the stop's."""
    await room.salma.types("/andon stop agent:bank-reconciliation")
    await room.salma.sees_modal("Stop the agent bank-reconciliation?")
    assert (await room.agent.is_alive())["may_proceed"] is True
    await room.salma.fills("Why? Whoever resumes it reads this.", "Duplicate postings").submits()
    assert (await room.agent.is_alive())["stopped"]["reason"] == "Duplicate postings"


async def test_a_stop_from_home(room: World) -> None:
    """The Home tab has a stop for each agent, which asks why; and then a resume, for somebody else."""
    await room.salma.opens_home()
    await room.beats()
    await room.salma.clicks("Stop")
    await room.salma.sees_modal("Stop the agent bank-reconciliation?")
    await room.salma.fills("Why? Whoever resumes it reads this.", "Odd").submits()
    await room.nadia.opens_home()
    await room.beats()
    assert "is stopped" in str(room.nadia.home)
    await room.nadia.clicks("Resume")
    await room.nadia.sees("Resumed", in_="@nadia")
    assert (await room.agent.is_alive())["may_proceed"] is True


async def test_a_forged_stop_form_is_refused(room: World) -> None:
    """A form whose hidden scope is unknown stops nothing and is on the record."""
    await room.salma.types("/andon stop all")
    shown = await room.salma.sees_modal("Stop every agent?")
    room.slack.modals[room.khalid.user] = [{**shown, "private_metadata": "agent:nobody"}]
    await room.khalid.fills("Why? Whoever resumes it reads this.", "Odd").submits()
    await room.khalid.sees("There is no such scope", in_="@khalid")
    assert await room.refusals() == [("person:khalid", "unknown_scope")]
    forged = {"type": "button", "action_id": "switch:resume", "value": "agent:nobody"}
    await room.nadia.forges(forged)
    await room.nadia.sees("There is no such scope", in_="@nadia")
    assert await room.refusals() == [("person:khalid", "unknown_scope"), ("person:nadia", "unknown_scope")]


async def test_a_stop_that_outlived_its_agent_can_be_resumed(room: World) -> None:
    """A stopped agent that left the configuration is stopped when it comes back, unless resumed meanwhile."""
    await room.rules_become(with_second_agent())
    second = await room.agent_called("expense-review")
    await room.salma.types("/andon stop agent:expense-review odd")
    await room.rules_become(shipped())
    await room.rules_become(with_second_agent())
    assert (await second.is_alive())["may_proceed"] is False
    await room.rules_become(shipped())
    await room.beats()
    await room.nadia.types("/andon resume agent:expense-review")
    await room.nadia.sees("Resumed", in_="@nadia")
    await room.rules_become(with_second_agent())
    assert (await second.is_alive())["may_proceed"] is True


async def test_a_stop_and_its_end_are_on_the_record(any_room: World) -> None:
    """Who stopped what, why, and how much it ended; who resumed it, and whom they overruled."""
    room = any_room
    asked, _ = await room.agent.asks(), await room.approved()
    await room.salma.types("/andon stop all Something is odd")
    await room.beats()
    await room.nadia.types("/andon resume all")
    (stopped,), (swept,) = await room.events("switch.stopped"), await room.events("switch.swept")
    (killed,), (resumed,) = await room.events("request.killed"), await room.events("switch.resumed")
    assert (stopped.actor, stopped.subject) == ("person:salma", "all")
    assert decode(stopped.data) == {"reason": "Something is odd"}
    assert (killed.actor, killed.subject) == ("person:salma", asked["id"])
    assert (swept.actor, swept.subject) == ("sweeper", "all")
    assert decode(swept.data) == {"killed": 1, "late": 0, "revoked": 1}
    assert (resumed.actor, decode(resumed.data)) == ("person:nadia", {"stopped_by": "salma"})


async def test_the_same_stop_twice_is_one(room: World) -> None:
    """The same signed command, taken by two replicas, stops once; so does the same resume."""
    room.delivers_twice()
    await room.salma.types("/andon stop all odd")
    await room.beats()
    await room.nadia.types("/andon resume all")
    assert len(await room.events("switch.stopped")) == 1
    assert len(await room.events("switch.resumed")) == 1
    assert await room.refusals() == []


async def test_status_tells_of_stops(room: World) -> None:
    """``/andon status`` names what is stopped, by whom, also what holds no whole agent."""
    await room.salma.types("/andon stop action:ledger.post odd")
    await room.salma.types("/andon status")
    await room.salma.sees("Stopped as well:* action:ledger.post", in_="@salma")
    await room.salma.types("/andon stop all odd")
    await room.salma.types("/andon status")
    await room.salma.sees("bank-reconciliation is stopped", in_="@salma")


async def test_whoever_may_not_resume_hears_that_first(room: World) -> None:
    """That the sweep is under way is no reason for somebody who could not resume anyway."""
    await room.agent.asks()
    await room.khalid.types("/andon stop all odd")
    for who in ("khalid", "salma", "nadia"):
        await getattr(room, who).types("/andon resume all")
    assert [reason for _, reason in await room.refusals()] == [
        "same_person_stopped",
        "not_an_operator",
        "still_ending",
    ]


async def test_a_stop_of_the_function_of_today_holds_what_waits_from_before(any_room: World) -> None:
    """The agent works for another function now: a stop of that one ends what it asked for the old one."""
    room = any_room
    waits = await room.agent.asks()
    card = await room.card(waits)
    await room.rules_become(changed(Change(MANIFEST, "function: finance", "function: travel")))
    await room.khalid.types("/andon stop function:travel odd")
    await room.salma.clicks("Approve", on=card)
    assert await room.agent.state_of(waits) == "killed"
