"""
W2: deadlines that fall due within ten seconds, struck by the engine inside ``andon serve``.

How late each was struck is read afterwards: from its planned instant until the instant of the commit that
settled it, as the database says it.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench import bulk
from bench.databases import Databases, Kind, run_sql, settled_by_the_clock
from bench.measure import Figures, cpu_of, figures, memory_of
from bench.pending import fill_due
from bench.rows import Row
from bench.server import Server, serving_all
from bench.sizes import Sizes
from escalation.clock import SystemClock

#: Seconds within which all must be settled.
PATIENCE = 90.0
#: Seconds until the first deadline, for each server that has to start; more, where that was not enough.
_LEADS = (2.5, 6.0, 15.0)
#: When each rung was to be reached, when the engine reached it, and when that was committed.
_INSTANTS = """
    SELECT extract(epoch FROM planned_at), extract(epoch FROM actual_at),
           extract(epoch FROM pg_xact_commit_timestamp(xmin))
    FROM rungs
"""
#: Seconds between two looks at what is committed, where the database does not keep the instants.
_LOOK = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """What became of the deadlines of one run."""

    window: float  #: Seconds within which they fell due.
    late: Figures  #: Seconds from each deadline until its commit.
    cpu: float  #: Seconds of the servers' processor time.
    memory: int  #: Bytes of the largest server.


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure deadlines that fall due within ten seconds."""
    return [row(kind, await strike(databases, kind, count, window=sizes.window)) for count in sizes.due]


def row(kind: Kind, struck: Struck, *, load: str = "") -> Row:
    """Return the line about deadlines."""
    return Row(
        work="deadline → settled, committed",
        database=kind.value,
        load=f"{struck.late.count:,} within {struck.window:g} s{load}",
        figures=struck.late,
        memory=struck.memory,
        is_rate=False,
        note=f"{struck.cpu / struck.late.count * 1e3:.2f} ms of CPU each, {struck.memory / 2**20:.0f} MiB",
    )


async def strike(databases: Databases, kind: Kind, count: int, *, window: float, replicas: int = 1) -> Struck:
    """Let *count* requests fall due within some seconds, and see when each is settled."""
    for lead in _LEADS:
        # Filling the tables takes its time too.
        first = SystemClock().now() + timedelta(seconds=lead * (replicas + count / 20_000))
        url = await databases.fresh(kind)
        await fill_due(url, count, _evenly(first, window, count))
        with watching(url) as seen:
            async with serving_all(url, databases.folder, replicas) as servers:
                if SystemClock().now() > first:
                    continue
                cpu, memory = await _watch(url, servers, first, count)
        late = await lateness(url, seen)
        await settled_by_the_clock(url, count=count, pending=1)
        return Struck(window=window, late=figures(late, seconds=window), cpu=cpu, memory=memory)
    raise TimeoutError(f"no server was ready {_LEADS[-1]:g} s before its first deadline")


def _evenly(first: datetime, window: float, count: int) -> Callable[[int], datetime]:
    return lambda number: first + timedelta(seconds=window * number / count)


async def _watch(url: str, servers: Sequence[Server], first: datetime, count: int) -> tuple[float, int]:
    """Wait until all is settled; return the processor time that it took, and the memory."""
    await asyncio.sleep((first - SystemClock().now()).total_seconds())
    meters = [cpu_of(server.process.pid) for server in servers]
    used = sum(meter() for meter in meters)
    await all_settled(url, count, within=PATIENCE)
    cpu = sum(meter() for meter in meters) - used
    return cpu, max(memory_of(server.process.pid) for server in servers)


async def all_settled(url: str, count: int, *, within: float) -> None:
    """Return once so many rungs are committed."""
    async with asyncio.timeout(within):
        while True:
            ((found,),) = await run_sql(url, "SELECT count(*) FROM rungs")
            if found == count:
                return
            await asyncio.sleep(0.05)


async def lateness(url: str, seen: "Seen") -> list[float]:
    """Return how many seconds after its planned instant each rung was committed; none may be early."""
    if bulk.is_sqlite(url):
        planned = await _numbers(url, "SELECT planned_at / 1e6, actual_at / 1e6 FROM rungs ORDER BY rowid")
        found = [(*row, at) for row, at in zip(planned, seen.instants(len(planned)), strict=True)]
    else:
        found = await _numbers(url, _INSTANTS)
    early = [row for row in found if row[1] < row[0] or row[2] < row[0]]
    assert not early, (len(early), early[:3])
    return [row[2] - row[0] for row in found]


async def _numbers(url: str, sql: str) -> list[tuple[float, ...]]:
    return [tuple(float(str(value)) for value in row) for row in await run_sql(url, sql)]


@dataclass(slots=True)
class Seen:
    """How many rungs were committed at which instant: SQLite does not keep that."""

    counts: list[tuple[float, int]] = field(default_factory=list)

    def instants(self, count: int) -> Iterator[float]:
        """Yield when each of the first *count* rungs was seen, in the order of their rows."""
        number = 0
        for at, seen in self.counts:
            while number < min(seen, count):
                yield at
                number += 1


@contextmanager
def watching(url: str) -> Iterator[Seen]:
    """Watch what is committed to SQLite during the block."""
    seen, over = Seen(), threading.Event()
    if not bulk.is_sqlite(url):
        yield seen
        return

    def watch() -> None:
        file = sqlite3.connect(bulk.sqlite_file(url))
        while not over.wait(_LOOK):
            ((count,),) = file.execute("SELECT coalesce(max(rowid), 0) FROM rungs")
            if not seen.counts or seen.counts[-1][1] != count:
                seen.counts.append((SystemClock().now().timestamp(), count))
        file.close()

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
