"""Real processes, real SIGKILL: whatever the bot was doing, nothing is lost, doubled or let through."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters import open_core
from bot.config import Environment
from deploy.demo.processes import free_port
from escalation.service.context import Core
from escalation.store import open_store
from tests.crash.lives import Town, configuration_of, judged, town
from tests.crash.stories import PASSING
from tests.e2e.installation import Installation, installed
from tests.harness.databases import Postgres
from tests.unit.house.repository import ROOT

_TIMES = 3
_SIGKILL = -9
_POINT = re.compile(r'\bkill\(\s*"([a-z-]+:[a-z-]+)"\s*\)')


def points() -> list[str]:
    """Return every kill point in the code."""
    sources = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "escalation").rglob("*.py")))
    return sorted({point for source in sources for point in _POINT.findall(source)})


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that outlives its process."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/crash.db"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.url_of(request.getfixturevalue("database"))


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """What is shipped, but that directors have two seconds to decide."""
    place = tmp_path / "here"
    place.mkdir()
    made = installed(place)
    made.change("agents/bank_reconciliation/manifest.yaml", "sla: 15m", "sla: 2s")
    return made


@pytest.fixture
async def core(url: str, here: Installation) -> AsyncIterator[Core]:
    """The use cases, outside of the process that dies."""
    store = open_store(url)
    await store.prepare()
    environment = Environment.model_validate({"andon_database_url": url})
    async with open_core(environment, configuration_of(here), store=store) as core:
        yield core


def test_every_point_has_its_story() -> None:
    """A kill point that no story passes would never kill anybody."""
    assert points()
    assert {point.partition(":")[0] for point in points()} == set(PASSING)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_killed_at_every_point(url: str, here: Installation, core: Core) -> None:
    """At each point, three times: the bot dies there, is started again, and every story ends as it must."""
    async with town(here, core, url, free_port(0)) as on:
        for point in points():
            for nth in range(1, _TIMES + 1):
                await _survives(on, point, nth if point.startswith("post") else 1)
    await judged(core, on, [configuration_of(here)])
    assert on.deaths[:-1] == [_SIGKILL] * (len(on.deaths) - 1)


async def _survives(on: Town, point: str, nth: int) -> None:
    deaths = len(on.deaths)
    on.arm(point, nth)
    await PASSING[point.partition(":")[0]](on)
    # Some come later than the story's end: the record is sealed at its own beat.
    await on.dies(deaths + 1)
    assert not on.is_armed, f"nobody passed {point}"
