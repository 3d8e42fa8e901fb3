"""
Whether Slack is there, by what became of the messages sent to it.

    THERE ──a message fails──▶ FAILING ──and still after a while──▶ AWAY
      ▲                           │                                  │
      └───────────────────────────┴───────── a message is through ◀──┘

It is this process's own view, and begins anew with it. What waits is in rows.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from escalation.ports import Delivered, Delivery, TryLater

_log = structlog.get_logger(__name__)

#: Shorter trouble is Slack's daily life, and needs nobody.
_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """Slack takes nothing."""

    since: datetime
    undelivered: int  #: Requests that wait for their card, when last counted.

    def __str__(self) -> str:
        requests = "1 request" if self.undelivered == 1 else f"{self.undelivered} requests"
        return f"Slack away since {self.since:%H:%M} UTC, {requests} not delivered"


class Reach:
    """Hears of each message, and knows since when none went through."""

    def __init__(self) -> None:
        self.away: Away | None = None  #: Told by ``count``, so that it comes with a number.
        self._failing_since: datetime | None = None
        self._failed_last: datetime | None = None

    @property
    def is_away(self) -> bool:
        """Whether nothing went through for a while, although it was tried."""
        if self._failing_since is None or self._failed_last is None:
            return False
        return self._failed_last - self._failing_since >= _PATIENCE

    def lines(self) -> list[str]:
        """Return what operators are told: one line while Slack is away, else none."""
        return [] if self.away is None else [str(self.away)]

    def heard(self, delivery: Delivery, at: datetime) -> None:
        """Take in what became of a message at *at*."""
        if isinstance(delivery, Delivered):
            self._failing_since = self._failed_last = None
            if self.away is not None:
                # As loud as its beginning: whoever was woken by the one looks for the other.
                _log.error("slack_is_back", said=f"Slack was away since {self.away.since:%H:%M} UTC")
                self.away = None
        elif isinstance(delivery, TryLater) and delivery.away:
            self._failing_since = self._failing_since or at
            self._failed_last = at

    def count(self, undelivered: int) -> None:
        """Take in how many requests are *undelivered* while Slack is away."""
        if not self.is_away or self._failing_since is None:
            return
        begins, self.away = self.away is None, Away(since=self._failing_since, undelivered=undelivered)
        if begins:
            _log.error("slack_is_away", said=str(self.away))
