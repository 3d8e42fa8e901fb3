"""Where histories happen: each has an empty database of its own, and a way to wake the other process."""

import itertools
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from escalation.store import open_store
from escalation.store.memory import MemoryStore
from escalation.store.sqlite import SqliteStore
from escalation.wakeups import open_wakeups
from tests.harness.databases import Postgres
from tests.machine.house import Connect, Open, alone

TEMPLATE = "histories"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Ground:
    """One empty database."""

    open_store: Open
    connect: Connect = alone


@dataclass(frozen=True, slots=True)
class Backend:
    """A kind of database."""

    name: str
    ground: Callable[[], AbstractAsyncContextManager[Ground]]


def of_this_process(name: str, open_store: Open) -> Backend:
    """Return the backend whose databases live and end with this process."""

    @asynccontextmanager
    async def ground() -> AsyncIterator[Ground]:
        yield Ground(open_store)

    return Backend(name, ground)


MEMORY = of_this_process("memory", MemoryStore)


async def sqlite(folder: Path) -> Backend:
    """Return SQLite, with its files in *folder*, or in memory where the machine has room there."""
    migrated = folder / "empty.db"
    store = SqliteStore(migrated)
    await store.prepare()
    await store.close()
    # Whether a commit survives a power cut is asked elsewhere; here a disk would only be slow.
    fast = Path("/dev/shm")
    root = fast if fast.is_dir() else folder

    @asynccontextmanager
    async def ground() -> AsyncIterator[Ground]:
        file = root / f"{folder.name}-{next(_numbers)}.db"
        shutil.copy(migrated, file)
        try:
            yield Ground(lambda clock: SqliteStore(file, clock))
        finally:
            for left in root.glob(f"{file.name}*"):
                left.unlink()

    return Backend("sqlite", ground)


async def postgresql(server: Postgres, *, valkey: str | None = None) -> Backend:
    """Return PostgreSQL; processes wake each other through it, or through the Valkey at *valkey*."""
    if (TEMPLATE,) not in await server.execute("SELECT datname FROM pg_database"):
        await server.create(TEMPLATE)
        store = open_store(server.url_of(TEMPLATE))
        await store.prepare()
        await store.close()

    @asynccontextmanager
    async def ground() -> AsyncIterator[Ground]:
        name = f"history_{next(_numbers)}"
        await server.create(name, template=TEMPLATE)
        url = server.url_of(name)
        try:
            yield Ground(partial(open_store, url), partial(open_wakeups, url, valkey))
        finally:
            await server.drop(name)

    return Backend("postgresql" if valkey is None else "postgresql+valkey", ground)
