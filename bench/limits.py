"""What the database itself can do: one row, one statement, one commit, again and again."""

import asyncio
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import asyncpg

from bench.bulk import dsn
from bench.databases import Databases, Kind
from bench.measure import Figures, Meters, Used, at_once, figures, middle
from bench.rows import BARE, Row
from bench.sizes import Sizes

#: About as long as one of our rows.
_ROW = "x" * 500
_TABLE = "CREATE TABLE bare (id INTEGER PRIMARY KEY{}, body TEXT NOT NULL)"


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure a commit at a time: in SQLite there is one writer, in PostgreSQL a connection a caller."""
    if kind is Kind.SQLITE:
        runs = [_sqlite(databases.folder / f"bare_{run}.db", sizes.seconds) for run in range(sizes.runs)]
        disk = [_disk(databases.folder / "disk") for _ in range(sizes.runs)]
        return [
            Row(work="fdatasync of 4 kB", database="–", load="1 at once", figures=middle(disk)),
            Row(work=BARE, database=kind.value, load="1 at once", figures=middle(runs)),
        ]
    found: dict[int, list[Figures]] = {callers: [] for callers in sizes.at_once}
    for _ in range(sizes.runs):
        for callers, runs in found.items():
            runs.append(await _postgresql(databases, callers, sizes.seconds))
    return [
        Row(
            work=BARE,
            database=kind.value,
            load=f"{callers} at once",
            figures=middle(runs),
        )
        for callers, runs in found.items()
    ]


def _disk(path: Path) -> Figures:
    latencies = []
    with path.open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            begun = time.perf_counter()
            os.fdatasync(file.fileno())
            latencies.append(time.perf_counter() - begun)
    return figures(latencies, seconds=sum(latencies))


def _sqlite(path: Path, seconds: float) -> Figures:
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            file.execute(f"PRAGMA {pragma}").close()
        file.execute(_TABLE.format(""))
        latencies, begun, before = [], time.perf_counter(), time.process_time()
        while (at := time.perf_counter()) < begun + seconds:
            file.execute("INSERT INTO bare (body) VALUES (?)", (_ROW,))
            latencies.append(time.perf_counter() - at)
        used = Used(own=time.process_time() - before)
        return figures(latencies, seconds=time.perf_counter() - begun, used=used)


async def _postgresql(databases: Databases, callers: int, seconds: float) -> Figures:
    assert databases.postgres is not None
    url = dsn(databases.postgres.url)
    connections = [await asyncpg.connect(url) for _ in range(callers)]
    try:
        await connections[0].execute(
            f"DROP TABLE IF EXISTS bare; {_TABLE.format(' GENERATED ALWAYS AS IDENTITY')}"
        )
        idle = list(connections)

        async def insert() -> float:
            connection = idle.pop()
            await connection.execute("INSERT INTO bare (body) VALUES ($1)", _ROW)
            idle.append(connection)
            return 0.0

        meters = Meters(beside=databases.cpu(Kind.POSTGRESQL))
        return await at_once(callers, insert, seconds=seconds, meters=meters)
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))
