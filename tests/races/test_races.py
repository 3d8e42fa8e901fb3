"""Processes that want the same thing at the same instant: one wins, and everybody is told which."""

from pathlib import Path

import pytest

from tests.harness.databases import Postgres, running_valkey
from tests.harness.dice import Dice, dice
from tests.races.arena import Ground, arena, ground, hold_laws
from tests.races.contests import CONTESTS
from tests.races.history import is_explained
from tests.replicas.databases import Databases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def race(on: Ground, falls: Dice, *, replicas: int, rounds: int, redis: str | None = None) -> None:
    """Hold every contest *rounds* times, and explain all that its clients were told."""
    async with arena(on, falls, replicas=replicas, redis=redis) as held:
        told = [each for contest in CONTESTS.values() for _ in range(rounds) for each in await contest(held)]
        assert [str(each) for each in told if not is_explained(each)] == []
        await hold_laws(held)
    assert len(told) == 8 * rounds * len(CONTESTS)
    assert held.unheard == 0


async def test_replicas_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    """Two, four and eight processes on one PostgreSQL, and two that Valkey wakes."""
    async with ground(Databases(folder=tmp_path, postgres=postgres)) as on:
        for replicas in (2, 4, 8):
            await race(on, dice("races", replicas), replicas=replicas, rounds=3)
        with running_valkey() as valkey:
            await race(on, dice("valkey"), replicas=2, rounds=2, redis=valkey.connection_url)


async def test_processes_on_sqlite(tmp_path: Path) -> None:
    """One SQLite file, by the process that serves it and another one, as a command beside it is."""
    async with ground(Databases(folder=tmp_path), on_postgresql=False) as on:
        await race(on, dice("sqlite"), replicas=2, rounds=3)
