"""A stop ends what it can: one row that cannot be ended is set aside, and neither it nor others wait."""

from collections.abc import AsyncIterator

import pytest

from escalation.engine import sweeping
from escalation.engine.deadlines import module as deadlines_module
from escalation.request import State
from escalation.service import doctor, sweep
from escalation.service.stop import Moved, resume
from escalation.store.sqlite import SqliteStore
from escalation.switch import EVERYTHING
from tests.harness.vandal import Vandal
from tests.scenario.conftest import OpenStore
from tests.scenario.test_sweep import NADIA, counts, crowd, pulls, states, stored
from tests.scenario.test_use_cases import by
from tests.scenario.unreliable import Away, UnreliableStore
from tests.scenario.world import World, world

#: Over what keeps rows that can be broken.
ON_DISK = pytest.mark.parametrize("any_store", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
async def bad_room(any_store: OpenStore) -> AsyncIterator[World]:
    """A bot over each store, in which something is expected to be set aside."""
    async with world(store=any_store) as room:
        room.expected |= {"row_set_aside", "row_not_settled"}
        yield room


async def _refuses_changes(room: World, table: str, id_: str) -> None:
    """Have the database take no change of one row of *table*, as a check of a newer version may."""
    vandal = Vandal(room.store)
    if isinstance(room.store, SqliteStore):
        await vandal.runs(
            f"CREATE TRIGGER keeps_{table} BEFORE UPDATE ON {table} WHEN OLD.id = '{id_}'"
            " BEGIN SELECT RAISE(ABORT, 'a test says so'); END"
        )
        return
    await vandal.runs(f"ALTER TABLE {table} ADD CONSTRAINT keeps CHECK (id <> '{id_}' OR version < 2)")


async def _takes_changes(room: World, table: str) -> None:
    if isinstance(room.store, SqliteStore):
        await Vandal(room.store).runs(f"DROP TRIGGER keeps_{table}")
    # The vandal drops PostgreSQL's checks whenever it comes.
    await Vandal(room.store).runs("SELECT 1")


@ON_DISK
async def test_one_request_that_cannot_be_ended_keeps_nobody_waiting(bad_room: World) -> None:
    """The rest of its batch is ended, the stop is let go of; the one is named, and ends at its release."""
    room = bad_room
    ids = await crowd(room, 5)
    await _refuses_changes(room, "requests", ids[2])
    await pulls(room.core)
    assert await sweeping.module(room.core).run() == 6
    assert [(each.kind, each.id) for each in (await doctor.findings(room.core, limit=9)).aside] == [
        ("requests", ids[2])
    ]
    assert await counts(room) == [{"killed": 5, "late": 0, "revoked": 0}]
    assert isinstance(await resume(room.core, by(NADIA, "resume"), EVERYTHING), Moved)
    await _takes_changes(room, "requests")
    await doctor.release(room.core, ids[2])
    assert await states(room) == {State.KILLED}


@ON_DISK
async def test_the_only_request_that_waits_is_set_aside_as_well(bad_room: World) -> None:
    """One row alone, which no transaction can change, does not keep the stop from being let go of."""
    room = bad_room
    asked = await room.agent.asks()
    await _refuses_changes(room, "requests", asked["id"])
    await pulls(room.core)
    await sweeping.module(room.core).run()
    assert isinstance(await resume(room.core, by(NADIA, "resume"), EVERYTHING), Moved)
    await _takes_changes(room, "requests")
    await doctor.release(room.core, asked["id"])
    assert (await stored(room, asked)).state is State.KILLED


@ON_DISK
async def test_one_grant_that_cannot_be_taken_back_keeps_nobody_waiting(bad_room: World) -> None:
    """The other grants are revoked and the stop is let go of; the one is claimed by nobody."""
    room = bad_room
    bad, other = await room.approved(), await room.approved(memo="Another")
    grant = (await room.agent.grant_of(bad))["id"]
    await _refuses_changes(room, "grants", grant)
    await pulls(room.core)
    await sweeping.module(room.core).run()
    assert (await room.agent.grant_of(other))["state"] == "revoked"
    assert [(each.kind, each.id) for each in (await doctor.findings(room.core, limit=9)).aside] == [
        ("grants", grant)
    ]
    assert isinstance(await resume(room.core, by(NADIA, "resume"), EVERYTHING), Moved)
    await _takes_changes(room, "grants")
    await doctor.release(room.core, grant)
    assert (await room.agent.grant_of(bad))["state"] == "revoked"


# --- what is about no row -----------------------------------------------------------------------------------


@ON_DISK
async def test_a_table_that_is_missing_is_about_no_request(bad_room: World) -> None:
    """The only request that is due is not blamed for what would fail with any; it ends after the repair."""
    room, vandal = bad_room, Vandal(bad_room.store)
    room.expected |= {"module_failed", "module_stumbled"}
    asked = await room.agent.asks()
    await room.card(asked)
    await vandal.runs("ALTER TABLE rungs RENAME TO rungs_away")
    room.clock.advance(hours=1)
    module = deadlines_module(room.core)
    await module.run()
    assert module.error is not None
    assert (await doctor.findings(room.core, limit=9)).aside == []
    await vandal.runs("ALTER TABLE rungs_away RENAME TO rungs")
    await module.run()
    assert (await stored(room, asked)).state is State.TIMED_OUT


@pytest.mark.parametrize("away", [Away.AT_THE_START, Away.AT_THE_COMMIT])
async def test_a_database_that_is_away_is_about_no_request(any_store: OpenStore, away: Away) -> None:
    """The only request that is due, or stopped, waits until the database is back."""
    async with world(store=lambda clock: UnreliableStore(any_store(clock))) as room:
        room.expected |= {"module_stumbled"}
        store = room.store
        assert isinstance(store, UnreliableStore)
        asked = await room.agent.asks()
        await room.card(asked)
        modules = [deadlines_module(room.core), sweeping.module(room.core)]
        await pulls(room.core)
        room.clock.advance(hours=1)
        with store.goes_away(away):
            for module in modules:
                await module.run()
                assert module.error is not None
        assert (await doctor.findings(room.core, limit=9)).aside == []
        (found,) = await sweep.unfinished(room.core)
        await modules[1].run()
        assert (await stored(room, asked)).state is State.KILLED
        assert (await sweep.unfinished(room.core)) == []
        assert found.killed == 0
