"""W5: round trips and deadlines with several replicas on one PostgreSQL, with Valkey and without."""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from bench import deadlines
from bench.databases import Databases, Kind, check
from bench.measure import Figures, Meter, Meters, at_once, cpu_of, machine, middle
from bench.rows import Row
from bench.server import Server, serving_all
from bench.sizes import Sizes
from bench.work import Clicks
from tests.harness.databases import running_valkey

#: What an added replica brings, at least, while the machine has room.
_ADDED: Final = 0.6
#: How much longer it takes without Valkey, at most.
_SLOWER: Final = 2.0


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure replicas; SQLite has one process."""
    if kind is Kind.SQLITE:
        return []
    one, *others = sizes.replicas
    alone = await _trips(databases, sizes, one)
    rows = [trips.row() for trips in alone]
    with running_valkey() as valkey:
        for replicas in others:
            without = await _trips(databases, sizes, replicas)
            beside = await _trips(databases, sizes, replicas, redis=str(valkey.connection_url))
            rows += [trips.row(_added(trips, alone)) for trips in beside]
            rows += [trips.row(_slower(trips, beside)) for trips in without]
    most = sizes.replicas[-1]
    for count in sizes.due[-1:]:
        struck = await deadlines.strike(databases, kind, count, window=sizes.window, replicas=most)
        rows.append(deadlines.row(kind, struck, load=f", {most} replicas"))
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    callers: int
    replicas: int
    redis: str
    figures: Figures
    busy: float  #: Of all cores.

    def row(self, goal: str = "") -> Row:
        plural = f"{self.replicas} replicas" if self.replicas > 1 else "1 replica"
        return Row(
            work="round trip over HTTP",
            database=Kind.POSTGRESQL.value,
            load=f"{self.callers} at once, {plural}{', Valkey' if self.redis else ''}",
            figures=self.figures,
            commits=2,
            goal=goal,
            note=f"{self.busy:.0%} of the machine's cores busy",
        )


def _added(these: _Load, alone: Sequence[_Load]) -> str:
    """Say what the added replicas bring, where many callers ask."""
    if these.callers == 1:
        return ""
    one = next(load for load in alone if load.callers == these.callers)
    each = (these.figures.per_second / one.figures.per_second - 1) / (these.replicas - one.replicas)
    return _verdict(f"each added replica ≥ +60 %: {each:+.0%}", met=each >= _ADDED)


def _slower(these: _Load, beside: Sequence[_Load]) -> str:
    """Say how much slower it is without Valkey."""
    other = next(load for load in beside if load.callers == these.callers)
    ratio = these.figures.p50 / other.figures.p50
    return _verdict(f"p50 ≤ 2 × that with Valkey: {ratio:.1f} ×", met=ratio <= _SLOWER)


def _verdict(said: str, *, met: bool) -> str:
    return f"{said}, met" if met else f"**{said}, missed**"


async def _trips(databases: Databases, sizes: Sizes, replicas: int, *, redis: str = "") -> list[_Load]:
    url = await databases.fresh(Kind.POSTGRESQL)
    async with serving_all(url, databases.folder, replicas, redis=redis) as servers:
        across = _Across(servers, await servers[0].clicks())
        own = _together([cpu_of(server.process.pid) for server in servers])
        meters = Meters(own=own, beside=databases.cpu(Kind.POSTGRESQL))
        await at_once(sizes.at_once[-1], across.trip, count=2 * sizes.at_once[-1])
        found: dict[int, list[Figures]] = {callers: [] for callers in (1, sizes.at_once[-1])}
        busy: dict[int, list[float]] = {callers: [] for callers in found}
        for _ in range(sizes.runs):
            for callers, runs in found.items():
                used, begun = machine(), time.perf_counter()
                runs.append(await at_once(callers, across.trip, seconds=sizes.seconds, meters=meters))
                busy[callers].append(
                    (machine() - used) / (time.perf_counter() - begun) / (os.cpu_count() or 1)
                )
    await check(url, approved=across.done + 1)
    return [
        _Load(
            callers=callers, replicas=replicas, redis=redis, figures=middle(runs), busy=median(busy[callers])
        )
        for callers, runs in found.items()
    ]


def _together(meters: Sequence[Meter]) -> Meter:
    return lambda: sum(meter() for meter in meters)


@dataclass(slots=True)
class _Across:
    """Agents at one replica, their people at the next: every decision has to wake somebody elsewhere."""

    servers: Sequence[Server]
    clicks: Clicks
    done: int = 0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def trip(self) -> float:
        """Make one round trip."""
        number = next(self._numbers)
        here, there = (self.servers[(number + step) % len(self.servers)] for step in (0, 1))
        request = await here.propose()
        async with asyncio.TaskGroup() as group:
            agent = group.create_task(here.outcome(request))
            await asyncio.sleep(0)
            group.create_task(there.approve(request, self.clicks))
            await agent
        self.done += 1
        return 0.0
