"""Keeps each channel to the pace Slack allows: about one message a second, with room for a few at once."""

import asyncio
from collections.abc import Callable

from bot.token_buckets import TokenBuckets
from escalation.clock import monotonic

#: How many messages may go to one channel at once before the pace applies.
_BURST = 5.0
#: Channels kept in mind; one that is idle for longer than a thousand others may burst again.
_CHANNELS = 1000


class ChannelPacing:
    """The rate limit of each channel, kept on our side so that Slack seldom has to."""

    def __init__(self, *, per_second: float = 1.0, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._buckets = TokenBuckets(per_second=per_second, burst=_BURST, keys=_CHANNELS)

    async def turn(self, channel: str) -> None:
        """Return when it is *channel*'s turn."""
        wait = self._reserve(channel)
        if wait > 0:
            await asyncio.sleep(wait)

    def _reserve(self, channel: str) -> float:
        return self._buckets.reserve(channel, at=self._clock())
