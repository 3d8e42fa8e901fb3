"""How an agent waits: it reads again when somebody wakes it, and now and then although nobody did."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from escalation.ports import Transaction
from escalation.service.context import Core, seconds_until

T = TypeVar("T")

#: How often a waiter reads again although nobody woke it: the net under a lost wake-up.
_REREAD_SECONDS = 5.0
#: Until somebody or the clock settles it.
OPEN_END = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen(Generic[T]):
    """What was found, and how long it is worth waiting for something else."""

    found: T
    worth_waiting_until: datetime | None  #: None: it is over.


async def wait_for(
    core: Core, topic: str, look: Callable[[Transaction], Awaitable[Seen[T] | None]], *, wait: float
) -> T | None:
    """Return what *look* finds, if anything, once it is over or *wait* seconds have passed."""
    async with core.wakeups.listen(topic) as waiter:
        until = None
        while True:
            async with core.store.read() as tx:
                seen, now = await look(tx), tx.now
            if seen is None:
                return None
            until = until or now + timedelta(seconds=wait)
            over_at = seen.worth_waiting_until
            left = 0.0 if over_at is None else seconds_until(min(until, over_at), now)
            if left <= 0 or core.is_closing:
                return seen.found
            await waiter.wait(min(left, _REREAD_SECONDS))
