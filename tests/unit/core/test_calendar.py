"""When the clock of an SLA runs."""

from datetime import timedelta

import pytest

from escalation.calendar import ALWAYS_OPEN
from tests.unit.core.kit import NOON


@pytest.mark.parametrize(
    "budget", [timedelta(0), timedelta(microseconds=1), timedelta(minutes=15), timedelta(days=9)]
)
def test_around_the_clock_means_plain_addition(budget: timedelta) -> None:
    """Where it is always open, a budget of working time is that much time, over nights and weekends."""
    assert ALWAYS_OPEN.after(NOON, budget) - NOON == budget
