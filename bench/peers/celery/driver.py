"""Celery: tasks with an `eta`, a worker of four processes, Valkey that writes every change to the disk."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

from bench.peers.protocol import Timers, asked

_WORKER = (
    "-A",
    "bench.peers.celery.tasks",
    "worker",
    "--concurrency",
    "4",
    "--loglevel",
    "ERROR",
    "--without-gossip",
)
_UP = 4.0


async def main() -> None:
    """Measure what is asked for."""
    wanted = asked()
    os.environ["BENCH_VALKEY"] = wanted["valkey"]
    from bench.peers.celery import tasks

    tasks.client.flushall()
    tasks.client.config_set("appendonly", "yes")
    tasks.client.config_set("appendfsync", "always")
    command = [sys.executable, "-m", "celery", *_WORKER]
    worker = await asyncio.create_subprocess_exec(*command, stdout=sys.stderr)
    try:
        await asyncio.sleep(_UP)
        await _run(wanted, tasks, worker.pid)
    finally:
        worker.terminate()
        await worker.wait()


async def _run(wanted: dict[str, Any], tasks: Any, worker: int) -> None:
    def take() -> None:
        timers.late += [float(late) for late in tasks.client.lrange(tasks.LATE, len(timers.late), -1)]

    timers = Timers(look=take)

    async def schedule(due: float) -> None:
        tasks.task.apply_async(args=[due], eta=datetime.fromtimestamp(due, UTC))
        await asyncio.sleep(0)

    processes = [os.getpid(), worker, *_children(worker)]
    await timers.run(wanted, schedule, processes=processes)


def _children(process: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


if __name__ == "__main__":
    asyncio.run(main())
