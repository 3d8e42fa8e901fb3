"""The database is brought back from a backup: nothing is released until an operator took note of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.cli.restore import troubles
from bot.head_file import HeadFile
from escalation.action import decode
from escalation.errors import HeadUnknown
from escalation.head import Head, parse
from escalation.ids import PersonId
from escalation.ports import Nowhere
from escalation.reason import Reason, Refused
from escalation.service import restore, seal
from tests.harness.fake_slack import Posted
from tests.scenario.agent import CONFIDENT, POSTING, SMALL, problem_of
from tests.scenario.backups import Backups, MemoryBackups, PostgresBackups, SqliteBackups
from tests.scenario.rules import with_second_agent
from tests.scenario.unreliable import UnreliableStore
from tests.scenario.world import World, world

NADIA = PersonId("nadia")
WHY = "Why? The agent reads this and does better."


@dataclass(slots=True)
class Restorable:
    """A bot whose database can be backed up and brought back."""

    room: World
    backups: Backups
    head: Path

    async def is_backed_up(self) -> None:
        await self.sealed()
        await self.backups.take(self._store)

    async def sealed(self) -> None:
        """Have what happened sealed, and its head kept."""
        await self.room.beats()
        await self.room.beats()

    async def is_brought_back(self) -> None:
        await self.backups.bring_back(self._store, self.room.clock)

    async def starts(self) -> None:
        """Do what a process that starts does before it opens its doors."""
        await restore.begin(self.room.core)

    @property
    def _store(self) -> UnreliableStore:
        assert isinstance(self.room.store, UnreliableStore)
        return self.room.store


@asynccontextmanager
async def restorable(backups: Backups, head: Path) -> AsyncIterator[Restorable]:
    """Yield a bot that keeps its head in a file."""
    async with world(store=backups.open, heads=HeadFile(head)) as room:
        room.expected |= {"releases_frozen", "head_not_kept"}
        yield Restorable(room, backups, head)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def backups(request: pytest.FixtureRequest, tmp_path: Path) -> Backups:
    """Each kind of database in turn."""
    match request.param:
        case "memory":
            return MemoryBackups()
        case "sqlite":
            migrated: Path = request.getfixturevalue("migrated_file")
            file = tmp_path / "andon.db"
            file.write_bytes(migrated.read_bytes())
            return SqliteBackups(file)
        case _:
            return PostgresBackups(request.getfixturevalue("postgres"), request.getfixturevalue("database"))


@pytest.fixture
async def house(backups: Backups, tmp_path: Path) -> AsyncIterator[Restorable]:
    """A bot over each kind of database."""
    async with restorable(backups, tmp_path / "andon.head") as made:
        yield made


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Restorable]:
    """A bot in memory."""
    async with restorable(MemoryBackups(), tmp_path / "andon.head") as made:
        yield made


@dataclass(slots=True)
class Yesterday:
    """What the backup holds, and what became of it since."""

    used: dict[str, Any]  #: Approved then; claimed and done since.
    decided: dict[str, Any]  #: Pending then; rejected since by a stop.
    card: Posted  #: Of the pending one, as it was then.


async def a_backup_of_yesterday(house: Restorable) -> Yesterday:
    """Back up; then use a grant, pull a stop; then bring the backup back."""
    room = house.room
    used, decided = await room.approved(), await room.agent.asks(memo="decided since")
    before = Yesterday(used, decided, deepcopy(await room.card(decided)))
    await house.is_backed_up()
    assert (await room.agent.claims(used)).status_code == 200
    assert (await room.agent.reports(used, "succeeded")).status_code == 200
    await room.salma.types("/andon stop agent:bank-reconciliation Wrong ledger")
    await house.sealed()
    await house.is_brought_back()
    return before


async def test_an_older_copy_releases_nothing(quick: Restorable) -> None:
    """A used grant is not claimed again, nothing is approved, asked or resumed, and everybody is told why."""
    room, before = quick.room, await a_backup_of_yesterday(quick)
    await quick.starts()
    assert problem_of(await room.agent.claims(before.used)) == (503, "frozen")
    assert problem_of(await room.agent.proposes(before.used["action"]["arguments"])) == (503, "frozen")
    alive = await room.agent.is_alive()
    assert (alive["may_proceed"], alive["stopped"]["scope"]) == (False, "all")
    await room.salma.clicks("Approve", on=before.card)
    await room.salma.sees("Nothing is released now", in_="#finance")
    assert await room.agent.state_of(before.decided) == "pending"
    await room.beats()
    told = await room.omar.sees("Releases are frozen", in_="#alerts")
    assert told.says("the head kept outside is at")
    ready = (await room.agent.gets("/readyz")).json()
    assert (ready["ready"], [line[:20] for line in ready["degraded"]]) == (True, ["Releases are frozen:"])
    await room.nadia.types("/andon status")
    await room.nadia.sees("Releases are frozen", in_="@nadia")
    [event] = await room.events("releases.frozen")
    assert decode(event.data)["loss"] == "older"  # type: ignore[index, call-overload]


async def test_the_way_back(house: Restorable) -> None:
    """Acknowledged, everything is stopped, no grant of before is claimed, and another operator resumes."""
    room, before = house.room, await a_backup_of_yesterday(house)
    await house.starts()
    assert problem_of(await room.agent.claims(before.used)) == (503, "frozen")
    done = await restore.acknowledge(room.core, NADIA, "disk failed")
    assert isinstance(done, restore.Acknowledged)
    assert (done.epoch, done.unknown) == (2, 1)
    assert problem_of(await room.agent.claims(before.used)) == (423, "stopped")
    await room.beats()
    assert await room.agent.state_of(before.decided) == "killed"
    await room.nadia.types("/andon resume all")
    assert (await room.agent.is_alive())["stopped"]["scope"] == "all"
    await room.khalid.types("/andon resume all")
    assert (await room.agent.is_alive())["may_proceed"] is True
    assert problem_of(await room.agent.claims(before.used)) == (409, "awaiting-person")
    assert (await room.agent.claims(await room.approved(memo="of today"))).status_code == 200
    await house.sealed()
    await house.starts()
    assert parse(house.head.read_text()).epoch == 2
    assert (await room.agent.gets("/readyz")).json()["degraded"] == []


async def test_what_was_claimed_is_for_a_person_to_find_out(quick: Restorable) -> None:
    """A claim that the copy does not know the end of becomes unknown; the same attempt may not go on."""
    room = quick.room
    running = await room.approved()
    assert (await room.agent.claims(running)).status_code == 200
    await quick.is_backed_up()
    assert (await room.agent.reports(running, "succeeded")).status_code == 200
    await quick.sealed()
    await quick.is_brought_back()
    await quick.starts()
    assert problem_of(await room.agent.claims(running)) == (503, "frozen")
    done = await restore.acknowledge(room.core, NADIA, "disk failed")
    assert isinstance(done, restore.Acknowledged)
    assert done.unknown == 1
    assert (await room.agent.grant_of(running))["state"] == "unknown"
    await room.beats()
    assert (await room.omar.sees("Outcome unknown", in_="#alerts")).says("It happened")


async def test_rejections_stops_and_deadlines_go_on(quick: Restorable) -> None:
    """Frozen, what leads to nothing being done is done: a stop, a deadline, a cancellation."""
    room, before = quick.room, await a_backup_of_yesterday(quick)
    await quick.starts()
    await room.salma.clicks("Reject", on=before.card)
    await room.salma.sees_modal("One rejection is final")
    await room.salma.fills(WHY, "Not now").submits()
    assert await room.agent.state_of(before.decided) == "rejected"
    await room.salma.types("/andon stop all month end")
    assert (await room.agent.is_alive())["stopped"]["scope"] == "all"
    await room.beats()
    await room.nadia.types("/andon resume all")
    await room.nadia.sees("Nothing is released now", in_="@nadia")
    async with room.store.read() as tx:
        assert [str(switch.scope) for switch in await tx.switches.stopped()] == ["all"]
    await room.passes(minutes=15)
    assert (await room.agent.grant_of(before.used))["state"] == "unknown"


async def test_a_deadline_does_not_wait_for_it(quick: Restorable) -> None:
    """Nobody decides while releases are frozen: the clock still says that nothing is done."""
    room, before = quick.room, await a_backup_of_yesterday(quick)
    await quick.starts()
    await room.passes(minutes=15)
    assert await room.agent.state_of(before.decided) == "timed_out"
    assert (await room.agent.grant_of(before.used))["state"] == "unknown"
    assert not (await room.card(before.used)).says("not done")
    await room.salma.clicks("Ask again", on=await room.card(before.decided))
    assert (await room.agent.sees(before.decided))["follow"] is None


async def test_what_a_rule_allows_alone_is_held_too(quick: Restorable) -> None:
    """No rule releases anything from an older copy, and a question gets no answer."""
    room = quick.room
    wondered = await room.agent.wonders("Whose?", "Al Wadi", "Al Noor")
    card = deepcopy(await room.card(wondered))
    await a_backup_of_yesterday(quick)
    await quick.starts()
    allowed = await room.agent.proposes({**POSTING, **SMALL}, confidence=CONFIDENT)
    assert problem_of(allowed) == (503, "frozen")
    await room.salma.clicks("Al Wadi", on=card)
    assert await room.agent.state_of(wondered) == "pending"


async def test_a_database_that_goes_back_under_a_process_is_noticed(tmp_path: Path) -> None:
    """A process that runs remembers what it saw, also where no head is kept in a file."""
    backups = MemoryBackups()
    async with world(store=backups.open) as room:
        room.expected.add("releases_frozen")
        before = await a_backup_of_yesterday(Restorable(room, backups, tmp_path / "none"))
        await room.beats()
        assert problem_of(await room.agent.claims(before.used)) == (503, "frozen")


async def test_a_copy_that_went_on_is_found_as_well(quick: Restorable) -> None:
    """Where an older copy served without its head, and wrote more than was lost, its hash gives it away."""
    room = quick.room
    await a_backup_of_yesterday(quick)
    kept = quick.head.read_text()
    nowhere = replace(room.core, heads=Nowhere())
    for number in range(20):
        await room.agent.asks(memo=f"another {number}")
    for _ in range(3):
        await seal.seal(nowhere, batch=100)
    assert quick.head.read_text() == kept
    await quick.starts()
    [event] = await room.events("releases.frozen")
    assert decode(event.data)["loss"] == "forked"  # type: ignore[index, call-overload]


async def test_a_backup_from_before_an_acknowledgement_is_old_again(quick: Restorable) -> None:
    """A second restore of the same copy freezes again, and the epoch after it is a new one."""
    room = quick.room
    await a_backup_of_yesterday(quick)
    await quick.starts()
    await restore.acknowledge(room.core, NADIA, "disk failed")
    await quick.sealed()
    await quick.is_brought_back()
    await quick.starts()
    again = await restore.acknowledge(room.core, NADIA, "disk failed again")
    assert isinstance(again, restore.Acknowledged)
    assert again.epoch == 3


async def test_only_operators_acknowledge_and_only_what_is_frozen(quick: Restorable) -> None:
    """Nobody else thaws an older copy; where nothing is wrong nothing is stopped."""
    room = quick.room
    await quick.sealed()
    assert await restore.acknowledge(room.core, NADIA, "why not") == Refused(Reason.NOT_FROZEN)
    before = await a_backup_of_yesterday(quick)
    await quick.starts()
    refused = await restore.acknowledge(room.core, PersonId("salma"), "disk failed")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_AN_OPERATOR
    assert problem_of(await room.agent.claims(before.used)) == (503, "frozen")


async def test_an_acknowledgement_that_is_broken_off_is_made_again(quick: Restorable) -> None:
    """Until the end of it releases stay frozen; the second time it ends what the first left open."""
    room, before = quick.room, await a_backup_of_yesterday(quick)
    await quick.starts()
    await restore._stop_everything(room.core, NADIA, "disk failed", "broken off")
    assert problem_of(await room.agent.claims(before.used)) == (503, "frozen")
    done = await restore.acknowledge(room.core, NADIA, "disk failed")
    assert isinstance(done, restore.Acknowledged)
    assert (done.epoch, done.unknown) == (2, 1)


async def test_a_head_that_is_gone_or_anothers_stops_the_start(quick: Restorable) -> None:
    """A process does not open its doors where it cannot tell, and says what to do; nothing is lost."""
    room = quick.room
    await quick.sealed()
    kept = quick.head.read_text()
    quick.head.unlink()
    with pytest.raises(HeadUnknown, match=r"andon\.head: the head .* is missing.*andon restore check --head"):
        await quick.starts()
    quick.head.write_text("no head")
    with pytest.raises(HeadUnknown, match="holds no head of a record"):
        await quick.starts()
    foreign = kept.replace('"record":"rec_', '"record":"rec_x')
    quick.head.write_text(foreign)
    with pytest.raises(HeadUnknown, match=r"another database's.*ANDON_HEAD_FILE"):
        await quick.starts()
    await room.beats()
    assert quick.head.read_text() == foreign, "nobody writes over another's head"
    quick.head.write_text(kept)
    await quick.starts()


async def test_an_empty_database_beside_a_head_does_not_start(tmp_path: Path) -> None:
    """A new database in the place of one that was lost is told as what it is, and the head stays."""
    async with restorable(MemoryBackups(), tmp_path / "andon.head") as first:
        await first.sealed()
        kept = first.head.read_text()
    async with restorable(MemoryBackups(), tmp_path / "andon.head") as second:
        with pytest.raises(HeadUnknown, match=r"this database has no record at all.*move this one away"):
            await second.starts()
        assert second.head.read_text() == kept
        second.head.unlink()


async def test_a_head_from_the_audit_channel_is_as_good(quick: Restorable) -> None:
    """With the head that was noted in Slack an operator finds out, and has the file written anew."""
    room = quick.room
    await quick.sealed()
    kept = parse(quick.head.read_text())
    noted = replace(kept, record="", at=None)
    quick.head.unlink()
    sight = await restore.check(room.core, noted)
    assert (sight.loss, parse(quick.head.read_text()).seq) == (None, kept.seq)
    await quick.starts()
    later = replace(noted, seq=kept.seq + 5)
    assert (await restore.check(room.core, later)).doubt == (
        f"the head kept outside is at {kept.seq + 5}, this database ends at {kept.seq} of 2026-11-16 12:00Z"
    )
    assert not isinstance(await room.approved(), Refused), "to look changes nothing"
    assert await restore.freeze(room.core, later) is not None
    assert problem_of(await room.agent.proposes({})) == (503, "frozen")


def head_of(house: Restorable) -> Head:
    """Return the head in the file."""
    return parse(house.head.read_text())


async def test_the_head_follows_within_seconds(quick: Restorable) -> None:
    """What was sealed is kept outside at the next beat, and never replaced by an older head."""
    room = quick.room
    await quick.sealed()
    before = head_of(quick)
    await room.agent.asks()
    await quick.sealed()
    after = head_of(quick)
    assert (after.record, after.seq > before.seq) == (before.record, True)
    await room.core.heads.keep(before)
    assert head_of(quick) == after


async def test_a_change_of_rules_thaws_nothing(quick: Restorable) -> None:
    """Another configuration that is put in force leaves the freeze and the epoch as they are."""
    room, before = quick.room, await a_backup_of_yesterday(quick)
    await quick.starts()
    await room.rules_become(with_second_agent())
    assert problem_of(await room.agent.claims(before.used)) == (503, "frozen")


async def test_without_a_head_outside_it_cannot_be_known(quick: Restorable) -> None:
    """Where none is kept, the doctor says so and what to set; where all is well, nothing."""
    await quick.sealed()
    core = quick.room.core
    assert await troubles(core) == []
    [said] = await troubles(replace(core, heads=Nowhere()))
    assert said == (
        "No head of the record is kept outside, so an older copy of the database cannot be told;"
        " name a file with ANDON_HEAD_FILE."
    )


async def test_a_head_that_cannot_be_kept_is_told(quick: Restorable) -> None:
    """It is degraded and says so until the file is mended; a restore is noticed all the same."""
    room = quick.room
    await quick.sealed()
    kept = quick.head.read_text()
    quick.head.write_text("no head")
    await room.beats()
    said = (await room.agent.gets("/readyz")).json()["degraded"]
    assert said == ["The head of the record is not kept outside; the log says why"]
    quick.head.write_text(kept)
    await room.beats()
    assert (await room.agent.gets("/readyz")).json()["degraded"] == []
    await quick.is_backed_up()
    quick.head.write_text("no head")
    await room.agent.asks(memo="since the backup")
    await quick.sealed()
    await quick.is_brought_back()
    await room.beats()
    assert problem_of(await room.agent.proposes(POSTING)) == (503, "frozen")
