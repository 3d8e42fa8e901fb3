"""
W1 (b): the round trip over HTTP, through ``andon serve``.

    POST /v1/requests ──▶ long poll ──▶ signed click on /slack/events ──▶ the long poll returns
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from bench.databases import Databases, Kind, check
from bench.measure import Figures, Meters, at_once, by_the_clock, cpu_of, figures, middle
from bench.rows import Row
from bench.server import Server, serving
from bench.sizes import Sizes
from bench.work import Clicks

#: How long a person thinks, in seconds, where the agent is to be found waiting.
_THINKS = 0.01


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure round trips, and check that each of them is in the database."""
    url = await databases.fresh(kind)
    async with serving(url, databases.folder) as server:
        trips = Trips(server, await server.clicks())
        meters = Meters(own=cpu_of(server.process.pid), beside=databases.cpu(kind))
        await at_once(sizes.at_once[-1], trips.hurried, count=2 * sizes.at_once[-1])
        loads = _loads(trips, sizes, meters)
        for _ in range(sizes.runs):
            for load in loads:
                await load.measure()
    events = await check(url, approved=trips.done + 1)
    rows = [row for load in loads for row in load.rows(kind)]
    return [*rows[:-1], rows[-1].noting(f"{trips.done:,} approved, {events:,} events")]


@dataclass(slots=True)
class Trips:
    """Makes round trips through a server, and counts them."""

    server: Server
    clicks: Clicks
    done: int = 0
    resumed: list[float] = field(default_factory=list)  #: Seconds from each click to its outcome.

    async def hurried(self) -> float:
        """Make one round trip, the click following the long poll at once."""
        return await self._one(0.0)

    async def thoughtful(self) -> float:
        """Make one round trip whose agent waits by the time of the click."""
        return await self._one(_THINKS)

    async def _one(self, thinks: float) -> float:
        request = await self.server.propose()
        async with asyncio.TaskGroup() as group:
            agent = group.create_task(self.server.outcome(request))
            paused = time.perf_counter()
            await asyncio.sleep(thinks)
            clicked = time.perf_counter()
            group.create_task(self.server.approve(request, self.clicks))
            await agent
            self.resumed.append(time.perf_counter() - clicked)
        self.done += 1
        return clicked - paused


@dataclass(slots=True, kw_only=True)
class _Load:
    name: str
    run: Callable[[], Awaitable[Figures]]
    trips: Trips
    shows: tuple[str, ...]  #: ``whole``, ``resumed``, or both.
    whole: list[Figures] = field(default_factory=list)
    resumed: list[Figures] = field(default_factory=list)
    client: list[float] = field(default_factory=list)  #: Seconds of our own processor time for one.

    async def measure(self) -> None:
        self.trips.resumed.clear()
        used = time.process_time()
        whole = await self.run()
        self.client.append((time.process_time() - used) / whole.count)
        self.whole.append(whole)
        self.resumed.append(figures(self.trips.resumed, seconds=1.0))

    def rows(self, kind: Kind) -> list[Row]:
        whole = Row(
            work="round trip over HTTP",
            database=kind.value,
            load=self.name,
            figures=middle(self.whole),
            commits=2,
            note=f"client {min(self.client) * 1e3:.2f} ms",
        )
        resumed = Row(
            work="… from click to agent",
            database=kind.value,
            load=self.name,
            figures=middle(self.resumed),
            is_rate=False,
        )
        rows = {"whole": whole, "resumed": resumed}
        return [rows[show] for show in self.shows]


def _loads(trips: Trips, sizes: Sizes, meters: Meters) -> list[_Load]:
    hurried = [
        _Load(
            name=f"{callers} at once",
            run=partial(at_once, callers, trips.hurried, seconds=sizes.seconds, meters=meters),
            trips=trips,
            shows=("whole",),
        )
        for callers in sizes.at_once
    ]
    if not sizes.by_the_clock:
        return hurried
    alone = partial(at_once, 1, trips.thoughtful, seconds=sizes.clocked, meters=meters)
    clock = partial(
        by_the_clock, sizes.trips_per_second, trips.thoughtful, seconds=sizes.clocked, meters=meters
    )
    return [
        *hurried,
        _Load(name=f"{sizes.trips_per_second} a second", run=clock, trips=trips, shows=("whole", "resumed")),
        _Load(name="one at a time", run=alone, trips=trips, shows=("resumed",)),
    ]
