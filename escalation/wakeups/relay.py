"""What wake-ups between replicas have in common: a queue out, and a line that may break and comes back."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress

import structlog

from escalation.wakeups.local import LocalWakeups

_log = structlog.get_logger(__name__)

#: Seconds to wait before the line is tried again, at first and at most.
_FIRST_PAUSE = 0.1
_LAST_PAUSE = 5.0
#: Seconds between two messages: what comes in between travels together.
_PACE = 0.002
#: Seconds after which a silent line is tested.
_SILENCE = 15.0


class Relay(LocalWakeups, ABC):
    """Wakes waiters here at once, and those elsewhere as long as the line stands."""

    name: str  #: What carries it, for the log.

    def __init__(self) -> None:
        super().__init__()
        self._topics: set[str] = set()
        self._stir = asyncio.Event()
        self._up = False
        self._out = False  #: Whether an outage was logged and is not over.
        self._closed = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, and to connect again whenever the line breaks."""
        self._task = asyncio.create_task(self._run())

    async def wake(self, *topics: str) -> None:
        """Tell every waiter of *topics*, in every replica that can be reached. Never raises."""
        self.wake_here(*topics)
        if self._up:
            self._topics.update(topics)
            self._stir.set()

    async def close(self) -> None:
        """Hang up."""
        self._closed = True
        while self._task is not None and not self._task.done():
            # More than once: a client that is just connecting may swallow it, and would then carry on.
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_FIRST_PAUSE)

    @abstractmethod
    async def _carry(self) -> None:
        """Connect, call ``_connected``, and carry topics until the line breaks; then raise."""

    def _connected(self) -> None:
        self._up = True
        if self._out:
            self._out = False
            _log.info("wakeups_restored", over=self.name)
        # What was said while nobody listened is lost: let everybody look for themselves.
        self.wake_all_here()

    async def _to_send(self) -> list[str]:
        """Return the next topics to tell of; none if it was silent for long, or something stirred."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SILENCE):
                await self._stir.wait()
        if self._topics:
            # What is told of in the meantime travels along.
            await asyncio.sleep(_PACE)
        self._stir.clear()
        topics, self._topics = self._topics, set()
        return list(topics)

    def _heard(self, topics: list[str]) -> None:
        self.wake_here(*topics)

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._carry()
            # Whatever it was that broke the line, a nudge is never worth more than a line in the log.
            except Exception as error:  # noqa: BLE001  # see above
                pause = _FIRST_PAUSE if self._up else min(pause * 2, _LAST_PAUSE)
                self._lost(error)
            # A line that breaks just as it is told to end raises that instead of ending.
            if self._closed:
                return
            await asyncio.sleep(pause)

    def _lost(self, error: Exception) -> None:
        while isinstance(error, ExceptionGroup):
            error = error.exceptions[0]
        self._up = False
        self._topics.clear()
        if not self._out:
            self._out = True
            _log.warning("wakeups_lost", over=self.name, error=type(error).__name__)
