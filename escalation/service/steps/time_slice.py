"""How long one batch works at a time: others in this process have their turn, and nobody waits for long."""

import asyncio

from escalation.clock import monotonic

#: Seconds after which everybody else in this process has a turn: SQLite never waits by itself.
_STRETCH = 0.005
#: Seconds after which the rest is left to the next batch: what this one holds, others wait for.
_LONGEST = 0.25


class TimeSlice:
    """The time of one batch, from its first row on."""

    def __init__(self) -> None:
        self._until = monotonic() + _LONGEST
        self._yield_at = monotonic() + _STRETCH

    async def is_over(self) -> bool:
        """Let others have their turn if it is time to; return whether the batch ends here."""
        now = monotonic()
        if now >= self._yield_at:
            await asyncio.sleep(0)
            self._yield_at = monotonic() + _STRETCH
        return now >= self._until
