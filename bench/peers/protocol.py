"""
What a peer's driver and the runner say to each other: one JSON argument in, JSON lines out.

Drivers run in environments of their own, so this and ``bench.measure`` import the standard library alone.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.measure import Act, Meters, at_once, cpu_of, cpu_of_all, memory_of


def asked() -> dict[str, Any]:
    """Return what the runner asks for."""
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def say(line: Mapping[str, object]) -> None:
    """Tell the runner one thing."""
    print(json.dumps(line), flush=True)


async def measure_trips(one: Act, wanted: Mapping[str, Any], *, beside: Sequence[int] = ()) -> None:
    """
    Warm up, then measure *one* with so many callers as are wanted.

    The processes *beside* this one work for it too, as does the database.
    """
    callers, servers = wanted["at_once"], [*beside, *wanted["servers"]]
    meters = Meters(beside=cpu_of_all(servers))
    await at_once(max(callers), one, count=2 * max(callers))
    for number in callers:
        found = await at_once(number, one, seconds=wanted["seconds"], meters=meters)
        say({"at_once": number, **asdict(found)})


@dataclass(slots=True)
class Timers:
    """Timers that fall due within some seconds: when each was to fire, and when it did."""

    late: list[float] = field(default_factory=list)
    #: Brings `late` up to date, where other processes fire them.
    look: Callable[[], None] = lambda: None

    def fired(self, due: float) -> None:
        """Note that the one of *due* fires now."""
        self.late.append(time.time() - due)

    async def run(
        self,
        wanted: Mapping[str, Any],
        schedule: Callable[[float], Awaitable[None]],
        *,
        processes: Sequence[int],
    ) -> None:
        """Schedule as many as are wanted, wait until they are over, and tell what happened."""
        count, window = wanted["count"], wanted["window"]
        begun = time.time()
        first = begun + wanted["ahead"]
        dues = iter([first + window * number / count for number in range(count)])

        async def some() -> None:
            for due in dues:
                await schedule(due)

        await asyncio.gather(*(some() for _ in range(wanted["callers"])))
        created = time.time() - begun
        meters = [cpu_of(process) for process in processes]
        used = [meter() for meter in meters]
        until = first + window + wanted["patience"]
        await asyncio.sleep(max(0.0, first + window - time.time()))
        self.look()
        while len(self.late) < count and time.time() < until:
            await asyncio.sleep(0.05)
            self.look()
        cpu = sum(meter() for meter in meters) - sum(used)
        memory = sum(memory_of(process) for process in processes)
        say_late(self.late, wanted, created=created, cpu=cpu, memory=memory)


def say_late(
    late: Sequence[float], wanted: Mapping[str, Any], *, created: float, cpu: float, memory: int
) -> None:
    """Tell how late the timers were."""
    ordered = sorted(late)
    count = len(ordered)
    say(
        {
            "count": count,
            "wanted": wanted["count"],
            "early": sum(seconds < 0 for seconds in ordered),
            "p50": ordered[(count - 1) // 2] if ordered else None,
            "p99": ordered[max(0, -(-count * 99 // 100) - 1)] if ordered else None,
            "most": ordered[-1] if ordered else None,
            "created_in": created,
            "on_time": created < wanted["ahead"],
            "cpu": cpu,
            "memory": memory,
        }
    )
