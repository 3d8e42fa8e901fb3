"""One measurement at a time, where others measure on this machine too."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def alone() -> AsyncIterator[None]:
    """Hold the file that ``BENCH_LOCK`` names during the block, if it names one, as ``flock`` does."""
    path = os.environ.get("BENCH_LOCK")
    if not path:
        yield
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        await asyncio.to_thread(fcntl.flock, descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
