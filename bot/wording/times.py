"""Instants and spans of time as people read them, in the time zone that the readers share."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Writes instants for readers who look at *now*."""

    now: datetime
    zone: str = "UTC"  #: An IANA name.

    def at(self, instant: datetime) -> str:
        """Return *instant* with its day, such as ``Sun 22 Nov at 08:15 Asia/Muscat``."""
        # Without a span: what is drawn stands for days, and "in 12 min" is soon wrong.
        zone, name = _zone(self.zone)
        local = instant.astimezone(zone)
        today = self.now.astimezone(zone).date()
        day = f"{local:%a} {local.day} {local:%b}" + (f" {local.year}" if local.year != today.year else "")
        return f"{day} at {local:%H:%M} {name}"

    def with_span(self, instant: datetime) -> str:
        """Return *instant* as it is read now, such as ``Sun 22 Nov at 08:15 Asia/Muscat (in 12 min)``."""
        return f"{Times.at(self, instant)} ({span(instant - self.now)})"


def span(away: timedelta) -> str:
    """Return how far *away* is, such as ``in 12 min`` or ``3 h 5 min ago``."""
    size = abs(away)
    if size < _MINUTE:
        return "in less than a minute" if away > timedelta() else "just now"
    if size < _HOUR:
        words = f"{size // _MINUTE} min"
    elif size < 2 * _DAY:
        hours, rest = divmod(size, _HOUR)
        words = f"{hours} h {rest // _MINUTE} min" if rest >= _MINUTE else f"{hours} h"
    else:
        words = f"{size // _DAY} days"
    return f"in {words}" if away > timedelta() else f"{words} ago"


def common_zone(zones: Iterable[str]) -> str:
    """Return the zone that all of *zones* are, or UTC when they differ."""
    found = set(zones)
    return found.pop() if len(found) == 1 else "UTC"


def _zone(name: str) -> tuple[tzinfo, str]:
    # A zone this machine does not know must not keep a card from being posted.
    try:
        return ZoneInfo(name), name
    except (KeyError, ValueError, OSError):
        return UTC, "UTC"
