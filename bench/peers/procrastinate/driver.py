"""
procrastinate: a request is a job scheduled at its deadline; a decision is a job that a worker is notified of.

Two jobs are committed, one is fetched and finished. The job at the deadline is left alone: less than we do.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import uvloop
from procrastinate import App, PsycopgConnector

from bench.peers.protocol import Timers, asked, measure_trips


async def main() -> None:
    """Measure what is asked for."""
    wanted = asked()
    connector = PsycopgConnector(conninfo=wanted["url"], min_size=wanted["pool"], max_size=wanted["pool"])
    app = App(connector=connector)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        measure = _trips(app, wanted) if wanted["work"] == "trips" else _expiries(app, wanted)
        await measure


@asynccontextmanager
async def _worker(app: App, queue: str, wanted: dict[str, Any]) -> AsyncIterator[None]:
    # It listens for jobs that are to be done at once; what is due later it finds when it polls.
    running = app.run_worker_async(
        queues=[queue], concurrency=wanted["concurrency"], install_signal_handlers=False
    )
    worker = asyncio.create_task(running)
    await asyncio.sleep(0.5)
    yield
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def _trips(app: App, wanted: dict[str, Any]) -> None:
    waiting: dict[int, asyncio.Future[str]] = {}

    async def expire(request: int) -> None:
        raise AssertionError(request)

    async def decide(request: int, verdict: str) -> None:
        waiting.pop(request).set_result(verdict)

    expired = app.task(name="expire", queue="deadlines")(expire).configure(schedule_in={"minutes": 15})
    decided = app.task(name="decide", queue="decisions")(decide)
    numbers, loop = itertools.count(), asyncio.get_running_loop()

    async def one() -> float:
        request = next(numbers)
        waiting[request] = outcome = loop.create_future()
        await expired.defer_async(request=request)
        await decided.defer_async(request=request, verdict="approve")
        assert await outcome == "approve"
        return 0.0

    async with _worker(app, "decisions", wanted):
        await measure_trips(one, wanted)


async def _expiries(app: App, wanted: dict[str, Any]) -> None:
    timers = Timers()

    async def expire(due: float) -> None:
        timers.fired(due)

    task = app.task(name="expire", queue="deadlines")(expire)

    async def schedule(due: float) -> None:
        await task.configure(schedule_at=datetime.fromtimestamp(due, UTC)).defer_async(due=due)

    async with _worker(app, "deadlines", wanted):
        await timers.run(wanted, schedule, processes=[os.getpid()])


if __name__ == "__main__":
    uvloop.run(main())
