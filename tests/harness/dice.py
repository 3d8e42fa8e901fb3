"""What tests draw at random: always from a seed that they tell, so that it can be drawn again."""

from random import Random  # noqa: TID251  seeded, and for tests alone

Dice = Random


def dice(*seed: object) -> Dice:
    """Return dice that fall alike for the same *seed*."""
    return Random(repr(seed))  # noqa: S311  nothing here is a secret
