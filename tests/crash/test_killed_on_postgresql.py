"""The same on PostgreSQL, whose server goes on with what a dead process left behind."""

import pytest

from bot.config import Environment
from tests.crash.kill_points import Outside, survive
from tests.e2e.installation import Installation
from tests.harness.databases import Postgres


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_killed_at_every_point(
    here: Installation, outside: Outside, postgres: Postgres, database: str
) -> None:
    """At each point, three times: the bot dies there, is started again, and every story ends as it must."""
    environment = Environment.model_validate({"andon_database_url": postgres.url_of(database)})
    async with outside(environment) as core:
        await survive(here, core, environment)
