"""A database of each kind that is backed up and brought back, while Slack and the agents go on."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from escalation.clock import Clock
from escalation.store import open_store
from escalation.store.memory import MemoryStore
from escalation.store.memory.view import Rows
from escalation.store.sqlite import SqliteStore
from tests.harness.databases import Postgres
from tests.scenario.unreliable import UnreliableStore

_WORKSPACE = "T01ANDON"


class Backups(Protocol):
    """One database; *store* is what the bot holds, whatever stands behind it."""

    def open(self, clock: Clock) -> UnreliableStore: ...

    async def take(self, store: UnreliableStore) -> None:
        """Back the database up as it is now."""
        ...

    async def bring_back(self, store: UnreliableStore, clock: Clock) -> None:
        """Have the database be what it was when it was backed up."""
        ...


@dataclass(slots=True)
class MemoryBackups:
    """The twin's rows, set apart."""

    kept: Rows = field(default_factory=dict)

    def open(self, clock: Clock) -> UnreliableStore:
        return UnreliableStore(MemoryStore(clock))

    async def take(self, store: UnreliableStore) -> None:
        assert isinstance(store.inner, MemoryStore)
        self.kept = {table: dict(rows) for table, rows in store.inner._rows.items()}

    async def bring_back(self, store: UnreliableStore, clock: Clock) -> None:
        store.inner = MemoryStore(clock)
        store.open_for(_WORKSPACE)
        store.inner._rows.update({table: dict(rows) for table, rows in self.kept.items()})


@dataclass(slots=True)
class SqliteBackups:
    """A copy of the file, as an operator makes and uses it."""

    file: Path

    def open(self, clock: Clock) -> UnreliableStore:
        return UnreliableStore(SqliteStore(self.file, clock))

    async def take(self, store: UnreliableStore) -> None:  # the file is enough
        with closing(sqlite3.connect(self.file)) as here, closing(sqlite3.connect(self._copy)) as there:
            here.backup(there)

    async def bring_back(self, store: UnreliableStore, clock: Clock) -> None:
        await store.close()
        for beside in ("-wal", "-shm"):
            self.file.with_name(self.file.name + beside).unlink(missing_ok=True)
        shutil.copy(self._copy, self.file)
        store.inner = SqliteStore(self.file, clock)
        store.open_for(_WORKSPACE)

    @property
    def _copy(self) -> Path:
        return self.file.with_suffix(".backup")


@dataclass(slots=True)
class PostgresBackups:
    """A second database, made of the first and then put in its place."""

    server: Postgres
    database: str

    def open(self, clock: Clock) -> UnreliableStore:
        return UnreliableStore(open_store(self.server.url_of(self.database), clock))

    async def take(self, store: UnreliableStore) -> None:
        await store.close()  # a template has no connections; the next use opens new ones
        await self.server.create(self._copy, template=self.database)

    async def bring_back(self, store: UnreliableStore, clock: Clock) -> None:
        await store.close()
        await self.server.drop(self.database)
        await self.server.execute(f'ALTER DATABASE "{self._copy}" RENAME TO "{self.database}"')
        store.inner = open_store(self.server.url_of(self.database), clock)
        store.open_for(_WORKSPACE)

    @property
    def _copy(self) -> str:
        return f"{self.database}_backup"
