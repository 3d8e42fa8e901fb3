"""Keeps each channel to the pace Slack allows: about one message a second, with room for a few at once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from escalation.clock import monotonic

#: How many messages may go to one channel at once before the pace applies.
_BURST = 5.0
#: Lanes that have been quiet for so long are forgotten.
_QUIET_SECONDS = 600.0


@dataclass(slots=True)
class _Lane:
    tokens: float
    at: float


class Lanes:
    """A token bucket per channel."""

    def __init__(self, *, per_second: float = 1.0, clock: Callable[[], float] = monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}

    async def turn(self, channel: str) -> None:
        """Return when it is *channel*'s turn."""
        wait = self._take(channel)
        if wait > 0:
            await asyncio.sleep(wait)

    def _take(self, channel: str) -> float:
        now = self._clock()
        self._forget(now)
        lane = self._lanes.setdefault(channel, _Lane(_BURST, now))
        lane.tokens = min(_BURST, lane.tokens + (now - lane.at) * self._per_second) - 1
        lane.at = now
        return max(0.0, -lane.tokens / self._per_second)

    def _forget(self, now: float) -> None:
        if len(self._lanes) > 1000:
            self._lanes = {name: lane for name, lane in self._lanes.items() if now - lane.at < _QUIET_SECONDS}
