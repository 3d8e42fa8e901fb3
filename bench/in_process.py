"""
W1 (a): the round trip in process, with policy, record, grant and outbox.

    propose ──▶ the agent waits ──▶ decide ──▶ it resumes, approved
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from bench import work
from bench.databases import Databases, Kind, check, core_of
from bench.measure import Figures, Meters, at_once, middle
from bench.rows import Row
from bench.sizes import Sizes
from escalation.ids import RequestId
from escalation.ports import Waiter, Wakeups
from escalation.request import State
from escalation.service import queries
from escalation.service.context import Core, Counted
from escalation.service.decide import Approve, decide
from escalation.service.propose import Proposed, propose


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure round trips, and check that each of them is in the database."""
    url = await databases.fresh(kind)
    found: dict[int, list[Figures]] = {callers: [] for callers in sizes.at_once}
    meters = Meters(beside=databases.cpu(kind))
    async with core_of(url) as core:
        trips = Trips.of(core)
        await at_once(sizes.at_once[-1], trips.one, count=2 * sizes.at_once[-1])
        for _ in range(sizes.runs):
            for callers, runs in found.items():
                runs.append(await at_once(callers, trips.one, seconds=sizes.seconds, meters=meters))
    events = await check(url, approved=trips.done)
    rows = [
        Row(
            work="round trip in process",
            database=kind.value,
            load=f"{callers} at once",
            figures=middle(runs),
            commits=2,
        )
        for callers, runs in found.items()
    ]
    return [*rows[:-1], rows[-1].noting(f"{trips.done:,} approved, {events:,} events")]


@dataclass(slots=True, kw_only=True)
class Trips:
    """Makes round trips, and counts them."""

    core: Core
    waiting: "_Watched"
    done: int = 0

    @classmethod
    def of(cls, core: Core) -> "Trips":
        """Return what makes them with *core*."""
        watched = _Watched(core.wakeups)
        return cls(core=replace(core, wakeups=watched), waiting=watched)

    async def one(self) -> float:
        """Make one round trip."""
        proposed = await propose(self.core, work.proposal())
        assert isinstance(proposed, Proposed), proposed
        assert proposed.request.state is State.PENDING, proposed.request
        request = proposed.request.id
        async with asyncio.TaskGroup() as group:
            agent = group.create_task(self._outcome(request))
            await self.waiting.for_(request)
            decided = await decide(self.core, work.click(), request, Approve())
            assert isinstance(decided, Counted), decided
        await agent
        self.done += 1
        return 0.0

    async def _outcome(self, request: RequestId) -> None:
        found = await queries.own(self.core, work.AGENT, request, wait=30)
        assert found is not None
        assert found.request.state is State.APPROVED, found.request
        assert found.grant is not None


@dataclass(slots=True)
class _Watched:
    """Wake-ups that tell when an agent has begun to wait: a decision that comes sooner proves little."""

    inner: Wakeups
    _begun: dict[str, asyncio.Event] = field(default_factory=dict)

    async def for_(self, topic: str) -> None:
        """Return once somebody waits for *topic*."""
        await self._begun.setdefault(topic, asyncio.Event()).wait()

    def wake_all_here(self) -> None:
        self.inner.wake_all_here()

    async def wake(self, *topics: str) -> None:
        await self.inner.wake(*topics)

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[Waiter]:
        begun = self._begun.setdefault(topic, asyncio.Event())
        try:
            async with self.inner.listen(topic) as waiter:
                yield _Noticed(waiter, begun)
        finally:
            del self._begun[topic]

    async def close(self) -> None:
        await self.inner.close()


@dataclass(frozen=True, slots=True)
class _Noticed:
    inner: Waiter
    begun: asyncio.Event

    async def wait(self, seconds: float) -> None:
        self.begun.set()
        await self.inner.wait(seconds)
