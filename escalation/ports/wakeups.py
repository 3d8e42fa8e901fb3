"""Nudges to whoever waits for something."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Waiter(Protocol):
    """One who waits."""

    async def wait(self, seconds: float) -> None:
        """Return once the topic was woken since the last return (or the start); or after *seconds*."""
        ...


class Wakeups(Protocol):
    """Wakes whoever waits for something. It may lose a call at any time; waiters read again anyway.

    A topic is a request's id, or one of the names in ``Topic``.
    """

    async def wake(self, *topics: str) -> None:
        """Tell every waiter of *topics*, in every replica. Never raises: it is a nudge, not a promise."""
        ...

    def wake_all_here(self) -> None:
        """Tell every waiter in this process, whatever it waits for."""
        ...

    def listen(self, topic: str) -> AbstractAsyncContextManager[Waiter]:
        """Notice every wake-up of *topic* during the block."""
        ...

    async def close(self) -> None: ...


class Topic:
    """What an engine waits for."""

    OUTBOX = "outbox"  #: Something is to be said in Slack.
    STOPS = "stops"  #: Somebody pulled a stop: what waits under it is to be ended.
    CONFIGURATION = "configuration"  #: Another one was put in force.
