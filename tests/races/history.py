"""
Decides whether what the clients saw can be explained by one order of single steps.

    client 1   ├── approve: "approved" ──┤
    client 2        ├──── cancel: "approved" ────┤          some order: approve, cancel, claim
    client 3                                   ├─ claim ─┤

An operation takes effect at one point between its invocation and its return (linearizability, Herlihy and
Wing). It knows nothing of the program: what a step may answer stands in ``model.py``. The search is Wing
and Gong's, with the states that were seen before remembered, as Lowe does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.races.model import Doing, State, steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one client did, when, and what it was told."""

    client: str
    doing: Doing
    invoked: int  #: Where in the order of all that the clients saw.
    returned: int | None  #: None if nobody heard what came of it: it may have taken effect or not.
    told: str  #: The outcome, in one of the model's words.
    began: datetime  #: The instant on the shared clock at its invocation, and at its return.
    ended: datetime

    def __str__(self) -> str:
        when = f"{self.invoked:>4}–{'?' if self.returned is None else self.returned:<4}"
        return f"{when} {self.client:<10} {self.doing.name} {self.doing.by} → {self.told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that was done about one request, its grant, and the switch over it."""

    about: str
    start: State
    deadline: datetime
    operations: Sequence[Operation]

    def __str__(self) -> str:
        told = sorted(self.operations, key=lambda each: each.invoked)
        return "\n".join(
            [f"{self.about}, due {self.deadline.time()}, at first {self.start}", *map(str, told)]
        )


def is_explained(history: History) -> bool:
    """Return whether one order of single steps explains all that was told."""
    operations = tuple(history.operations)
    everything = frozenset(range(len(operations)))
    heard = frozenset(number for number in everything if operations[number].returned is not None)
    seen: set[tuple[frozenset[int], State]] = set()
    stack = [(frozenset[int](), history.start)]
    while stack:
        done, state = stack.pop()
        if heard <= done:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        for number in _next(operations, everything - done):
            each = operations[number]
            before, after = each.began < history.deadline, each.ended >= history.deadline
            found = steps(state, each.doing, each.told, may_be_before=before, may_be_after=after)
            stack.extend((done | {number}, reached) for reached in found)
    return False


def _next(operations: Sequence[Operation], left: frozenset[int]) -> list[int]:
    """Return which of those *left* may come next: none that began after another one had returned."""
    returns = [operations[number].returned for number in left]
    first = min((each for each in returns if each is not None), default=None)
    return [number for number in sorted(left) if first is None or operations[number].invoked <= first]
