"""Counts what a database is asked, at its own driver: whatever the store makes of a call."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from escalation.ports import Store
from escalation.store.postgres import PostgresStore
from escalation.store.sqlite import SqliteStore

#: What opens and closes a transaction, or asks for the time, reads no rows.
_BESIDE = ("BEGIN", "COMMIT", "ROLLBACK", "SELECT clock_timestamp", "SELECT now")


async def asked(store: Store, act: Callable[[], Awaitable[object]]) -> list[str]:
    """Return the statements that *act* runs on *store*; it acts once before, to open what is needed."""
    await act()
    seen: list[str] = []
    stop = _listen(store, seen)
    try:
        await act()
    finally:
        # asyncpg tells in the next round of the loop.
        await asyncio.sleep(0)
        stop()
    return [statement for statement in seen if not statement.lstrip().startswith(_BESIDE)]


def _listen(store: Store, seen: list[str]) -> Callable[[], None]:
    match store:
        case SqliteStore():
            return _listen_to_sqlite(store, seen)
        case PostgresStore():
            return _listen_to_postgresql(store, seen)
        case _:
            raise TypeError(f"there are no statements in {store!r}")


def _listen_to_sqlite(store: SqliteStore, seen: list[str]) -> Callable[[], None]:
    connections = list(store._readers)
    assert connections, "nothing was read before"
    for connection in connections:
        connection.set_trace_callback(seen.append)

    def stop() -> None:
        for connection in connections:
            connection.set_trace_callback(None)

    return stop


def _listen_to_postgresql(store: PostgresStore, seen: list[str]) -> Callable[[], None]:
    connections = list(store._pool._idle)
    assert connections, "nothing was asked before"

    def hear(record: Any) -> None:
        seen.append(record.query)

    for connection in connections:
        connection.add_query_logger(hear)

    def stop() -> None:
        for connection in connections:
            connection.remove_query_logger(hear)

    return stop
