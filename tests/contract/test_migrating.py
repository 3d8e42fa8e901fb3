"""A migration of PostgreSQL waits for nobody for long, and says for whom it did."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from alembic import command
from structlog.testing import capture_logs

from escalation.errors import StoreUnavailable
from escalation.store import schema
from escalation.store.postgres import PostgresStore
from escalation.store.postgres.migrating import Patience, migrate
from tests.contract.test_migrations import _within
from tests.harness.databases import Postgres

#: Shorter than any patience of those who queue behind it.
LOCK = 0.3


@pytest.fixture
async def older(postgres: Postgres) -> AsyncIterator[str]:
    """The address of a database with the first tables, as the driver takes it."""
    await postgres.create("older")
    url = postgres.url_of("older")
    await _within(url, lambda connection: command.upgrade(schema.configuration(connection), "0001"))
    yield url.replace("+asyncpg", "")
    await postgres.drop("older")


@asynccontextmanager
async def _reading(url: str, table: str) -> AsyncIterator[Any]:
    """Hold *table* as a long report or a backup does."""
    connection = await asyncpg.connect(url, server_settings={"application_name": "a long report"})
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  # a name of ours
            yield connection
    finally:
        await connection.close()


async def _revision(url: str) -> str | None:
    store = PostgresStore(url)
    found = await store.revision()
    await store.close()
    return found


async def test_a_migration_gives_up_and_names_whom_it_waited_for(older: str) -> None:
    """Behind a long reader it fails within its patience, changes nothing, and says whose session that is."""
    async with _reading(older, "requests") as reader:
        pid = reader.get_server_pid()
        with capture_logs() as log, pytest.raises(StoreUnavailable) as raised:
            await asyncio.wait_for(migrate(older, Patience(lock=LOCK, pauses=(0.05,))), 30)
    for said in (f"session {pid} ", "a long report", "nothing was changed", "`andon migrate` again"):
        assert said in str(raised.value)
    [waited] = log
    assert waited["event"] == "migration_waits"
    assert f"session {pid} " in waited["waits_for"]
    assert await _revision(older) == "0001"


async def test_a_migration_goes_through_once_the_reader_is_gone(older: str) -> None:
    """A reader that ends between two tries is a pause, and no failure."""
    async with _reading(older, "requests"):
        migrating = asyncio.create_task(migrate(older, Patience(lock=LOCK, pauses=(0.05,) * 200)))
        done, _ = await asyncio.wait({migrating}, timeout=3 * LOCK)
        assert not done
    await migrating
    assert await _revision(older) == schema.expected()


@pytest.mark.parametrize("table", ["requests", "outbox", "grants"])
async def test_nobody_queues_for_long_behind_a_migration_that_waits(older: str, table: str) -> None:
    """While it waits for a long reader, others who come to any of the tables get through before it does."""
    async with _reading(older, table) as reader:
        migrating = asyncio.create_task(migrate(older, Patience(lock=LOCK, pauses=(0.05,) * 200)))
        other = await asyncpg.connect(older, command_timeout=10)
        for _ in range(2):
            while not await reader.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                await asyncio.sleep(0.01)
            for name in ("requests", "outbox", "grants"):
                await other.execute(f"UPDATE {name} SET id = id WHERE id = 'nobody'")  # noqa: S608  # ours
        await other.close()
        assert not migrating.done(), "it waits for the reader"
    await migrating
    assert await _revision(older) == schema.expected()
