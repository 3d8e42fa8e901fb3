"""Claims about the signed requests that the guard remembers, and how little room they take."""

from datetime import timedelta

from bot.slack.ingress.replays import ReplayCache
from tests.unit.guard.kit import NOON

SECOND = timedelta(seconds=1)
MEMORY = timedelta(seconds=600)


def test_a_request_is_first_once() -> None:
    """The second of two equal requests is known, and so is each one after."""
    replays = ReplayCache(capacity=10)
    assert [replays.is_first("a", now=NOON) for _ in range(3)] == [True, False, False]
    assert replays.is_first("b", now=NOON)


def test_a_request_is_remembered_for_ten_minutes() -> None:
    """A signature dated five minutes ahead is good for ten: it is remembered to the last instant of them."""
    replays = ReplayCache(capacity=10)
    assert replays.is_first("a", now=NOON)
    assert not replays.is_first("a", now=NOON + MEMORY)
    assert replays.is_first("a", now=NOON + MEMORY + timedelta.resolution)


def test_what_is_too_old_to_count_takes_no_room() -> None:
    """A new request clears out all that are older than ten minutes."""
    replays = ReplayCache(capacity=10)
    for number in range(5):
        replays.is_first(str(number), now=NOON + number * SECOND)
    replays.is_first("late", now=NOON + MEMORY + 2.5 * SECOND)
    assert len(replays) == 3


def test_the_oldest_make_room_for_the_new() -> None:
    """The table never outgrows its capacity; a new click is taken, the oldest is left to the inbox."""
    replays = ReplayCache(capacity=3)
    for name in "abcd":
        assert replays.is_first(name, now=NOON)
        assert len(replays) <= 3
    assert not replays.is_first("b", now=NOON)
    assert replays.is_first("a", now=NOON)


def test_a_clock_set_back_forgets_nothing() -> None:
    """After the clock was set back, a request seen in its future is still known."""
    replays = ReplayCache(capacity=10)
    replays.is_first("a", now=NOON)
    assert not replays.is_first("a", now=NOON - timedelta(hours=1))
