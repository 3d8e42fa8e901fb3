"""
Fills tables past everything of ours: copies of rows that the use cases wrote, by the hundred thousand.

A copy has ids of its own; what else differs is said by whoever asks for it.
"""

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

#: One row: what each column holds.
Values = Mapping[str, object]
#: What the copy of a number has that its original has not.
Changes = Callable[[int], Values]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)
#: The columns of requests, grants and clicks that hold an instant.
_INSTANTS: Final = frozenset(
    {
        *("at", "asked_at", "nudge_at", "backup_at", "deadline", "delivered_at", "settled_at", "next_due_at"),
        *("granted_at", "expires_at", "claimed_at", "lease_until", "ended_at"),
    }
)


def is_sqlite(url: str) -> bool:
    """Tell whether *url* is of an SQLite database."""
    return url.startswith("sqlite")


def sqlite_file(url: str) -> str:
    """Return the path of the SQLite database at *url*."""
    return url.partition(":///")[2]


def dsn(url: str) -> str:
    """Return *url* as PostgreSQL's own libraries want it."""
    return url.replace("+asyncpg", "")


def instant(url: str, at: datetime) -> object:
    """Return *at* as the database at *url* holds it."""
    return (at - _EPOCH) // timedelta(microseconds=1) if is_sqlite(url) else at


def earlier(url: str, row: Values, by: timedelta) -> Values:
    """Return *row* as if everything in it had happened *by* so much earlier."""
    shift = by // timedelta(microseconds=1) if is_sqlite(url) else by
    moved = {
        name: value - shift  # type: ignore[operator]  # an instant, as the database holds it
        for name, value in row.items()
        if value is not None and name in _INSTANTS
    }
    return {**row, **moved}


def new_id(like: object) -> str:
    """Return an id that was never used, of the kind of *like*."""
    prefix, _, rest = str(like).rpartition("_")
    return f"{prefix}_{rest[:2]}{next(_numbers):0{len(rest) - 2}d}"


async def rows(url: str, table: str, where: str = "true") -> list[Values]:
    """Return the rows of *table* that *where* finds."""
    sql = f"SELECT * FROM {table} WHERE {where}"  # noqa: S608  # ours alone
    if is_sqlite(url):
        with closing(sqlite3.connect(sqlite_file(url))) as file:
            found = file.execute(sql)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found]
    connection = await asyncpg.connect(dsn(url))
    try:
        return [dict(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def copy(url: str, table: str, original: Values, count: int, changes: Changes) -> None:
    """Add *count* copies of *original* to *table*, each with its *changes*."""
    if count:
        await insert(url, table, ({**original, **changes(number)} for number in range(count)))


async def insert(url: str, table: str, values: Iterable[Values]) -> None:
    """Add rows to *table*, all in one transaction."""
    remaining = iter(values)
    first = next(remaining, None)
    if first is None:
        return
    columns = list(first)
    records = _records(itertools.chain([first], remaining), columns)
    if is_sqlite(url):
        marks = ", ".join("?" for _ in columns)
        names = ", ".join(f'"{column}"' for column in columns)
        with closing(sqlite3.connect(sqlite_file(url))) as file, file:
            file.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", records)  # noqa: S608  # ours
        return
    connection = await asyncpg.connect(dsn(url))
    try:
        await connection.copy_records_to_table(table, records=records, columns=columns, timeout=900)
        await connection.execute(f"ANALYZE {table}")
    finally:
        await connection.close()


def _records(values: Iterable[Values], columns: list[str]) -> Iterator[tuple[object, ...]]:
    for value in values:
        yield tuple(value[column] for column in columns)
