"""An empty SQLite file for each path."""

import asyncio
from pathlib import Path

import pytest

from escalation.store.sqlite import SqliteStore


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
