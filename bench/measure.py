"""Loops that do something again and again, and the figures they give."""

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

#: Does it once; returns how many seconds of that it paused on purpose.
Act = Callable[[], Awaitable[float]]
#: Seconds of processor time that were used so far.
Meter = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one loop, or the median of several, comes to."""

    count: int
    per_second: float
    p50: float  #: Seconds.
    p99: float  #: Seconds.
    cpu: float  #: Seconds of processor time for one.


def figures(latencies: Sequence[float], *, seconds: float, cpu: float = 0.0) -> Figures:
    """Return what *latencies*, measured within *seconds*, come to."""
    ordered = sorted(latencies)
    count = len(ordered)
    if count == 0:
        raise ValueError("nothing was measured")
    return Figures(
        count=count,
        per_second=count / seconds,
        p50=ordered[math.ceil(count * 0.50) - 1],
        p99=ordered[math.ceil(count * 0.99) - 1],
        cpu=cpu / count,
    )


def middle(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure of *runs*."""
    return Figures(
        count=sum(run.count for run in runs),
        per_second=median(run.per_second for run in runs),
        p50=median(run.p50 for run in runs),
        p99=median(run.p99 for run in runs),
        cpu=median(run.cpu for run in runs),
    )


async def at_once(
    callers: int,
    act: Act,
    *,
    seconds: float = math.inf,
    count: float = math.inf,
    meter: Meter = time.process_time,
) -> Figures:
    """Let *callers* do *act* one after the other, each for *seconds*, or *count* times together."""
    latencies: list[float] = []
    begun, used = time.perf_counter(), meter()
    taken = 0

    async def caller() -> None:
        nonlocal taken
        while taken < count and (at := time.perf_counter()) < begun + seconds:
            taken += 1
            paused = await act()
            latencies.append(time.perf_counter() - at - paused)

    await _together([caller() for _ in range(callers)])
    return figures(latencies, seconds=time.perf_counter() - begun, cpu=meter() - used)


async def by_the_clock(
    per_second: int, act: Act, *, seconds: float, meter: Meter = time.process_time
) -> Figures:
    """Begin *act* so many times a second, whether or not the earlier ones are done.

    Each counts from the instant at which it was to begin: one that had to wait is late.
    """
    latencies: list[float] = []
    begun, used = time.perf_counter(), meter()

    async def one(due: float) -> None:
        await asyncio.sleep(due - time.perf_counter())
        paused = await act()
        latencies.append(time.perf_counter() - due - paused)

    await _together([one(begun + number / per_second) for number in range(round(per_second * seconds))])
    return figures(latencies, seconds=time.perf_counter() - begun, cpu=meter() - used)


async def _together(acts: Sequence[Awaitable[None]]) -> None:
    async def run(act: Awaitable[None]) -> None:
        await act

    async with asyncio.TaskGroup() as group:
        for act in acts:
            group.create_task(run(act))


def cpu_of(process: int) -> Meter:
    """Return the meter of another *process*: user and system time, all threads."""
    stat, tick = Path(f"/proc/{process}/stat"), os.sysconf("SC_CLK_TCK")

    def used() -> float:
        # The name before the last bracket may hold anything.
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / tick

    return used


def memory_of(process: int) -> int:
    """Return how many bytes of memory *process* holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
