"""The Home tab and ``/andon``: what waits for me, how things stand, and answers that only I see."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from escalation.service import configure
from tests.harness.fake_person import FakePerson
from tests.scenario.laws import clicks_in
from tests.scenario.rules import RUNBOOK, Change, changed, shipped
from tests.scenario.world import World


async def home(room: World, person: FakePerson) -> str:
    """Return what *person*'s Home tab says."""
    assert (await person.opens_home()).status == 200
    await room.beats()
    return json.dumps(person.home, ensure_ascii=False)


async def test_home_shows_my_queue(room: World) -> None:
    """What I may decide, soonest deadline first; nothing of what only others may."""
    await room.agent.asks(memo="for managers")
    room.clock.advance(minutes=1)
    await room.agent.asks(amount="7200.000", memo="for directors")
    await room.agent.wonders("Whose?", "Al Wadi")
    salma, maryam, nadia = [await home(room, person) for person in (room.salma, room.maryam, room.nadia)]
    assert "61.500" in salma
    assert "Whose?" in salma
    assert "7200.000" not in salma
    assert salma.index("61.500") < salma.index("Whose?")
    assert "7200.000" in maryam
    assert "61.500" not in maryam
    assert "Nothing waits for you" in nadia


async def test_deciding_from_home(room: World) -> None:
    """A request is opened from the Home tab, approved there, and then stands among what I decided."""
    asked = await room.agent.asks()
    await home(room, room.salma)
    await room.salma.clicks("Open to decide")
    await room.salma.sees_modal("Courier")
    await room.salma.submits()
    assert await room.agent.state_of(asked) == "approved"
    await room.beats()
    shown = json.dumps(room.salma.home, ensure_ascii=False)  # brought up to date without opening it again
    assert "Nothing waits for you" in shown
    assert "61.500" in shown.partition("What you decided")[2]
    assert "61.500" not in (await home(room, room.khalid)).partition("What you decided")[2]


async def test_rejecting_from_home(room: World) -> None:
    """Reject works from the Home tab; a click on what the tab still shows is answered directly."""
    asked = await room.agent.asks()
    shown = json.loads(await home(room, room.salma))
    await room.salma.clicks("Reject")
    await room.salma.sees_modal("One rejection is final")
    await room.salma.fills("Why? The agent reads this and does better.", "No").submits()
    assert await room.agent.state_of(asked) == "rejected"
    stale = next(block for block in shown["blocks"] if "Reject" in json.dumps(block))
    await room.salma.forges(stale["elements"][1])
    await room.salma.sees("Rejected by", in_="@salma")
    assert room.salma.modal is None


async def test_home_of_a_stranger(room: World) -> None:
    """Who belongs to nobody we know sees nothing but that."""
    await room.agent.asks()
    shown = await home(room, room.omar)
    assert "belongs to nobody in andon.yaml" in shown
    assert "61.500" not in shown


async def test_home_of_another_workspaces_user(room: World) -> None:
    """The same user id in another workspace sees a stranger's Home."""
    await room.agent.asks()
    stranger = FakePerson(slack=room.slack, name="elsewhere", user="U01SALMA", workspace="T99OTHER")
    assert "belongs to nobody in andon.yaml" in await home(room, stranger)


async def test_status(room: World) -> None:
    """``/andon status`` counts what waits and what runs, for the one who asks alone."""
    await room.agent.asks()
    await room.agent.wonders("Whose?", "Al Wadi")
    await room.salma.types("/andon status", in_="#finance")
    said = await room.salma.sees("1 of 1 agents are running; 2 requests wait.", in_="#finance")
    assert said.only_for == room.salma.user


async def test_queue(room: World) -> None:
    """``/andon queue`` lists what I may decide and opens it; somebody with nothing to decide hears that."""
    asked = await room.agent.asks()
    await room.card(asked)
    await room.salma.types("/andon queue", in_="#finance")
    listed = await room.salma.sees("1 request waits.", in_="#finance")
    await room.salma.clicks("Open to decide", on=listed)
    await room.salma.sees_modal("Courier")
    await room.salma.submits()
    assert await room.agent.state_of(asked) == "approved"
    await room.maryam.types("/andon queue", in_="#finance")
    await room.maryam.sees("Nothing waits for your decision", in_="#finance")


async def test_why(room: World) -> None:
    """``/andon why`` names the rule that asked and its condition; an unknown id is said to be one."""
    asked = await room.agent.asks()
    await room.salma.types(f"/andon why {asked['id']}", in_="#finance")
    assert (await room.salma.sees("rule manager asked for a person", in_="#finance")).says(
        "decimal(args.amount)"
    )
    await room.salma.types("/andon why req_none", in_="#finance")
    await room.salma.sees("There is no such request. (req_none)", in_="#finance")
    wondered = await room.agent.wonders("Whose?", "Al Wadi")
    await room.salma.types(f"/andon why {wondered['id']}", in_="#finance")
    await room.salma.sees("The agent asked a question", in_="#finance")


