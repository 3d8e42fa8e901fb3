"""W2: a backlog that is overdue at the start, and what it costs to hold many requests that are not due."""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from statistics import median

from bench.databases import Databases, Kind, core_of, settled_by_the_clock
from bench.deadlines import PATIENCE, all_settled, lateness, watching
from bench.measure import cpu_of, figures, memory_of
from bench.pending import fill_due
from bench.rows import Row
from bench.server import serving
from bench.sizes import Sizes
from escalation.clock import SystemClock
from escalation.service.deadlines import settle_due


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure backlogs, and what waiting costs."""
    rows = []
    for count in sizes.overdue:
        rows += await _backlog(databases, kind, count)
    for count in sizes.held:
        rows += await _hold(databases, kind, count, sizes.idle)
    return rows


async def _backlog(databases: Databases, kind: Kind, count: int) -> list[Row]:
    url = await databases.fresh(kind)
    past = SystemClock().now() - timedelta(minutes=10)
    await fill_due(url, count, lambda number: past + timedelta(milliseconds=number / 1000))
    with watching(url) as seen:
        async with serving(url, databases.folder) as server:
            ready = SystemClock().now()
            await all_settled(url, count, within=PATIENCE)
    late = max(await lateness(url, seen))
    newest = past + timedelta(milliseconds=(count - 1) / 1000)
    await settled_by_the_clock(url, count=count, pending=1)
    after = max(0.0, (newest + timedelta(seconds=late) - ready).total_seconds())
    return [
        _single(kind, "start → ready", f"{count:,} overdue", server.started_in),
        _single(kind, "ready → all settled", f"{count:,} overdue", after),
    ]


async def _hold(databases: Databases, kind: Kind, count: int, seconds: float) -> list[Row]:
    url = await databases.fresh(kind)
    empty = await _idle(url, databases, seconds)
    later = SystemClock().now() + timedelta(days=300)
    await fill_due(url, count, lambda number: later + timedelta(seconds=number))
    full = await _idle(url, databases, seconds)
    tick = await _tick(url)
    grown = full.memory - empty.memory
    held = replace(
        _single(kind, "a tick that finds nothing due", f"{count:,} pending", tick), idle=full.cpu, grown=grown
    )
    return [
        held.noting(
            f"{full.cpu:.1%} of a core while idle ({empty.cpu:.1%} when empty), {grown / 2**20:+.0f} MiB"
        )
    ]


@dataclass(frozen=True, slots=True)
class _Idle:
    cpu: float  #: Of one core.
    memory: int  #: Bytes.


async def _idle(url: str, databases: Databases, seconds: float) -> _Idle:
    async with serving(url, databases.folder) as server:
        await asyncio.sleep(1.5)  # what a start leaves to do
        meter = cpu_of(server.process.pid)
        used = meter()
        await asyncio.sleep(seconds)
        return _Idle((meter() - used) / seconds, memory_of(server.process.pid))


async def _tick(url: str) -> float:
    async with core_of(url) as core:
        took = []
        for _ in range(20):
            begun = time.perf_counter()
            assert await settle_due(core, batch=200) == 0
            took.append(time.perf_counter() - begun)
    return median(took)


def _single(kind: Kind, work: str, load: str, seconds: float) -> Row:
    return Row(
        work=work, database=kind.value, load=load, figures=figures([seconds], seconds=1.0), is_rate=False
    )
