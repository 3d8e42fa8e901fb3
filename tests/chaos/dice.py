"""Whatever a round of chaos draws, it draws from one seed."""

from collections.abc import Sequence
from random import Random  # noqa: TID251  # seeded: what it draws is drawn again
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Chances and choices that repeat with their *seed*."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._random = Random(seed)  # noqa: S311  # no secret is drawn

    def apart(self, name: str) -> "Dice":
        """Return dice of their own for *name*, so that what others draw does not change what it draws."""
        return Dice(sum(ord(letter) * 31**place for place, letter in enumerate(name)) % 2**31 ^ self.seed)

    def between(self, least: float, most: float) -> float:
        """Return a number from *least* to *most*."""
        return self._random.uniform(least, most)

    def happens(self, share: float) -> bool:
        """Return whether something happens that happens in *share* of all cases."""
        return self._random.random() < share

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of *choices*."""
        return self._random.choice(choices)
