"""Real processes, real SIGKILL: whatever the bot was doing, nothing is lost, doubled or let through."""

from pathlib import Path

import pytest

from bot.config import Environment
from tests.crash.kill_points import Outside, points, survive
from tests.crash.stories import PASSING
from tests.e2e.installation import Installation


def test_every_point_has_its_story() -> None:
    """A kill point that no story passes would never kill anybody."""
    assert points()
    assert {point.partition(":")[0] for point in points()} == set(PASSING)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_killed_at_every_point(here: Installation, outside: Outside, tmp_path: Path) -> None:
    """At each point, three times: the bot dies there, is started again, and every story ends as it must."""
    environment = Environment.model_validate({"andon_database_url": f"sqlite+aiosqlite:///{tmp_path}/a.db"})
    async with outside(environment) as core:
        await survive(here, core, environment)
