"""The rows that cannot be read, kept apart so that everything else goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from escalation.errors import Unreadable

#: How many unreadable rows one process remembers; whatever is more is met again.
_MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """One row that is set aside: nobody reads it, decides about it or claims it until it is released."""

    kind: str  #: Its table.
    id: str  #: Its key there.
    why: str  #: What is wrong with it, and never what stands in it.
    at: datetime


class SetAside(Protocol):
    """What is set aside."""

    async def add(self, aside: Aside) -> bool:
        """Set it aside; return False if it is so already."""
        ...

    async def all(self, limit: int) -> Sequence[Aside]:
        """Return what is set aside, the oldest first."""
        ...

    async def of(self, id_: str) -> Sequence[Aside]:
        """Return what of this key is set aside, of whichever table."""
        ...

    async def remove(self, aside: Aside) -> bool:
        """Release it; return False if it is not set aside any more."""
        ...


class Unreadables:
    """The rows that the transactions of one store met and could not read, each once."""

    def __init__(self) -> None:
        self._met: dict[tuple[str, str], Unreadable] = {}

    def add(self, met: Unreadable) -> None:
        """Remember *met* until somebody takes it."""
        if len(self._met) < _MOST:
            self._met.setdefault((met.kind, met.id), met)

    def forget(self, aside: Aside) -> None:
        """Forget that this row was met: it is looked after."""
        self._met.pop((aside.kind, aside.id), None)

    def taken(self) -> list[Unreadable]:
        """Hand over what was met, and forget it."""
        met, self._met = list(self._met.values()), {}
        return met
