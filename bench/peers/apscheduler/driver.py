"""APScheduler 3: jobs of a date in its SQLAlchemy store; each is written when it is added and when it ran."""

import asyncio
import itertools
import os
from datetime import UTC, datetime

import uvloop
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bench.peers.protocol import Timers, asked

timers = Timers()


async def fire(due: float) -> None:
    """Note when it runs."""
    timers.fired(due)


async def main() -> None:
    """Measure what is asked for."""
    wanted = asked()
    store = SQLAlchemyJobStore(url=wanted["url"].replace("postgresql:", "postgresql+psycopg:"))
    scheduler = AsyncIOScheduler(
        jobstores={"default": store},
        executors={"default": AsyncIOExecutor()},
        # Without it, a job that is a second late is deleted and never runs.
        job_defaults={"misfire_grace_time": None},
        timezone=UTC,
    )
    scheduler.start()
    numbers = itertools.count()

    async def schedule(due: float) -> None:
        at = datetime.fromtimestamp(due, UTC)
        scheduler.add_job("__main__:fire", "date", run_date=at, args=[due], id=str(next(numbers)))
        await asyncio.sleep(0)

    await timers.run(wanted, schedule, processes=[os.getpid()])
    scheduler.shutdown(wait=False)


if __name__ == "__main__":
    uvloop.run(main())
