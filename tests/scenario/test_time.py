"""The clock: reminders, the backup, the safe default, and people who say that they are looking."""

from datetime import timedelta

from escalation.ladder import Rung
from tests.scenario.rules import ANDON, MANIFEST, RUNBOOK, Change, changed
from tests.scenario.world import NOON, World

TICK = timedelta.resolution


async def test_silence_is_no_consent(any_room: World) -> None:
    """Nobody decides: reminder at half, backup at four fifths, and at the deadline nothing is done."""
    room = any_room
    asked = await room.agent.asks()
    await room.card(asked)
    await room.passes(minutes=7, seconds=29)
    assert await room.salma.misses("half of the time", in_="#finance")
    await room.passes(seconds=1)
    await room.salma.sees("half of the time", in_="#finance")
    await room.passes(minutes=4, seconds=30)
    await room.khalid.sees("you are the backup", in_="@khalid")
    await room.passes(minutes=2, seconds=59)
    assert await room.agent.state_of(asked) == "pending"
    await room.passes(seconds=1)
    settled = await room.agent.sees(asked)
    assert (settled["state"], settled["grant"]) == ("timed_out", None)
    assert settled["what_to_do_next"].startswith("Do not act. Nobody decided in time")
    await room.nadia.sees("Nobody decided in time", in_="@nadia")
    await room.omar.sees("Nobody decided in time", in_="#alerts")
    assert (await room.card(asked)).says("Timed out")


async def test_each_rung_is_on_the_record(room: World) -> None:
    """Planned and actual time of every rung are kept, also when the engine came late."""
    asked = await room.agent.asks()
    await room.card(asked)
    await room.passes(minutes=8)
    await room.passes(minutes=7)
    async with room.store.read() as tx:
        steps = await tx.steps.of(asked["id"])
    assert [(step.rung, step.planned_at - NOON, step.actual_at - NOON) for step in steps] == [
        (Rung.NUDGED, timedelta(minutes=7, seconds=30), timedelta(minutes=8)),
        (Rung.DEFAULTED, timedelta(minutes=15), timedelta(minutes=15)),
    ]


async def test_the_engine_came_back_after_the_deadline(any_room: World) -> None:
    """After an hour away, what is overdue is settled once, at once, and nobody is reminded of it."""
    room = any_room
    asked = [await room.agent.asks(memo=f"Courier {number}") for number in range(3)]
    await room.beats()
    await room.passes(hours=1)
    assert {await room.agent.state_of(one) for one in asked} == {"timed_out"}
    assert await room.salma.misses("half of the time", in_="#finance")
    assert len(await room.events("request.timed_out")) == 3
    await room.passes(hours=1)
    assert len(await room.events("request.timed_out")) == 3


async def test_the_last_microsecond_counts(any_room: World) -> None:
    """A click one microsecond before the deadline approves."""
    room = any_room
    asked = await room.agent.asks()
    card = await room.card(asked)
    room.clock.at = NOON + timedelta(minutes=15) - TICK
    await room.salma.clicks("Approve", on=card)
    assert await room.agent.state_of(asked) == "approved"


async def test_looking_pauses_the_reminders_not_the_deadline(any_room: World) -> None:
    """After "I am looking" nobody is reminded or paged, and the deadline comes all the same."""
    room = any_room
    asked = await room.agent.asks()
    await room.salma.clicks("I am looking", on=await room.card(asked))
    card = await room.card(asked)
    assert card.says("Salma Al Harthi is looking; the deadline stands.")
    assert [said.says("The reminders pause") for said in await room.thread(asked)] == [True]
    await room.passes(minutes=14, seconds=59)
    assert await room.salma.misses("half of the time", in_="#finance")
    assert await room.khalid.misses("you are the backup", in_="@khalid")
    assert await room.agent.state_of(asked) == "pending"
    await room.passes(seconds=1)
    assert await room.agent.state_of(asked) == "timed_out"


async def test_only_one_is_looking(room: World) -> None:
    """The second who says so is told that somebody is; a director is told that it is not theirs."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.maryam.clicks("I am looking", on=card)
    await room.maryam.sees("You are not an approver", in_="#finance")
    await room.salma.clicks("I am looking", on=card)
    await room.khalid.clicks("I am looking", on=card)
    await room.khalid.sees("Somebody is looking at this already", in_="#finance")
    await room.khalid.clicks("Approve", on=card)
    assert (await room.agent.sees(asked))["decided_by"] == ["khalid"]


async def test_a_stranger_is_not_looking(room: World) -> None:
    """An acknowledgement by nobody we know, or after the deadline, changes nothing."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.omar.clicks("I am looking", on=card)
    await room.omar.sees("belongs to nobody", in_="#finance")
    room.clock.advance(minutes=15)
    await room.salma.clicks("I am looking", on=card)
    await room.salma.sees("Nobody decided in time", in_="#finance")
    assert await room.events("request.acknowledged") == []


async def test_the_sla_is_configuration(room: World) -> None:
    """What is asked after the SLA changed has the new deadline; what was asked before keeps its own."""
    before = await room.agent.asks()
    await room.rules_become(changed(Change(ANDON, "sla: 15m ", "sla: 30m ")))
    after = await room.agent.asks()
    assert (before["deadline"], after["deadline"]) == ("2026-11-16T12:15:00Z", "2026-11-16T12:30:00Z")


async def test_the_backup_is_told_even_if_the_agent_is_gone(room: World) -> None:
    """When the manifest is gone, the owner who was named with the request is told instead of the backup."""
    asked = await room.agent.asks()
    await room.card(asked)
    await room.passes(minutes=8)
    await room.rules_become(
        changed(
            Change(MANIFEST, "agent: bank-reconciliation", "agent: other"),
            Change(RUNBOOK, "[bank-reconciliation]", "[other]"),
        )
    )
    await room.passes(minutes=4)
    await room.nadia.sees("Most of the time is over", in_="@nadia")
