"""The same on PostgreSQL, whose server goes on with what a dead process left behind."""

from pathlib import Path

import pytest

from bot.config import Environment
from tests.crash.conftest import Outside
from tests.crash.mass import at_every_point, ground
from tests.crash.whole_bot import survive
from tests.e2e.installation import Installation
from tests.harness.databases import Postgres
from tests.replicas.databases import Databases


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_killed_at_every_point(postgres: Postgres, tmp_path: Path) -> None:
    """At each point, three times, also while it recovers: nothing is lost, doubled, let through or stuck."""
    async with ground(Databases(folder=tmp_path, postgres=postgres), on_postgresql=True) as on:
        await at_every_point(on, rounds=3, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_the_whole_bot_is_killed(
    here: Installation, outside: Outside, postgres: Postgres, database: str
) -> None:
    """With its doors and its engine: it dies, is started again, and every story ends as it must."""
    environment = Environment.model_validate({"andon_database_url": postgres.url_of(database)})
    async with outside(environment) as core:
        await survive(here, core, environment)