async def test_runbook(room: World) -> None:
    """``/andon runbook`` opens the agent's runbook; an unknown agent is said to be one."""
    await room.salma.types("/andon runbook bank-reconciliation", in_="#finance")
    await room.salma.sees_modal("Once a month it reads")
    await room.salma.types("/andon runbook nobody", in_="#finance")
    await room.salma.sees("No manifest names this agent. (nobody)", in_="#finance")
    await room.salma.types("/andon runbook bank-reconcilation")
    await room.salma.sees("Did you mean /andon runbook bank-reconciliation?", in_="@salma")
    await room.salma.types("/andon runbook")
    await room.salma.sees("Which agent's? There is: bank-reconciliation.", in_="@salma")
    await room.salma.types("/andon why")
    await room.salma.sees("Its id stands at the foot of its card", in_="@salma")


async def test_a_runbook_that_is_not_there(room: World) -> None:
    """When the text of a runbook is not on this server, the modal says so instead of being empty."""
    await room.rules_become(replace(shipped(), sources={}))
    asked = await room.agent.asks()
    await room.salma.clicks("Runbook", on=await room.card(asked))
    await room.salma.sees_modal("is not on this server")


async def test_help_is_for_everybody(room: World) -> None:
    """Help, nothing, and anything unknown list the words there are; strangers get help and no more."""
    for line in ("/andon", "/andon help", "/andon HELP"):
        await room.salma.types(line, in_="#finance")
        await room.beats()
    assert len([p for p in room.slack.messages if p.says("/andon status, queue")]) == 3
    await room.salma.types("/andon approve everything", in_="#finance")
    await room.salma.sees("There is no /andon approve", in_="#finance")
    await room.omar.types("/andon help", in_="#finance")
    await room.omar.sees("/andon status, queue", in_="#finance")
    for line in ("/andon status", "/andon queue", "/andon why x", "/andon runbook bank-reconciliation"):
        before = len(room.slack.messages)
        await room.omar.types(line, in_="#finance")
        await room.beats()
        assert room.slack.messages[before].says("belongs to nobody"), line
    assert await clicks_in(room.store) == {}


async def test_case_and_blanks_do_not_matter(room: World) -> None:
    """People type on phones: capitals and blanks around a word are forgiven."""
    await room.salma.types("/andon   Status  ", in_="#finance")
    await room.salma.sees("agents are running", in_="#finance")


async def test_a_command_works_where_we_are_not(room: World) -> None:
    """In a channel without us the answer comes directly."""
    form = {
        "command": "/andon",
        "text": "status",
        "team_id": "T01ANDON",
        "user_id": room.salma.user,
        "channel_id": "C77ELSEWHERE",
        "trigger_id": "t",
    }
    await room.salma.sends(urlencode(form).encode(), "application/x-www-form-urlencoded")
    await room.salma.sees("agents are running", in_="@salma")


async def test_a_changed_configuration_shows_at_once(room: World) -> None:
    """Home and runbook are drawn from what is in force now."""
    await room.rules_become(changed(Change(RUNBOOK, "Once a month it reads", "Every Sunday it reads")))
    await room.salma.types("/andon runbook bank-reconciliation")
    await room.salma.sees_modal("Every Sunday it reads")


_PASTED = "xoxb-1234-pasted"


@pytest.mark.parametrize(
    "line", [f"resume action:{_PASTED}", f"stop action:{_PASTED} odd", f"stop {_PASTED} odd"]
)
@pytest.mark.parametrize("workspace", ["T01ANDON", "T99OTHER"])
async def test_what_was_typed_for_a_scope_is_nowhere_in_clear(room: World, line: str, workspace: str) -> None:
    """A secret that was pasted where a scope belongs is committed to, as words are, by whomever."""
    typist = FakePerson(slack=room.slack, name="typist", user="U01SALMA", workspace=workspace)
    await typist.types(f"/andon {line}")
    async with room.store.read() as tx:
        entries = await tx.record.page(agent=None, subject=None, limit=100)
    assert "ingress.refused" in [entry.event.name for entry in entries if entry.event is not None] or (
        workspace == "T01ANDON" and line.startswith("stop")
    )
    assert [entry for entry in entries if _PASTED in f"{entry.event}"] == []


async def test_files_that_were_refused_are_shown_as_long_as_they_are(room: World) -> None:
    """Whoever asks for the status reads what is wrong; readiness says where, to anybody, and no more."""
    version = room.core.configuration().version
    problems = "andon.yaml:12: `sla` is no duration: write 15m\nagents/x/manifest.yaml:3: is odd: remove it"
    await configure.refuse(room.core, problems, files="aa")
    begun, ended = "Changed files refused since 12:00 UTC", f"version {version[:12]} stays in force"
    ready = (await room.agent.gets("/readyz")).json()
    assert (ready["ready"], ready["degraded"]) == (True, [f"{begun}: andon.yaml line 12 and 1 more; {ended}"])
    await room.salma.types("/andon status", in_="#finance")
    told = await room.salma.sees(f"{begun}: andon.yaml line 12: ", in_="#finance")
    assert told.says("is no duration: write 15m and 1 more;")
    assert told.says(ended)
    await configure.accept(room.core)
    assert (await room.agent.gets("/readyz")).json()["degraded"] == []


async def test_readiness_quotes_no_file(room: World) -> None:
    """What is wrong as a whole may name anything: there it is left to the log."""
    await configure.refuse(room.core, "andon.yaml says workspace: T02SECRET", files="aa")
    (line,) = (await room.agent.gets("/readyz")).json()["degraded"]
    assert "refused since 12:00 UTC: the log says why; version" in line
