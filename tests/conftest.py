"""What all tests share: a PostgreSQL, a SQLite file, and how long Hypothesis may take to draw something."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from escalation.store import open_store
from escalation.store.sqlite import SqliteStore
from tests.harness.databases import FAST, Postgres, running_postgres

# On a fresh checkout its first text waits for a table of all characters, and any test may be the first; on a
# busy machine any draw may be slow. Neither says anything about our code.
settings.register_profile("andon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("andon")

_numbers = itertools.count(1)
_TEMPLATE = "migrated"


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the empty, migrated SQLite file to copy is kept."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    asyncio.run(_migrate(path))
    return path


async def _migrate(path: Path) -> None:
    store = SqliteStore(path)
    await store.prepare()
    await store.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for this test process; it holds one empty, migrated database to copy."""
    with running_postgres(FAST) as server:
        yield server


@pytest.fixture
async def database(postgres: Postgres) -> AsyncIterator[str]:
    """A fresh, migrated database in PostgreSQL: its name."""
    if (_TEMPLATE,) not in await postgres.execute("SELECT datname FROM pg_database"):
        await postgres.create(_TEMPLATE)
        store = open_store(postgres.url_of(_TEMPLATE))
        await store.prepare()
        await store.close()
    name = f"test_{next(_numbers)}"
    await postgres.create(name, template=_TEMPLATE)
    yield name
    await postgres.drop(name)
