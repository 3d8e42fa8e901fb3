"""When the clock of an SLA runs."""

from datetime import datetime, timedelta
from typing import Protocol


class Calendar(Protocol):
    """Turns a budget of working time into an instant."""

    def after(self, start: datetime, budget: timedelta) -> datetime:
        """Return the instant at which *budget* of working time has passed since *start* (both UTC)."""
        ...


class AlwaysOpen:
    """Around the clock, every day."""

    def after(self, start: datetime, budget: timedelta) -> datetime:
        return start + budget


ALWAYS_OPEN = AlwaysOpen()
