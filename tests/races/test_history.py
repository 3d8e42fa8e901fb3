"""The checker itself: what could not have happened one step after the other is found, and nothing else is."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.races.history import History, Operation, is_explained
from tests.races.model import Doing, State

DEADLINE = datetime(2026, 11, 16, 12, 15, tzinfo=UTC)
BEFORE = DEADLINE - timedelta.resolution
GRANTED = State(request="approved", grant="granted")
NOTHING = State(request="")


def op(what: str, told: str, invoked: int, returned: int | None, *, at: datetime = BEFORE) -> Operation:
    """Return an operation written as ``name`` or ``name by``."""
    name, _, by = what.partition(" ")
    return Operation(
        client="somebody",
        doing=Doing(name, by),
        invoked=invoked,
        returned=returned,
        told=told,
        began=at,
        ended=at,
    )


def history(*operations: Operation, start: State | None = None) -> History:
    return History(about="req", start=start or State(), deadline=DEADLINE, operations=operations)


@pytest.mark.parametrize(
    "told",
    [
        history(op("approve", "counts: approved", 1, 2), op("see", "approved", 3, 4)),
        # Side by side, either may have been first.
        history(op("approve", "rejected", 1, 4), op("reject", "counts: rejected", 2, 3)),
        history(op("see", "pending", 1, 9), op("approve", "counts: approved", 2, 3)),
        # The deadline came while the click was under way.
        history(
            Operation(
                client="somebody", doing=Doing("approve"), invoked=1, returned=5,
                told="counts: approved", began=BEFORE, ended=DEADLINE,
            ),
            op("see", "pending", 2, 3, at=DEADLINE),
        ),
        history(op("approve", "unanswered", 1, 2, at=DEADLINE), op("wait", "unanswered", 3, 4, at=DEADLINE)),
        # Nobody heard what came of it: it took effect, or it did not.
        history(op("approve", "", 1, None), op("see", "pending", 2, 3), op("see", "pending", 4, 5)),
        history(op("claim one", "claimed", 1, 4), op("stop", "stopped", 2, 3), start=GRANTED),
        history(op("claim one", "claimed", 1, 2), op("claim one", "claimed", 3, 4), start=GRANTED),
        history(
            op("stop", "stopped", 1, 2), op("resume", "still_ending", 3, 4), op("resume", "resumed", 5, 6),
            op("claim one", "grant_revoked", 7, 8), start=GRANTED,
        ),
        history(
            op("propose this", "known", 1, 4), op("propose this", "new", 2, 3),
            op("propose that", "key_reused", 5, 6), start=NOTHING,
        ),
    ],
)  # fmt: skip
def test_what_can_have_happened_is_explained(told: History) -> None:
    """Whatever one order of single steps explains is no violation."""
    assert is_explained(told), str(told)


@pytest.mark.parametrize(
    "told",
    [
        # Two winners; a loser who is told of another winner, or that nothing happened.
        history(op("approve", "counts: approved", 1, 3), op("reject", "counts: rejected", 2, 4)),
        history(op("approve", "counts: approved", 1, 3), op("cancel", "rejected", 2, 4)),
        history(op("approve", "pending", 1, 2)),
        # Silence that approved, a click after the deadline, a deadline that came early, or twice otherwise.
        history(op("see", "approved", 1, 2, at=DEADLINE)),
        history(op("approve", "counts: approved", 1, 2, at=DEADLINE)),
        history(op("see", "unanswered", 1, 2)),
        history(op("approve", "counts: approved", 1, 2), op("see", "unanswered", 3, 4, at=DEADLINE)),
        history(op("see", "unanswered", 1, 2, at=DEADLINE), op("approve", "counts: approved", 3, 4)),
        # What was settled waits again; a wait that ends without an outcome.
        history(op("approve", "counts: approved", 1, 2), op("see", "pending", 3, 4)),
        history(op("wait", "pending", 1, 2)),
        # One grant for two; a claim after the stop; a grant that outlived it.
        history(op("claim one", "claimed", 1, 3), op("claim two", "claimed", 2, 4), start=GRANTED),
        history(op("stop", "stopped", 1, 2), op("claim one", "claimed", 3, 4), start=GRANTED),
        history(
            op("stop", "stopped", 1, 2), op("resume", "resumed", 3, 4), op("claim one", "claimed", 5, 6),
            start=GRANTED,
        ),
        history(op("claim one", "grant_revoked", 1, 2), start=GRANTED),
        history(op("claim one", "stopped", 1, 2), op("stop", "stopped", 3, 4), start=GRANTED),
        history(op("claim one", "claimed", 1, 2)),
        # A click under a stop; what waited under it still waits.
        history(op("stop", "stopped", 1, 2), op("approve", "counts: approved", 3, 4)),
        history(op("stop", "stopped", 1, 2), op("resume", "resumed", 3, 4), op("see", "pending", 5, 6)),
        history(op("stop", "stopped", 1, 3), op("stop", "stopped", 2, 4)),
        # One key for two; a reuse that was let in, or refused before there was anything.
        history(op("propose this", "new", 1, 3), op("propose this", "new", 2, 4), start=NOTHING),
        history(op("propose this", "new", 1, 2), op("propose that", "known", 3, 4), start=NOTHING),
        history(op("propose that", "key_reused", 1, 2), op("propose this", "new", 3, 4), start=NOTHING),
    ],
)  # fmt: skip
def test_what_cannot_have_happened_is_found(told: History) -> None:
    """What no order of single steps explains is a violation."""
    assert not is_explained(told), str(told)
