"""Which use cases may share a commit: those that change nothing in common, first come, first served."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from escalation.ports import UseCase

#: How many use cases share a commit at most.
MOST = 64


@dataclass(slots=True, eq=False)
class Member:
    """One use case that waits for its commit."""

    use_case: UseCase[Any]
    touches: frozenset[str]
    outcome: "asyncio.Future[Any]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def tell(self, answer: Any) -> None:
        """Tell the caller that it took effect."""
        if not self.outcome.done():
            self.outcome.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Tell the caller that it did not, and why."""
        if not self.outcome.done():
            self.outcome.set_exception(error)
            # The caller may have gone away, and then asyncio would complain.
            self.outcome.exception()


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who goes into the next group, and who waits on."""

    group: Sequence[Member]
    waiting: list[Member]


def admit(waiting: Sequence[Member], *, under_way: Collection[str], most: int = MOST) -> Admitted:
    """
    Return the next group out of *waiting*, of up to *most*, while groups that touch *under_way* run.

    What one who has to wait touches is left alone by those behind it: nobody is overtaken.
    """
    taken = set(under_way)
    group: list[Member] = []
    left: list[Member] = []
    for member in waiting:
        free = len(group) < most and taken.isdisjoint(member.touches)
        (group if free else left).append(member)
        taken |= member.touches
    return Admitted(group, left)
