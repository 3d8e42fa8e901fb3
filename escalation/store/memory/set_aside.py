"""What is set aside, in memory."""

from collections.abc import Sequence

from escalation.errors import Unreadable
from escalation.ports import Aside
from escalation.store.memory.view import Table, View

_ASIDE: Table[tuple[str, str], Aside] = Table()


class MemorySetAside:
    """What is set aside, in one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, aside: Aside) -> bool:
        """Set it aside; return False if it is so already."""
        if self._view[_ASIDE].get((aside.kind, aside.id)) is not None:
            return False
        self._view[_ASIDE].put((aside.kind, aside.id), aside)
        return True

    async def all(self, limit: int) -> Sequence[Aside]:
        """Return what is set aside, the oldest first."""
        return sorted(self._view[_ASIDE].values(), key=lambda each: (each.at, each.kind, each.id))[:limit]

    async def of(self, id_: str) -> Sequence[Aside]:
        """Return what of this key is set aside, of whichever table."""
        found = (each for each in self._view[_ASIDE].values() if each.id == id_)
        return sorted(found, key=lambda each: each.kind)

    async def remove(self, aside: Aside) -> bool:
        """Release it; return False if it is not set aside any more."""
        if self._view[_ASIDE].get((aside.kind, aside.id)) is None:
            return False
        self._view[_ASIDE].drop((aside.kind, aside.id))
        return True


def aside_of(view: View, kind: str, id_: str) -> Aside | None:
    """Return how that row is set aside, if it is."""
    return view[_ASIDE].get((kind, id_))


def is_aside(view: View, kind: str, id_: str) -> bool:
    """Return whether that row is set aside."""
    return aside_of(view, kind, id_) is not None


def refuse_aside(view: View, kind: str, id_: str) -> None:
    """Raise ``Unreadable`` if that row is set aside."""
    if (aside := aside_of(view, kind, id_)) is not None:
        raise Unreadable(kind, id_, aside.why)
