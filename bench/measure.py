"""Loops that do something again and again, and the figures they give."""

import asyncio
import math
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

#: Does it once; returns how many seconds of that it paused on purpose.
Act = Callable[[], Awaitable[float]]
#: Seconds of processor time that were used so far.
Meter = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meters:
    """Whose processor time is read: the measured process's, and that of what works for it."""

    own: Meter = time.process_time
    beside: Meter = float


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Seconds of processor time."""

    own: float = 0.0
    beside: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one loop, or the median of several, comes to."""

    count: int
    per_second: float
    p50: float  #: Seconds.
    p99: float  #: Seconds.
    most: float  #: Seconds: the longest.
    cpu: float  #: Seconds of processor time for one.
    beside: float  #: The same, of the database's server or of another that works for it.

    @property
    def brief(self) -> str:
        """The times, in a line."""
        times = " / ".join(f"{seconds * 1e3:,.1f}" for seconds in (self.p50, self.p99, self.most))
        return f"{times} ms, {self.cpu * 1e3:.2f} + {self.beside * 1e3:.2f} ms of CPU"


def figures(latencies: Sequence[float], *, seconds: float, used: Used | None = None) -> Figures:
    """Return what *latencies*, measured within *seconds*, come to."""
    ordered = sorted(latencies)
    count = len(ordered)
    if count == 0:
        raise ValueError("nothing was measured")
    used = used or Used()
    return Figures(
        count=count,
        per_second=count / seconds,
        p50=ordered[math.ceil(count * 0.50) - 1],
        p99=ordered[math.ceil(count * 0.99) - 1],
        most=ordered[-1],
        cpu=used.own / count,
        beside=used.beside / count,
    )


def middle(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure of *runs*, and the longest of all."""
    return Figures(
        count=sum(run.count for run in runs),
        per_second=median(run.per_second for run in runs),
        p50=median(run.p50 for run in runs),
        p99=median(run.p99 for run in runs),
        most=max(run.most for run in runs),
        cpu=median(run.cpu for run in runs),
        beside=median(run.beside for run in runs),
    )


_OWN = Meters()


def _using(meters: Meters) -> Callable[[], Used]:
    """Return what tells how much was used since now."""
    own, beside = meters.own(), meters.beside()
    return lambda: Used(own=meters.own() - own, beside=meters.beside() - beside)


async def at_once(
    callers: int,
    act: Act,
    *,
    seconds: float = math.inf,
    count: float = math.inf,
    meters: Meters = _OWN,
) -> Figures:
    """Let *callers* do *act* one after the other, each for *seconds*, or *count* times together."""
    latencies: list[float] = []
    begun, used = time.perf_counter(), _using(meters)
    taken = 0

    async def caller() -> None:
        nonlocal taken
        while taken < count and (at := time.perf_counter()) < begun + seconds:
            taken += 1
            paused = await act()
            latencies.append(time.perf_counter() - at - paused)

    await _together([caller() for _ in range(callers)])
    return figures(latencies, seconds=time.perf_counter() - begun, used=used())


async def by_the_clock(per_second: int, act: Act, *, seconds: float, meters: Meters = _OWN) -> Figures:
    """Begin *act* so many times a second, whether or not the earlier ones are done.

    Each counts from the instant at which it was to begin: one that had to wait is late.
    """
    latencies: list[float] = []
    begun, used = time.perf_counter(), _using(meters)

    async def one(due: float) -> None:
        await asyncio.sleep(due - time.perf_counter())
        paused = await act()
        latencies.append(time.perf_counter() - due - paused)

    await _together([one(begun + number / per_second) for number in range(round(per_second * seconds))])
    return figures(latencies, seconds=time.perf_counter() - begun, used=used())


async def _together(acts: Sequence[Awaitable[None]]) -> None:
    async def run(act: Awaitable[None]) -> None:
        await act

    async with asyncio.TaskGroup() as group:
        for act in acts:
            group.create_task(run(act))


def cpu_of(process: int) -> Meter:
    """Return the meter of another *process*: user and system time, all threads."""
    return lambda: _ticks(process, ended=False) / os.sysconf("SC_CLK_TCK")


def cpu_of_all(processes: Sequence[int]) -> Meter:
    """Return the meter of *processes* and of the processes that they started and may have ended since."""

    def used() -> float:
        found = 0.0
        for process in processes:
            children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8").split()
            found += _ticks(process, ended=True)
            for child in children:
                with suppress(OSError):
                    found += _ticks(int(child), ended=False)
        return found / os.sysconf("SC_CLK_TCK")

    return used


def _ticks(process: int, *, ended: bool) -> int:
    # The name before the last bracket may hold anything.
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    return sum(map(int, text.rpartition(")")[2].split()[11 : 15 if ended else 13]))


def machine() -> float:
    """Return how many seconds all cores together were busy since the machine started."""
    fields = [
        int(field) for field in Path("/proc/stat").read_text(encoding="utf-8").split("\n")[0].split()[1:]
    ]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")


def memory_of(process: int) -> int:
    """Return how many bytes of memory *process* holds."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
