"""
W7: each frequent step by itself, and a batch of retention, beside a long history of settled requests.

Everything is settled so long ago that retention may remove it: the batch is a full one.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from bench import growth, work
from bench.databases import Databases, Kind, core_of
from bench.in_process import Trips
from bench.measure import Act, Figures, Meters, at_once, middle
from bench.rows import Row
from bench.sizes import Sizes
from escalation.clock import SystemClock
from escalation.grant import Claim
from escalation.ids import GrantId, PersonId, RequestId
from escalation.ports import Page, Place
from escalation.request import State
from escalation.retention import Kept
from escalation.service import deadlines, deliver, queries, retention
from escalation.service.claim import Claimed, claim
from escalation.service.context import Core, Counted
from escalation.service.decide import Approve, decide
from escalation.service.propose import Proposed, propose

_SALMA: Final = PersonId("salma")
#: How often each step is done in one run; a batch of retention is fifty of them.
_TIMES: Final = 100
_BATCHES: Final = 5
#: Beyond every term that is shipped.
_AGO: Final = timedelta(days=500)


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure with more and more settled requests."""
    counts = [count for count in sizes.settled if count]
    found = [await _measure(databases, kind, sizes, count) for count in counts]
    return [row for rows in zip(*found, strict=True) for row in _beside(rows)]


def _beside(rows: Sequence[Row]) -> list[Row]:
    first, *others = rows
    return [first, *(replace(row, note=_ratio(first, row)) for row in others)]


def _ratio(first: Row, row: Row) -> str:
    return f"p50 {row.figures.p50 / first.figures.p50:.2f} × that {first.load}"


async def _measure(databases: Databases, kind: Kind, sizes: Sizes, settled: int) -> list[Row]:
    url = await databases.fresh(kind)
    async with core_of(url) as core:
        await Trips.of(core).one()
        await growth.settle(url, settled, ago=_AGO)
        meters = Meters(beside=databases.cpu(kind))
        steps = _Steps(core)
        await steps.run(Meters(), times=10)  # connections, plans and pages are there
        runs = [await steps.run(meters, times=_TIMES) for _ in range(sizes.runs)]
    return [
        Row(
            work=name,
            database=kind.value,
            load=f"alone after {settled:,} settled",
            figures=middle([run[name] for run in runs]),
        )
        for name in runs[0]
    ]


@dataclass(slots=True)
class _Steps:
    """Does each step many times, one after the other, and remembers what the next one needs."""

    core: Core
    asked: list[RequestId] = field(default_factory=list)
    granted: list[tuple[GrantId, Claim]] = field(default_factory=list)

    async def run(self, meters: Meters, *, times: int) -> dict[str, Figures]:
        """Return what each step cost."""
        steps: dict[str, tuple[Act, int]] = {
            "propose": (self._propose, times),
            "my queue": (_look(lambda: queries.queue(self.core, _SALMA, limit=10)), times),
            "what I decided": (_look(lambda: queries.decided_by(self.core, _SALMA, limit=10)), times),
            "an agent's pending requests": (_look(self._pending), times),
            "what is due": (self._tick, times),
            "approve": (self._approve, times),
            "claim": (self._claim, times),
            "remove 50 requests": (self._remove, min(times, _BATCHES)),
        }
        return {
            name: await at_once(1, act, count=count, meters=meters) for name, (act, count) in steps.items()
        }

    async def _propose(self) -> float:
        proposed = await propose(self.core, work.proposal())
        assert isinstance(proposed, Proposed), proposed
        self.asked.append(proposed.request.id)
        return 0.0

    async def _approve(self) -> float:
        decided = await decide(self.core, work.click(), self.asked.pop(0), Approve())
        assert isinstance(decided, Counted), decided
        assert decided.grant is not None
        command = Claim(agent=work.AGENT, digest=decided.grant.digest, attempt="bench")
        self.granted.append((decided.grant.id, command))
        return 0.0

    async def _claim(self) -> float:
        grant, command = self.granted.pop(0)
        claimed = await claim(self.core, grant, command)
        assert isinstance(claimed, Claimed), claimed
        return 0.0

    async def _pending(self) -> object:
        page = Page(limit=50)
        return await queries.listed(self.core, work.AGENT, states=(State.PENDING,), page=page)

    async def _tick(self) -> float:
        assert not (await deadlines.due(self.core)).now
        assert await deadlines.settle_due(self.core, batch=100) == 0
        assert await deadlines.lapse_due(self.core, batch=100) == 0
        await deliver.undelivered(self.core)
        return 0.0

    async def _remove(self) -> float:
        batch = await retention.remove(self.core, Kept.REQUESTS, at=SystemClock().now(), behind=Place())
        assert batch.count == retention.BATCH_OF_REQUESTS or batch.is_last, batch
        return 0.0


def _look(at: Callable[[], Awaitable[object]]) -> Act:
    async def look() -> float:
        await at()
        return 0.0

    return look
