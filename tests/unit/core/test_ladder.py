"""When a request's rungs are due, and which comes next."""

from datetime import datetime, timedelta

import pytest

from escalation.calendar import ALWAYS_OPEN
from escalation.ladder import Ladder, Rung, ladder
from tests.unit.core.kit import BACKUP, DEADLINE, NOON, NUDGE

RUNGS = Ladder(nudge_at=NUDGE, backup_at=BACKUP, deadline=DEADLINE)


@pytest.mark.parametrize(
    ("sla", "nudge", "backup", "deadline"),
    [
        # 1/2, 4/5 and all of it.
        (
            timedelta(minutes=15),
            timedelta(minutes=7, seconds=30),
            timedelta(minutes=12),
            timedelta(minutes=15),
        ),
        (timedelta(hours=1), timedelta(minutes=30), timedelta(minutes=48), timedelta(minutes=60)),
        (
            timedelta(seconds=1),
            timedelta(milliseconds=500),
            timedelta(milliseconds=800),
            timedelta(seconds=1),
        ),
        (timedelta(days=1), timedelta(hours=12), timedelta(hours=19, minutes=12), timedelta(hours=24)),
    ],
)
def test_the_rungs_stand_at_half_four_fifths_and_all_of_the_time(
    sla: timedelta, nudge: timedelta, backup: timedelta, deadline: timedelta
) -> None:
    """People are reminded at half of the SLA, the backup is told at four fifths, and all of it is the end."""
    assert ladder(NOON, sla, ALWAYS_OPEN) == Ladder(
        nudge_at=NOON + nudge, backup_at=NOON + backup, deadline=NOON + deadline
    )


class OneHourLunch:
    """A calendar whose clock stands still from 12:10 to 13:10."""

    def after(self, start: datetime, budget: timedelta) -> datetime:
        end = start + budget
        return end + timedelta(hours=1) if end > NOON + timedelta(minutes=10) else end


def test_the_calendar_decides_when_the_clock_runs() -> None:
    """Each rung is counted in working time: a pause moves the rungs behind it, and only those."""
    paused = ladder(NOON, timedelta(minutes=15), OneHourLunch())

    assert paused.nudge_at == NUDGE
    assert paused.backup_at == BACKUP + timedelta(hours=1)
    assert paused.deadline == DEADLINE + timedelta(hours=1)


@pytest.mark.parametrize(
    ("rung", "planned"), [(Rung.NUDGED, NUDGE), (Rung.BACKUP, BACKUP), (Rung.DEFAULTED, DEADLINE)]
)
def test_each_rung_has_its_instant(rung: Rung, planned: datetime) -> None:
    """Every rung after the first is planned when the request is asked."""
    assert RUNGS.at(rung) == planned


def test_asking_is_not_planned() -> None:
    """A request is asked when it arrives; whoever looks for a planned time of that has made a mistake."""
    with pytest.raises(ValueError, match="asked when it arrives"):
        RUNGS.at(Rung.ASKED)


@pytest.mark.parametrize(
    ("reached", "loud", "quiet"),
    [
        (Rung.ASKED, Rung.NUDGED, Rung.DEFAULTED),
        (Rung.NUDGED, Rung.BACKUP, Rung.DEFAULTED),
        (Rung.BACKUP, Rung.DEFAULTED, Rung.DEFAULTED),
        (Rung.DEFAULTED, Rung.DEFAULTED, Rung.DEFAULTED),
    ],
)
def test_somebody_who_looks_stills_the_reminders_but_not_the_deadline(
    reached: Rung, loud: Rung, quiet: Rung
) -> None:
    """Rungs are climbed one by one; while somebody is looking, only the deadline is left."""
    assert RUNGS.next_rung(reached, quiet=False) is loud
    assert RUNGS.next_rung(reached, quiet=True) is quiet
