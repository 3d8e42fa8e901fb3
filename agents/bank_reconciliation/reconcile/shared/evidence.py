"""
How sure the agent is, computed from what it saw.

Every observation speaks for a conclusion with a weight between 0 and 1: the chance that it alone would be
right. Together they are combined as independent witnesses: the confidence is 1 − (1 − w₁)(1 − w₂)…, that is,
the chance that not all of them are wrong. The weights are stated where the observation is made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation and how much it says, 0 to 1."""

    title: str
    weight: float  #: 0 where it only says where to look.

    def __str__(self) -> str:
        return f"{self.title} (weight {self.weight:.2f})" if self.weight else self.title


def confidence(evidence: Iterable[Evidence]) -> float:
    """Return the combined confidence, at most 0.9999, to four places so that every run says the same."""
    doubt = prod(1.0 - min(max(item.weight, 0.0), 0.99) for item in evidence)
    return round(min(1.0 - doubt, 0.9999), 4)
