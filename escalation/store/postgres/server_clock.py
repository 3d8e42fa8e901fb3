"""What time it is by the database's clock, without asking for every transaction.

All replicas go by one clock, the database's. It is asked once a second; in between, the time
since the answer came in is added to it. The result is late by one trip of the network at most,
and never early: a deadline fires late rather than soon.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from escalation.clock import Clock, SystemClock, monotonic

#: Seconds for which an answer holds.
_HOLDS = 1.0
#: If this machine's two clocks part by more than this, it slept or its time was set: ask again.
_PARTED = timedelta(milliseconds=20)


class ServerClock:
    """The database's clock, or the one that a test moves."""

    def __init__(
        self,
        instead: Clock | None = None,
        *,
        ticks: Callable[[], float] = monotonic,
        wall: Clock | None = None,
    ) -> None:
        self._instead = instead
        self._ticks = ticks
        self._wall = wall or SystemClock()
        self._asked: tuple[datetime, float, datetime] | None = None  # its time, and both of ours
        self._last: datetime | None = None

    async def now(self, connection: Any) -> datetime:
        """Return this instant, asking *connection* if the last answer is old."""
        found = self.reckoned()
        if found is None:
            server: datetime = await connection.fetchval("SELECT clock_timestamp()")
            self._asked = (server, self._ticks(), self._wall.now())
            self._last = found = self._not_before_last(server)
        return found

    def reckoned(self) -> datetime | None:
        """Return this instant as far as it is known without asking."""
        if self._instead is not None:
            return self._instead.now()
        found = self._reckon()
        if found is not None:
            self._last = found = self._not_before_last(found)
        return found

    def _reckon(self) -> datetime | None:
        if self._asked is None:
            return None
        server, ticks, wall = self._asked
        elapsed = timedelta(seconds=self._ticks() - ticks)
        parted = abs(self._wall.now() - wall - elapsed)
        return None if elapsed.total_seconds() > _HOLDS or parted > _PARTED else server + elapsed

    def _not_before_last(self, found: datetime) -> datetime:
        # The last instant had passed by then, so it has passed now; unless the clock was set back.
        last = self._last
        return last if last is not None and timedelta(0) < last - found < timedelta(seconds=1) else found
