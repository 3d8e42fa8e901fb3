"""Where the bot is killed, and the use cases outside of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters import open_core
from bot.config import Environment
from escalation.service.context import Core
from escalation.store import open_store
from tests.crash.lives import configuration_of
from tests.e2e.installation import Installation, installed

#: Opens the use cases on a database, outside of the process that dies.
Outside = Callable[[Environment], AbstractAsyncContextManager[Core]]


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """What is shipped, but that directors have two seconds to decide."""
    place = tmp_path / "here"
    place.mkdir()
    made = installed(place)
    made.change("agents/bank_reconciliation/manifest.yaml", "sla: 15m", "sla: 2s")
    return made


@pytest.fixture
def outside(here: Installation) -> Outside:
    """Open the use cases on a database that outlives its process."""

    @asynccontextmanager
    async def opened(environment: Environment) -> AsyncIterator[Core]:
        store = open_store(environment.database_url)
        await store.prepare()
        async with open_core(environment, configuration_of(here), store=store) as core:
            yield core

    return opened
