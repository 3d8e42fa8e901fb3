"""
What happens to a request that nobody has answered yet, and when.

    ASKED ──50 % of the SLA──▶ NUDGED ──80 %──▶ BACKUP ──100 %──▶ (the safe default)

The rung never changes the request's state. Acknowledging pauses the rungs, not the deadline.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import assert_never

from escalation.calendar import Calendar


class Rung(IntEnum):
    """How loudly we have asked."""

    ASKED = 0  #: The card is posted, or about to be.
    NUDGED = 1  #: The approvers were reminded in the card's thread.
    BACKUP = 2  #: The backup was told.
    DEFAULTED = 3  #: The deadline passed; the safe default applies.


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The instants of one request's rungs, fixed when it was asked."""

    nudge_at: datetime  #: Half of the SLA.
    backup_at: datetime  #: Four fifths of it.
    deadline: datetime  #: All of it. Nobody can decide from this instant on.

    def at(self, rung: Rung) -> datetime:
        """Return when *rung* is planned."""
        match rung:
            case Rung.ASKED:
                raise ValueError("a request is asked when it arrives, not at a planned time")
            case Rung.NUDGED:
                return self.nudge_at
            case Rung.BACKUP:
                return self.backup_at
            case Rung.DEFAULTED:
                return self.deadline
            case _:
                assert_never(rung)

    def next_rung(self, reached: Rung, *, quiet: bool) -> Rung:
        """Return the rung after *reached*; *quiet* (somebody is looking) goes straight to the deadline."""
        return Rung.DEFAULTED if quiet else Rung(min(reached + 1, Rung.DEFAULTED))


def ladder(asked_at: datetime, sla: timedelta, calendar: Calendar) -> Ladder:
    """Return the instants for a request asked at *asked_at* (UTC) under *sla* of working time."""
    return Ladder(
        nudge_at=calendar.after(asked_at, sla / 2),
        backup_at=calendar.after(asked_at, sla * 4 / 5),
        deadline=calendar.after(asked_at, sla),
    )
