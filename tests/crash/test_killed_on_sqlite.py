"""Real processes, real SIGKILL: whatever the bot was doing, nothing is lost, doubled or let through."""

from pathlib import Path

import pytest

from bot.config import Environment
from tests.crash.conftest import Outside
from tests.crash.kill_points import points
from tests.crash.mass import at_every_point, at_random, ground
from tests.crash.stories import PASSING
from tests.crash.whole_bot import survive
from tests.e2e.installation import Installation
from tests.replicas.databases import Databases


def test_every_point_has_its_story() -> None:
    """A kill point that no story passes would never kill anybody."""
    assert points()
    assert sorted(point for passed in PASSING.values() for point in passed) == points()


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_killed_at_every_point(tmp_path: Path) -> None:
    """At each point, three times, also while it recovers: nothing is lost, doubled, let through or stuck."""
    async with ground(Databases(folder=tmp_path), on_postgresql=False) as on:
        await at_every_point(on, rounds=3, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_at_any_instant(tmp_path: Path) -> None:
    """Killed wherever it happens to be: what was answered stays true, and what was begun comes to its end."""
    async with ground(Databases(folder=tmp_path), on_postgresql=False) as on:
        toll = await at_random(on, seed=1, stories=6)

    assert toll.violations == []
    assert toll.kills.total() > 10


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_whole_bot_is_killed(here: Installation, outside: Outside, tmp_path: Path) -> None:
    """With its doors and its engine: it dies, is started again, and every story ends as it must."""
    environment = Environment.model_validate({"andon_database_url": f"sqlite+aiosqlite:///{tmp_path}/a.db"})
    async with outside(environment) as core:
        await survive(here, core, environment)
