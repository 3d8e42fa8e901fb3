"""Breaks single rows as a newer version, a bad disk or a hand at the database would: with plain SQL."""

import asyncio
import sqlite3
from dataclasses import dataclass

import asyncpg

from escalation.ports import Store
from escalation.store.postgres import PostgresStore
from escalation.store.sqlite import SqliteStore

_CHECKS = "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND conrelid > 0"


@dataclass(frozen=True, slots=True)
class Vandal:
    """Writes past the checks and triggers of *store*."""

    store: Store

    @property
    def never(self) -> str:
        """An instant that no ``datetime`` can tell, in SQL."""
        return "9223372036854775807" if isinstance(self.store, SqliteStore) else "'infinity'"

    async def sets(self, table: str, column: str, value: str, *, of: str, by: str = "id") -> None:
        """Put the SQL *value* into *column* of the row of *table* that is called *of*."""
        await self.runs(f"UPDATE {table} SET {column} = {value} WHERE {by} = '{of}'")  # noqa: S608  # a test's own words

    async def runs(self, sql: str) -> None:
        """Run *sql*, whatever the schema says to it."""
        match self.store:
            case SqliteStore():
                # In a thread: what is being committed in this loop holds the file until it is.
                await asyncio.to_thread(self._in_sqlite, self.store, sql)
            case PostgresStore():
                await self._in_postgresql(self.store, sql)
            case _:
                raise TypeError(f"there is no SQL in {self.store!r}")

    def _in_sqlite(self, store: SqliteStore, sql: str) -> None:
        connection = sqlite3.connect(store._path, isolation_level=None)
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%!_no!_%' ESCAPE '!'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(sql)
        connection.close()

    async def _in_postgresql(self, store: PostgresStore, sql: str) -> None:
        connection = await asyncpg.connect(store._url)
        for table, name in await connection.fetch(_CHECKS):
            await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(sql)
        await connection.close()
