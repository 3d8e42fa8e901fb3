"""Ids and secrets: unique, in the order they were made, and not to be guessed."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from escalation.clock import SystemClock, monotonic
from escalation.ids import Ulids, ulid
from tests.unit.core.kit import NOON


class StandingClock:
    """A clock that stands at one instant."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now


@pytest.mark.parametrize(
    ("milliseconds", "entropy", "expected"),
    [
        (0, bytes(10), "0" * 26),
        # The example of the specification: 1469918176385 ms is 01ARYZ6S41.
        (1469918176385, bytes(10), "01ARYZ6S41" + "0" * 16),
        (0, b"\xff" * 10, "0" * 10 + "Z" * 16),  # 80 bits are 16 characters of 5 bits
        (0, bytes(9) + b"\x21", "0" * 24 + "11"),  # 33 = 1 x 32 + 1
        (2**48 - 1, bytes(10), "7ZZZZZZZZZ" + "0" * 16),  # 48 bits: 3 bits, then nine characters
    ],
)
def test_a_ulid_is_the_time_and_then_the_entropy(milliseconds: int, entropy: bytes, expected: str) -> None:
    """Ten characters of time and sixteen of randomness, in Crockford's alphabet."""
    assert ulid(milliseconds, entropy) == expected


def test_ids_sort_by_the_time_they_were_made() -> None:
    """An id made a millisecond later is greater, whatever the randomness in it."""
    made = [Ulids(StandingClock(NOON + timedelta(milliseconds=step))).new("req") for step in range(200)]

    assert made == sorted(made)


def test_ids_of_one_instant_sort_as_they_were_made() -> None:
    """Within a millisecond, and when the clock is set back, a later id is still the greater one."""
    clock = StandingClock(NOON)
    ids = Ulids(clock)
    made = [ids.new("out") for _ in range(200)]
    clock._now -= timedelta(seconds=5)
    made += [ids.new("out") for _ in range(200)]

    assert made == sorted(made)
    assert len(set(made)) == 400


def test_ids_made_at_one_instant_differ() -> None:
    """Two ids of the same millisecond are two ids."""
    ids = Ulids(StandingClock(NOON))

    assert len({ids.new("evt") for _ in range(1000)}) == 1000


def test_an_id_names_what_it_is_and_when() -> None:
    """An id reads ``req_`` and a ULID whose first ten characters are the clock's milliseconds."""
    made = Ulids(StandingClock(NOON)).new("req")

    assert re.fullmatch(r"req_[0-9A-HJKMNP-TV-Z]{26}", made)
    assert made[4:14] == ulid(int(NOON.timestamp()) * 1000, bytes(10))[:10]


def test_a_secret_is_256_bits_that_fit_a_header() -> None:
    """32 random bytes are 43 URL-safe characters, and no two secrets are the same."""
    ids = Ulids(StandingClock(NOON))
    secrets = {ids.secret() for _ in range(100)}

    assert len(secrets) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in secrets)


def test_the_machines_clock_is_aware_and_in_utc() -> None:
    """Instants carry their zone, so that no two of them can be compared wrongly."""
    first, second = SystemClock().now(), SystemClock().now()

    assert first.tzinfo is UTC
    assert first <= second


def test_durations_are_measured_on_a_clock_that_never_jumps() -> None:
    """The clock for durations only moves forward."""
    assert monotonic() <= monotonic()
