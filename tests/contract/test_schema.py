"""The schema: migrations and tables agree, and a program never works on a schema it does not know."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, select
from sqlalchemy.ext.asyncio import create_async_engine

from escalation.errors import InvalidConfiguration, SchemaMismatch, StoreError
from escalation.ports import InForce, Store
from escalation.store import migrate, schema
from escalation.store.migrations import REVISIONS
from escalation.store.statement import Statement
from escalation.store.tables import fence, metadata
from tests.contract import samples
from tests.harness.databases import Postgres

HEAD = REVISIONS[-1]


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def test_sqlite_has_the_tables_we_know(file: Path) -> None:
    """A migrated SQLite file has exactly the tables, columns and indexes of ``tables.py``."""
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        assert _differences(connection) == []
    engine.dispose()


async def test_postgresql_has_the_tables_we_know(postgres: Postgres, database: str) -> None:
    """A migrated PostgreSQL has exactly the tables, columns and indexes of ``tables.py``."""
    engine = create_async_engine(postgres.url_of(database))
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_constraints_are_those_we_know(
    dialect: str, file: Path, postgres: Postgres, database: str
) -> None:
    """The checks on states are the same in the migrated schema as in ``tables.py``, name by name."""
    expected = {
        str(constraint.name)
        for table in metadata.tables.values()
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }
    if dialect == "sqlite":
        engine = create_engine(f"sqlite:///{file}")
        with engine.connect() as connection:
            [text] = connection.exec_driver_sql("SELECT group_concat(sql) FROM sqlite_master").one()
        engine.dispose()
        assert {name for name in expected if f"CONSTRAINT {name} CHECK" in text} == expected
    else:
        rows = await postgres.execute("SELECT conname FROM pg_constraint", database=database)
        assert expected <= {name for (name,) in rows}


def test_the_list_of_revisions_is_the_files() -> None:
    """The revisions that a check knows are those of the files, in order, up to the head."""
    script = ScriptDirectory.from_config(schema.configuration())
    assert [revision.revision for revision in reversed(list(script.walk_revisions()))] == list(REVISIONS)
    assert script.get_current_head() == schema.expected()


async def test_an_empty_database_is_made_ready(postgres: Postgres, tmp_path: Path) -> None:
    """On an empty database of either kind, preparing is all it takes; doing it twice does no harm."""
    await postgres.create("empty")
    for url in (f"{postgres.url_of('empty')}&sslmode=prefer", f"sqlite+aiosqlite:///{tmp_path}/empty.db"):
        assert await migrate(url) == (None, HEAD)
        assert await migrate(url) == (HEAD, HEAD)
        store = samples.opened(url)
        await store.prepare()
        async with store.write() as tx:
            await tx.requests.add(samples.request())
        await store.close()
    await postgres.drop("empty")


async def test_the_fence_tells_the_schema(lasting: Store) -> None:
    """Whoever migrates writes the revision where everybody who decides reads it."""
    async with lasting.write() as tx:
        await tx.fence.lock()
        session: Any = tx
        assert await session.source.value(Statement(select(fence.c.schema))) == schema.expected()


#: They say whose database it is, while it holds no request.
_FILES = '{"andon.yaml": "# ours\\nworkspace: T01ANDON # as Slack says"}'


def _first_tables_with_data(connection: Connection, files: str = _FILES) -> None:
    command.upgrade(schema.configuration(connection), "0001")
    rows = ", ".join(
        f"('{version}', '2026-11-{day} 12:00Z', '{files}')" for version, day in (("b", 17), ("a", 16))
    )
    connection.exec_driver_sql(f"INSERT INTO config_versions (version, loaded_at, body) VALUES {rows}")  # noqa: S608


async def test_what_was_in_force_stays_so(postgres: Postgres, tmp_path: Path) -> None:
    """Of a database from before there was a fence, the version that was loaded last is in force."""
    await postgres.create("served")
    engine = create_async_engine(postgres.url_of("served"))
    async with engine.begin() as begun:
        await begun.run_sync(_first_tables_with_data)
    await engine.dispose()
    file = create_engine(f"sqlite:///{tmp_path}/served.db")
    with file.begin() as connection:
        _first_tables_with_data(connection)
    file.dispose()
    for url in (postgres.url_of("served"), f"sqlite+aiosqlite:///{tmp_path}/served.db"):
        await migrate(url)
        store = samples.opened(url)
        async with store.read() as tx:
            assert await tx.fence.read() == InForce(version="b", seq=0)
        await store.close()
    await postgres.drop("served")


_AN_EVENT = (
    "INSERT INTO audit_events (id, at, name, actor, subject, data)"
    " VALUES ('evt_1', 1, 'switch.stopped', 'person:salma', 'all', '{}')"
)


@pytest.mark.parametrize(
    "said",
    [
        "workspace : T01ANDON",
        '\\"workspace\\": T01ANDON',
        "{workspace: T01ANDON}",
        "workspace: !!str T01ANDON",
    ],
)
async def test_whose_a_database_is(tmp_path: Path, said: str) -> None:
    """However the workspace is written, what was stored is its own; a manifest's line is none."""
    file = create_engine(f"sqlite:///{tmp_path}/served.db")
    with file.begin() as connection:
        _first_tables_with_data(
            connection, f'{{"agents/a/manifest.yaml": "workspace: TBD", "andon.yaml": "{said}"}}'
        )
    file.dispose()
    await migrate(f"sqlite+aiosqlite:///{tmp_path}/served.db")
    store = samples.opened(f"sqlite+aiosqlite:///{tmp_path}/served.db")
    async with store.read() as tx:
        assert await tx.fence.read() == InForce(version="b", seq=0)
    await store.close()


