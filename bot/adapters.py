"""
Chooses the adapters of the core's ports, store and wake-ups, by the environment, and opens the core.

It knows neither the web nor Slack, so that commands that need neither start quickly.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.config import Environment
from bot.head_file import HeadFile
from escalation.clock import Clock, SystemClock
from escalation.configuration import Configuration
from escalation.ids import Ulids
from escalation.ports import Heads, Kills, Nowhere, Store, Wakeups, never
from escalation.service.context import Core
from escalation.store import Database, open_store
from escalation.wakeups import open_wakeups


@asynccontextmanager
async def open_core(
    environment: Environment,
    configuration: Configuration,
    *,
    store: Store | None = None,
    clock: Clock | None = None,
    kills: Kills = never,
) -> AsyncIterator[Core]:
    """Yield a core over *configuration*, with *store* or the one *environment* names; close it at the end."""
    store = store or open_store(environment.database_url, clock)
    wakeups: Wakeups = await open_wakeups(
        environment.database_url, environment.redis_url, tenant=configuration.tenant
    )
    core = Core(
        store=store,
        ids=Ulids(clock or SystemClock()),
        wakeups=wakeups,
        configuration=lambda: configuration,
        kill=kills,
    )
    try:
        yield core
    finally:
        await wakeups.close()
        await store.close()


def heads_of(environment: Environment) -> Heads:
    """Return where *environment* has the head of the record kept."""
    return Nowhere() if environment.head_file is None else HeadFile(environment.head_file)


def _make_room(url: str) -> None:
    # The folder of the default database is ours to make; any other is the operator's to name rightly.
    if url == Environment.model_fields["andon_database_url"].default.get_secret_value():
        Path("var").mkdir(mode=0o700, exist_ok=True)


def store_of(environment: Environment) -> Database:
    """Return the store that *environment* names, with a folder to be in."""
    _make_room(environment.database_url)
    return open_store(environment.database_url)


async def migrate(environment: Environment) -> None:
    """Create the schema of the database, or bring it up to date."""
    store = store_of(environment)
    try:
        await store.prepare(migrate=True)
    finally:
        await store.close()


async def create_file(environment: Environment) -> None:
    """Create the SQLite file and its schema if there is none; in PostgreSQL, `andon migrate` does."""
    store = store_of(environment)
    try:
        if environment.database_url.startswith("sqlite") and await store.revision() is None:
            await store.prepare()
    finally:
        await store.close()
