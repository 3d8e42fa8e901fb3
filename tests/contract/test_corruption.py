"""Whatever happens to one column of one row, its neighbours are settled and stopped as if nothing had."""

import asyncio
import shutil
import sqlite3
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.ids import RequestId, Ulids
from escalation.service import deadlines
from escalation.service.context import Core
from escalation.store.sqlite import SqliteStore
from escalation.store.tables import grants, requests
from escalation.switch import EVERYTHING
from escalation.wakeups.local import LocalWakeups
from tests.contract import samples
from tests.contract.samples import NOON, MovableClock
from tests.harness.vandal import Vandal
from tests.scenario.rules import shipped

#: SQL for what no version of ours writes, or only a newer one.
_ODD = st.sampled_from(
    [
        *("NULL", "-1", "7", "1.5", "9223372036854775807", "-9223372036854775808", "''", "'{}'", "'[[]]'"),
        *("'waived'", "'x' || char(0)", "x'ff'", "CAST(x'ff' AS TEXT)", "hex(zeroblob(100000))"),
    ]
)
#: A key or a tenant that is not the row's any more names another row: no broken row, but a missing one.
_COLUMNS = st.sampled_from(
    [
        (table.name, column.name)
        for table in (requests, grants)
        for column in table.columns
        if column.name not in {"id", "request", "tenant"}
    ]
)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    asyncio.run(SqliteStore(path).prepare())
    return path


@given(place=_COLUMNS, value=_ODD)
@settings(max_examples=50, deadline=None)
def test_neighbours_are_settled(migrated: Path, place: tuple[str, str], value: str) -> None:
    """Of three requests and three grants that are due, the two of each that are whole are settled."""
    asyncio.run(_neighbours_are_settled(migrated, *place, value))


async def _neighbours_are_settled(migrated: Path, table: str, column: str, value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = MovableClock()
        store = SqliteStore(Path(shutil.copy(migrated, Path(folder) / "andon.db")), clock)
        core = Core(store=store, ids=Ulids(clock), wakeups=LocalWakeups(), configuration=lambda: _RULES)
        async with store.write() as tx:
            await samples.add_requests(tx, "1", "2", "3")
            for name in "123":
                await tx.grants.add(samples.grant(name))
        with suppress(sqlite3.IntegrityError):  # of a column that takes no NULL
            await Vandal(store).sets(table, column, value, of="req_2" if table == "requests" else "grt_2")
        async with store.write() as tx:
            assert {"req_1", "req_3"} <= {
                each.id for each in await tx.requests.lock_pending(EVERYTHING, since=NOON, limit=9)
            }
            assert {"grt_1", "grt_3"} <= {
                each.id for each in await tx.grants.lock_unclaimed(EVERYTHING, limit=9)
            }
        clock.advance(timedelta(hours=1))
        await deadlines.due(core)
        assert await deadlines.settle_due(core, batch=10) >= 2
        assert await deadlines.lapse_due(core, batch=10) >= 2
        assert await deadlines.settle_due(core, batch=10) == 0
        async with store.read() as tx:
            for name in "13":
                settled = await tx.requests.get(RequestId(f"req_{name}"))
                assert settled is not None
                assert settled.settled_at == NOON + timedelta(hours=1)
        due = await deadlines.due(core)
        assert not due.now, "it is aimed at again and again"
        await store.close()


_RULES = shipped().configuration
