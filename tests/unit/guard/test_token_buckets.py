"""Claims about token buckets: what the guard and the courier limit their rates with."""

import pytest

from bot.token_buckets import TokenBuckets


def burst(buckets: TokenBuckets, key: str, *, at: float) -> int:
    """Return how many tokens *key* is given at an instant."""
    return sum(buckets.take(key, at=at) for _ in range(100))


@pytest.mark.parametrize(
    ("at", "given"), [(0, 0), (0.05, 0), (0.1, 1), (0.35, 3), (1, 10), (3_600, 10), (-3_600, 0)]
)
def test_a_key_has_its_share_a_second(at: float, given: int) -> None:
    """After its first ten tokens a key gets ten more a second, never more than ten at once."""
    buckets = TokenBuckets(per_second=10, burst=10, keys=5)
    assert burst(buckets, "a", at=0) == 10
    assert burst(buckets, "a", at=at) == given


def test_a_key_pays_for_nobody_else() -> None:
    """One key's flood does not use up another's share."""
    buckets = TokenBuckets(per_second=10, burst=10, keys=5)
    assert burst(buckets, "a", at=0) == burst(buckets, "b", at=0) == 10


def test_a_clock_set_back_costs_a_key_only_its_own_share() -> None:
    """After the clock was set back, a bucket fills up again at its usual pace."""
    buckets = TokenBuckets(per_second=10, burst=10, keys=5)
    burst(buckets, "a", at=0)
    burst(buckets, "a", at=-3_600)
    assert burst(buckets, "a", at=-3_599) == 10


def test_the_keys_kept_in_mind_are_few() -> None:
    """However many keys there are, only the last ones are kept; a busy one is not pushed out by them."""
    buckets = TokenBuckets(per_second=1, burst=1, keys=3)
    assert buckets.take("busy", at=0)
    for number in range(50):
        buckets.take(str(number), at=0)
        assert not buckets.take("busy", at=0)
        assert len(buckets) <= 3


def test_a_reservation_is_a_debt() -> None:
    """A token reserved ahead of time is missing to whoever takes the next one."""
    buckets = TokenBuckets(per_second=2, burst=1, keys=3)
    assert [buckets.reserve("a", at=0) for _ in range(3)] == [0, 0.5, 1]
    assert not buckets.take("a", at=1.4)
    assert buckets.take("a", at=1.5)
