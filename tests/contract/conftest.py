"""Every store and every way to wake, each as real as it gets."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from escalation.store import Database, open_store
from escalation.store.memory import MemoryStore
from tests.contract.samples import TENANT, MovableClock
from tests.harness.databases import Postgres


@pytest.fixture
def file(migrated_file: Path, tmp_path: Path) -> Path:
    """A fresh, migrated SQLite file."""
    return Path(shutil.copy(migrated_file, tmp_path / "andon.db"))


@pytest.fixture
def clock() -> MovableClock:
    """The clock of every store in this test; it stands at noon."""
    return MovableClock()


@pytest.fixture
async def memory(clock: MovableClock) -> MemoryStore:
    """The twin."""
    store = MemoryStore(clock)
    store.open_for(TENANT)
    return store


@pytest.fixture
async def sqlite(file: Path, clock: MovableClock) -> AsyncIterator[Database]:
    """A store in a SQLite file."""
    store = open_store(f"sqlite+aiosqlite:///{file}", clock)
    store.open_for(TENANT)
    yield store
    await store.close()


@pytest.fixture
async def postgresql(postgres: Postgres, database: str, clock: MovableClock) -> AsyncIterator[Database]:
    """A store in a real PostgreSQL."""
    store = open_store(postgres.url_of(database), clock)
    store.open_for(TENANT)
    yield store
    await store.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Database:
    """Each store in turn."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting(request: pytest.FixtureRequest) -> Database:
    """Each store that outlives its process."""
    found: Database = request.getfixturevalue(request.param)
    return found
