"""Every kill point in the code, and what it takes to be killed at each and go on."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from bot.config import Environment
from deploy.demo.processes import free_port
from escalation.service.context import Core
from tests.crash.lives import Town, configuration_of, judged, town
from tests.crash.stories import PASSING
from tests.e2e.installation import Installation
from tests.unit.house.repository import ROOT

#: Opens the use cases on a database, outside of the process that dies.
Outside = Callable[[Environment], AbstractAsyncContextManager[Core]]

_TIMES = 3
_SIGKILL = -9
_POINT = re.compile(r'\bkill\(\s*"([a-z-]+:[a-z-]+)"\s*\)')


def points() -> list[str]:
    """Return every kill point in the code."""
    sources = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "escalation").rglob("*.py")))
    return sorted({point for source in sources for point in _POINT.findall(source)})


async def survive(here: Installation, core: Core, environment: Environment) -> None:
    """Kill the bot at each point, several times, and see that every story ends as it must."""
    async with town(here, core, environment.database_url, free_port(0)) as on:
        for point in points():
            for nth in range(1, _TIMES + 1):
                await _survive_once(on, point, nth if point.startswith("post") else 1)
    await judged(core, on, [configuration_of(here)])
    assert on.deaths[:-1] == [_SIGKILL] * (len(on.deaths) - 1)


async def _survive_once(on: Town, point: str, nth: int) -> None:
    deaths = len(on.deaths)
    on.arm(point, nth)
    await PASSING[point.partition(":")[0]](on)
    # Some come later than the story's end: the record is sealed at its own beat.
    await on.dies(deaths + 1)
    assert not on.is_armed, f"nobody passed {point}"
