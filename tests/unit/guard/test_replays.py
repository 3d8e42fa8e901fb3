"""Claims about what the guard remembers, and how little room it takes."""

from datetime import timedelta

import pytest

from bot.slack.replays import Refusals, Replays
from tests.unit.guard.kit import NOON

SECOND = timedelta(seconds=1)
MEMORY = timedelta(seconds=600)


def test_a_request_is_first_once() -> None:
    """The second of two equal requests is known, and so is each one after."""
    replays = Replays(capacity=10)
    assert [replays.is_first("a", now=NOON) for _ in range(3)] == [True, False, False]
    assert replays.is_first("b", now=NOON)


def test_a_request_is_remembered_for_ten_minutes() -> None:
    """A signature dated five minutes ahead is good for ten: it is remembered to the last instant of them."""
    replays = Replays(capacity=10)
    assert replays.is_first("a", now=NOON)
    assert not replays.is_first("a", now=NOON + MEMORY)
    assert replays.is_first("a", now=NOON + MEMORY + timedelta.resolution)


def test_what_is_too_old_to_count_takes_no_room() -> None:
    """A new request clears out all that are older than ten minutes."""
    replays = Replays(capacity=10)
    for number in range(5):
        replays.is_first(str(number), now=NOON + number * SECOND)
    replays.is_first("late", now=NOON + MEMORY + 2.5 * SECOND)
    assert len(replays) == 3


def test_the_oldest_make_room_for_the_new() -> None:
    """The table never outgrows its capacity; a new click is taken, the oldest is left to the inbox."""
    replays = Replays(capacity=3)
    for name in "abcd":
        assert replays.is_first(name, now=NOON)
        assert len(replays) <= 3
    assert not replays.is_first("b", now=NOON)
    assert replays.is_first("a", now=NOON)


def test_a_clock_set_back_forgets_nothing() -> None:
    """After the clock was set back, a request seen in its future is still known."""
    replays = Replays(capacity=10)
    replays.is_first("a", now=NOON)
    assert not replays.is_first("a", now=NOON - timedelta(hours=1))


def burst(refusals: Refusals, peer: str, *, seconds: float) -> int:
    """Return how many refusals *peer* is granted at an instant."""
    now = NOON + seconds * SECOND
    return sum(refusals.may_cause_another(peer, now=now) for _ in range(100))


@pytest.mark.parametrize(
    ("seconds", "granted"), [(0, 0), (0.05, 0), (0.1, 1), (0.35, 3), (1, 10), (3_600, 10), (-3_600, 0)]
)
def test_a_peer_has_its_share_a_second(seconds: float, granted: int) -> None:
    """After its first ten refusals a peer gets ten more a second, never more than ten at once."""
    refusals = Refusals(per_second=10, peers=5)
    assert burst(refusals, "a", seconds=0) == 10
    assert burst(refusals, "a", seconds=seconds) == granted


def test_a_peer_pays_for_nobody_else() -> None:
    """One peer's flood does not use up another's share."""
    refusals = Refusals(per_second=10, peers=5)
    assert burst(refusals, "a", seconds=0) == burst(refusals, "b", seconds=0) == 10


def test_a_clock_set_back_costs_a_peer_only_its_own_share() -> None:
    """After the clock was set back, a share fills up again at its usual pace."""
    refusals = Refusals(per_second=10, peers=5)
    burst(refusals, "a", seconds=0)
    burst(refusals, "a", seconds=-3_600)
    assert burst(refusals, "a", seconds=-3_599) == 10


def test_the_peers_kept_in_mind_are_few() -> None:
    """However many peers are refused, only the last ones are kept; a busy one is not pushed out by them."""
    refusals = Refusals(per_second=1, peers=3)
    assert refusals.may_cause_another("busy", now=NOON)
    for number in range(50):
        refusals.may_cause_another(str(number), now=NOON)
        assert not refusals.may_cause_another("busy", now=NOON)
        assert len(refusals) <= 3
