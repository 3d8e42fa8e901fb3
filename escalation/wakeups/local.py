"""Wake-ups within one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LocalWaiter:
    """One who waits in this process."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Let the next ``wait``, or the one under way, return."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Return once woken since listening began (or since the last return), or after *seconds*."""
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
        finally:
            self._woken.clear()


class LocalWakeups:
    """Wakes whoever waits in this process. Enough for one replica; the others are built on it."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[LocalWaiter]] = {}

    async def wake(self, *topics: str) -> None:
        """Tell every waiter of *topics*. Never raises."""
        self.wake_here(*topics)

    def wake_here(self, *topics: str) -> None:
        """Tell every waiter of *topics* in this process."""
        for topic in topics:
            for waiter in self._waiters.get(topic, ()):
                waiter.wake()

    def wake_all_here(self) -> None:
        """Tell every waiter in this process: something may have been missed."""
        self.wake_here(*self._waiters)

    @asynccontextmanager
    async def listen(self, topic: str) -> AsyncIterator[LocalWaiter]:
        """Notice every wake-up of *topic* during the block."""
        waiter = LocalWaiter()
        waiters = self._waiters.setdefault(topic, set())
        waiters.add(waiter)
        try:
            yield waiter
        finally:
            waiters.discard(waiter)
            if not waiters and self._waiters.get(topic) is waiters:
                del self._waiters[topic]

    async def close(self) -> None:
        """Nothing to give back."""
