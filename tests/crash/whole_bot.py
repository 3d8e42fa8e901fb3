"""The whole bot, with its doors and its engine, killed once at a point of each kind."""

from bot.config import Environment
from deploy.demo.processes import free_port
from escalation.service.context import Core
from tests.crash.lives import Town, configuration_of, judged, town
from tests.crash.stories_over_http import PASSING, Story
from tests.e2e.installation import Installation

_SIGKILL = -9


async def survive(here: Installation, core: Core, environment: Environment) -> None:
    """Kill the bot at a point of each kind, and see that every story ends as it must."""
    async with town(here, core, environment.database_url, free_port(0)) as on:
        for point, story in PASSING.items():
            await _survive_once(on, point, story)
    await judged(core, on, [configuration_of(here)])
    assert on.deaths[:-1] == [_SIGKILL] * (len(on.deaths) - 1)


async def _survive_once(on: Town, point: str, story: Story) -> None:
    deaths = len(on.deaths)
    on.arm(point)
    await story(on)
    # Some come later than the story's end: the record is sealed at its own beat.
    await on.dies(deaths + 1)
    assert not on.is_armed, f"nobody passed {point}"
