"""Everything drawn in a history comes from here: one seed, one history."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random  # noqa: TID251 - seeded, so that what it finds can be told and repeated
from typing import TypeVar

from escalation.clock import Clock
from escalation.ids import ulid

T = TypeVar("T")


class Dice:
    """Draws, the same ones for the same seed."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 - no secret is drawn here

    def one_of(self, values: Sequence[T]) -> T:
        """Return one of *values*."""
        return values[int(self._random.random() * len(values))]

    def weighted(self, chances: Sequence[tuple[T, int]]) -> T:
        """Return one of the values, each as likely as its number says."""
        return self._random.choices([value for value, _ in chances], [weight for _, weight in chances])[0]

    def happens(self, percent: int) -> bool:
        """Return whether what happens so often does."""
        return self._random.random() * 100 < percent

    def below(self, number: int) -> int:
        """Return a number from 0 on."""
        return int(self._random.random() * number)

    def bits(self, number: int) -> int:
        """Return so many bits."""
        return self._random.getrandbits(number)


class DrawnIds:
    """The ids port, out of dice: unique, and ascending within one life of one process."""

    def __init__(self, clock: Clock, dice: Dice) -> None:
        self._clock = clock
        self._dice = dice
        self._last = (0, 0)

    def new(self, prefix: str) -> str:
        """Return an id that sorts by the time it was made."""
        now = self._clock.now()
        milliseconds = int(now.timestamp() * 1000)
        before, entropy = self._last
        # As the real ones: two processes that draw in one millisecond come in any order.
        entropy = entropy + 1 if milliseconds <= before else self._dice.bits(79)
        self._last = (max(milliseconds, before), entropy)
        return f"{prefix}_{ulid(self._last[0], entropy.to_bytes(10, 'big'))}"

    def secret(self) -> str:
        """Return 43 characters."""
        return f"{self._dice.bits(258):065x}"[-43:]


MICROSECOND = timedelta(microseconds=1)
