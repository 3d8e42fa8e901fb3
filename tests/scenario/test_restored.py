"""After a restore nothing is told that the copy cannot know, no proof is lost, and nobody goes on alone."""

from dataclasses import replace

import pytest

from escalation.action import decode
from escalation.errors import HeadUnknown
from escalation.head import Loss
from escalation.ports import Aside
from escalation.service import restore
from escalation.service.doctor import release
from escalation.switch import EVERYTHING
from tests.scenario.agent import problem_of
from tests.scenario.test_restore import (
    NADIA,
    Restorable,
    a_backup_of_yesterday,
    backups,
    head_of,
    house,
    quick,
)

__all__ = ["backups", "house", "quick"]


async def test_a_noted_head_says_nothing_against_a_newer_one_that_is_kept(quick: Restorable) -> None:
    """A head noted before the backup is in the copy; what was lost since is told, and its proof stays."""
    room = quick.room
    used = await room.approved()
    await quick.sealed()
    noted = replace(head_of(quick), record="", at=None)
    await quick.is_backed_up()
    assert (await room.agent.claims(used)).status_code == 200
    await quick.sealed()
    await quick.is_brought_back()
    kept = quick.head.read_text()
    assert (await restore.check(room.core, noted)).loss is Loss.OLDER
    assert quick.head.read_text() == kept
    await quick.starts()
    assert problem_of(await room.agent.claims(used)) == (503, "frozen")


async def test_what_was_kept_of_another_database_stays(quick: Restorable) -> None:
    """Neither a check nor an acknowledgement writes over it, and the second changes nothing at all."""
    room = quick.room
    await quick.sealed()
    mine = head_of(quick)
    foreign = quick.head.read_text().replace('"record":"rec_', '"record":"rec_x')
    quick.head.write_text(foreign)
    assert (await restore.check(room.core, replace(mine, record=""))).loss is Loss.ANOTHER
    with pytest.raises(HeadUnknown, match=r"another database's record.*name another file"):
        await restore.acknowledge(room.core, NADIA, "disk failed")
    assert quick.head.read_text() == foreign
    assert (await room.agent.is_alive())["may_proceed"] is True


async def test_what_cannot_be_read_is_written_anew(quick: Restorable) -> None:
    """A noted head that the database has is proof enough where the file is none."""
    await quick.sealed()
    kept = head_of(quick)
    quick.head.write_text("no head")
    assert (await restore.check(quick.room.core, replace(kept, record=""))).loss is None
    assert head_of(quick) == kept


async def test_what_was_used_since_the_backup_is_not_told_as_undone(quick: Restorable) -> None:
    """The copy holds as unused what was done: it is unknown, an alarm says why, and a person resolves it."""
    room, before = quick.room, await a_backup_of_yesterday(quick)
    await quick.starts()
    await restore.acknowledge(room.core, NADIA, "disk failed")
    await room.beats()
    assert (await room.card(before.decided)).says("it is not known what was done since")
    card = await room.card(before.used)
    assert card.says("Nobody knows whether it happened")
    assert not card.says("not done")
    assert "A person finds out" in (await room.agent.sees(before.used))["what_to_do_next"]
    alarm = await room.omar.sees("Outcome unknown", in_="#alerts")
    assert alarm.says("whether it was done since is not known")
    await room.nadia.clicks("It happened", on=alarm)
    assert (await room.agent.grant_of(before.used))["state"] == "succeeded"


@pytest.mark.parametrize("frozen", [True, False])
async def test_a_report_of_what_was_claimed_since_the_backup_is_kept(
    quick: Restorable, *, frozen: bool
) -> None:
    """Its attempt is not in the copy; the report is kept, and shown to whoever says what happened."""
    room = quick.room
    used = await room.approved()
    await quick.is_backed_up()
    assert (await room.agent.claims(used)).status_code == 200
    await quick.sealed()
    await quick.is_brought_back()
    await quick.starts()
    if not frozen:
        await restore.acknowledge(room.core, NADIA, "disk failed")
    told = await room.agent.reports(used, "succeeded")
    assert problem_of(told) == (409, "awaiting-person")
    assert "your report is kept" in told.text
    await room.beats()
    alarm = await room.omar.sees("Outcome unknown", in_="#alerts")
    assert alarm.says("the agent reports too late to count")
    assert (await room.card(used)).says("that it succeeded")


async def test_a_stop_takes_nothing_back_from_an_older_copy(quick: Restorable) -> None:
    """Its sweep says of an unused grant that nobody knows, and not that nothing was done."""
    room, before = quick.room, await a_backup_of_yesterday(quick)
    await quick.starts()
    await room.salma.types("/andon stop all month end")
    await room.beats()
    assert (await room.agent.grant_of(before.used))["state"] == "unknown"
    assert not (await room.card(before.used)).says("not done")
    [swept] = await room.events("switch.swept")
    assert decode(swept.data)["revoked"] == 0  # type: ignore[index, call-overload]


async def test_whoever_acknowledges_does_not_resume_alone(house: Restorable) -> None:
    """Also where somebody else had stopped everything in the copy; a stop of later is for anybody again."""
    room = house.room
    await room.khalid.types("/andon stop all Month end")
    await house.is_backed_up()
    await room.nadia.types("/andon resume all")
    await house.sealed()
    await house.is_brought_back()
    await house.starts()
    assert isinstance(await restore.acknowledge(room.core, NADIA, "disk failed"), restore.Acknowledged)
    await room.beats()
    await room.nadia.types("/andon resume all")
    assert (await room.agent.is_alive())["may_proceed"] is False
    await room.nadia.sees("You acknowledged the restore", in_="@nadia")
    await room.khalid.types("/andon resume all")
    assert (await room.agent.is_alive())["may_proceed"] is False
    async with room.store.write() as tx:
        switch = await tx.switches.lock(EVERYTHING)
        assert switch is not None
        await tx.switches.save(replace(switch, stop=None, version=switch.version + 1))
    await room.passes(minutes=1)
    await room.khalid.types("/andon stop all again")
    await room.beats()
    await room.nadia.types("/andon resume all")
    assert (await room.agent.is_alive())["may_proceed"] is True


@pytest.mark.parametrize("claimed", [True, False])
async def test_a_grant_that_was_set_aside_does_not_outlive_an_acknowledgement(
    quick: Restorable, *, claimed: bool
) -> None:
    """Acknowledging could not read it: let go afterwards, nobody knows whether it was used."""
    room = quick.room
    held = await room.approved()
    grant = (await room.agent.grant_of(held))["id"]
    if claimed:
        assert (await room.agent.claims(held)).status_code == 200
    async with room.store.write() as tx:
        await tx.set_aside.add(Aside(kind="grants", id=grant, why="torn", at=tx.now))
    await quick.is_backed_up()
    await room.agent.asks(memo="since the backup")
    await quick.sealed()
    await quick.is_brought_back()
    await quick.starts()
    assert isinstance(await restore.acknowledge(room.core, NADIA, "disk failed"), restore.Acknowledged)
    await room.beats()
    await room.khalid.types("/andon resume all")
    await release(room.core, grant)
    assert (await room.agent.grant_of(held))["state"] == "unknown"
    assert problem_of(await room.agent.claims(held)) == (409, "awaiting-person")
