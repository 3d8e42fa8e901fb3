"""Grants that were stored before claims had leases are read, renewed and ended as any other."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Table, create_engine, insert, inspect
from sqlalchemy.ext.asyncio import create_async_engine

from escalation.grant import Applied, Beat, GrantState, apply
from escalation.store import migrate, schema, tables
from escalation.store.grants import values_of_grant
from escalation.store.request_rows import values_of_request
from tests.contract import samples
from tests.contract.samples import NOON
from tests.harness.databases import Postgres

CLAIMED = replace(
    samples.grant(), state=GrantState.CLAIMED, attempt="one", claimed_at=NOON, version=2, lease_until=None
)


def _stored_before(connection: Connection) -> None:
    configured = schema.configuration(connection)
    leases = ScriptDirectory.from_config(configured).get_revision("0006")
    command.upgrade(configured, str(leases.down_revision))
    _insert(connection, tables.requests, values_of_request(samples.request()))
    _insert(connection, tables.grants, values_of_grant(CLAIMED))


def _insert(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(table.name)}
    connection.execute(insert(table).values({name: values[name] for name in known & values.keys()}))


async def test_in_sqlite(tmp_path: Path) -> None:
    """A file with a claim from before leases is migrated with it, and the claim can get a lease."""
    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    with engine.begin() as connection:
        _stored_before(connection)
    engine.dispose()
    await _is_as_it_was(f"sqlite+aiosqlite:///{tmp_path}/old.db")


async def test_in_postgresql(postgres: Postgres) -> None:
    """A database with a claim from before leases is migrated with it, and the claim can get a lease."""
    await postgres.create("before_leases")
    engine = create_async_engine(postgres.url_of("before_leases"))
    async with engine.begin() as connection:
        await connection.run_sync(_stored_before)
    await engine.dispose()
    await _is_as_it_was(postgres.url_of("before_leases"))
    await postgres.drop("before_leases")


async def _is_as_it_was(url: str) -> None:
    assert (await migrate(url))[1] == schema.expected()
    store = samples.opened(url)
    async with store.write() as tx:
        found = await tx.grants.lock(CLAIMED.id)
        assert found == CLAIMED
        renewed = apply(found, Beat(agent=found.agent, attempt="one"), now=NOON)
        assert isinstance(renewed, Applied)
        assert await tx.grants.save(renewed.grant)
        assert await tx.grants.get(CLAIMED.id) == renewed.grant
    await store.close()