async def test_nobodys_database_is_refused(tmp_path: Path) -> None:
    """Given to nobody, what was stored, stops included, would be seen by nobody."""
    file = create_engine(f"sqlite:///{tmp_path}/served.db")
    with file.begin() as connection:
        _first_tables_with_data(connection, '{"andon.yaml": "agents: []"}')
        connection.exec_driver_sql(_AN_EVENT)
    with pytest.raises(StoreError, match="nothing was changed"):
        await migrate(f"sqlite+aiosqlite:///{tmp_path}/served.db")
    with file.begin() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0001"
    file.dispose()


async def test_many_may_make_it_ready_at_once(postgres: Postgres) -> None:
    """Replicas that start together on an empty database do not trip over each other."""
    await postgres.create("crowd")
    stores = [samples.opened(postgres.url_of("crowd")) for _ in range(3)]
    await asyncio.gather(*(store.prepare() for store in stores))
    for store in stores:
        await store.check()
        await store.close()
    await postgres.drop("crowd")


async def _set_revision(url: str, revision: str) -> None:
    if url.startswith("sqlite"):
        with sqlite3.connect(url.partition(":///")[2]) as connection:
            connection.execute(f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608
        connection.close()
        return
    engine = create_async_engine(url)
    async with engine.begin() as begun:
        await begun.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")  # noqa: S608
    await engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_schema_from_the_future_is_refused(
    kind: str, file: Path, postgres: Postgres, database: str
) -> None:
    """A schema of a newer program is refused as ahead, and preparing leaves it alone."""
    url = f"sqlite+aiosqlite:///{file}" if kind == "sqlite" else postgres.url_of(database)
    store = samples.opened(url)
    await _set_revision(url, "9999")
    for attempt in (store.check(), store.prepare(migrate=True)):
        with pytest.raises(SchemaMismatch, match=rf"ahead.*9999.*{HEAD}"):
            await attempt
    await store.close()


async def test_a_database_without_a_schema_is_behind(postgres: Postgres) -> None:
    """A database that was never migrated is refused as behind, with the command that helps."""
    await postgres.create("bare")
    store = samples.opened(postgres.url_of("bare"))
    with pytest.raises(SchemaMismatch, match=rf"behind.*none.*{HEAD}.*andon migrate"):
        await store.check()
    await store.close()
    await postgres.drop("bare")


async def test_an_old_postgresql_is_left_alone_until_told(
    postgres: Postgres, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older schema that other replicas may be using is refused as behind, and not touched unasked."""
    monkeypatch.setattr(schema, "REVISIONS", ("0000", HEAD))
    url = postgres.url_of(database)
    store = samples.opened(url)
    await _set_revision(url, "0000")
    for attempt in (store.check(), store.prepare()):
        with pytest.raises(SchemaMismatch, match=rf"behind.*0000.*{HEAD}.*andon migrate"):
            await attempt
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://andon:hunter2@db/andon",
        "andon:hunter2@db",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///",
        "sqlite+aiosqlite:///:memory:",
        "postgresql+asyncpg://",
        "",
    ],
)
def test_another_database_is_refused(url: str) -> None:
    """A URL of a database we do not know is refused with the two we know, and without its password."""
    with pytest.raises(
        InvalidConfiguration, match=r"ANDON_DATABASE_URL.*sqlite\+aiosqlite:///FILE"
    ) as refused:
        samples.opened(url)
    assert "hunter2" not in str(refused.value)


def test_sqlite_needs_no_postgresql() -> None:
    """Who keeps everything in SQLite loads no driver of PostgreSQL, and nobody loads Alembic to start."""
    program = (
        "import sys, escalation.store as store, escalation.store.sqlite\n"
        "store.open_store('sqlite+aiosqlite:///x.db')\n"
        "print([name for name in ('asyncpg', 'alembic', 'aiosqlite') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
