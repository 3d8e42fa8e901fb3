"""W3: a signed click on Approve, and the 200 that Slack gets once the decision is committed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from bench.databases import Databases, Kind, check
from bench.measure import Figures, Meters, at_once, by_the_clock, cpu_of, middle
from bench.pending import fill
from bench.rows import Row
from bench.server import Server, serving
from bench.sizes import Sizes
from bench.work import Clicks
from escalation.ids import RequestId

_AT_ONCE = 64


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure clicks; then kill the server, and check that it kept every click it acknowledged."""
    url = await databases.fresh(kind)
    requests = await fill(url, sizes.clicks_needed)
    async with serving(url, databases.folder) as server:
        people = People(server, await server.clicks(), iter(requests))
        meters = Meters(own=cpu_of(server.process.pid), beside=databases.cpu(kind))
        found = await _measure(people, sizes, meters)
        await server.kill()
    clicked = len(requests) - len(list(people.requests))
    await check(url, approved=clicked + 1, pending=len(requests) - clicked)
    rows = [
        Row(work="click → 200, committed", database=kind.value, load=load, figures=middle(runs), commits=1)
        for load, runs in found.items()
    ]
    return [*rows[:-1], rows[-1].noting(f"{clicked:,} survived SIGKILL")]


@dataclass(frozen=True, slots=True)
class People:
    """Click on cards, each on the next."""

    server: Server
    clicks: Clicks
    requests: Iterator[RequestId]

    async def click(self) -> float:
        """Click on the next card."""
        await self.server.approve(next(self.requests), self.clicks)
        return 0.0


async def _measure(people: People, sizes: Sizes, meters: Meters) -> dict[str, list[Figures]]:
    loads = {
        f"{rate} a second": partial(by_the_clock, rate, people.click, seconds=sizes.clocked, meters=meters)
        for rate in sizes.clicks_per_second
    }
    loads[f"{_AT_ONCE} at once"] = partial(at_once, _AT_ONCE, people.click, count=sizes.clicks, meters=meters)
    found: dict[str, list[Figures]] = {load: [] for load in loads}
    for _ in range(sizes.runs):
        for load, run in loads.items():
            found[load].append(await run())
    return found
