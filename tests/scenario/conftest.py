"""The worlds that scenarios happen in."""

import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from escalation.clock import Clock
from escalation.ports import Store
from escalation.store import open_store
from escalation.store.memory import MemoryStore
from escalation.store.sqlite import SqliteStore
from tests.harness.databases import Postgres
from tests.scenario.unreliable import UnreliableStore
from tests.scenario.world import World, world

OpenStore = Callable[[Clock], Store]


@pytest.fixture
async def room() -> AsyncIterator[World]:
    """A bot in memory, with the shipped configuration."""
    async with world() as made:
        yield made


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> OpenStore:
    """Each store in turn, ready to be opened with a clock."""
    match request.param:
        case "memory":
            return MemoryStore
        case "sqlite":
            file = Path(shutil.copy(migrated_file, tmp_path / "andon.db"))
            return lambda clock: SqliteStore(file, clock)
        case _:
            server: Postgres = request.getfixturevalue("postgres")
            url = server.url_of(request.getfixturevalue("database"))
            return lambda clock: open_store(url, clock)


@pytest.fixture
async def any_room(any_store: OpenStore) -> AsyncIterator[World]:
    """A bot in memory, and the same over a SQLite file and over PostgreSQL."""
    async with world(store=any_store) as made:
        yield made


@pytest.fixture
async def shaky_room() -> AsyncIterator[World]:
    """A bot whose database goes away when told."""
    async with world(store=lambda clock: UnreliableStore(MemoryStore(clock))) as made:
        yield made
