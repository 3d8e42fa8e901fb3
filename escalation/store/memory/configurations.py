"""The configurations that were ever in force, in memory."""

from datetime import datetime

from escalation.store.memory.view import Table, View

_CONFIGURATIONS: Table[str, tuple[datetime, str, str]] = Table()


class MemoryConfigurations:
    """Every configuration that was ever in force."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, version: str, *, at: datetime, body: str) -> bool:
        """Remember it as the one in force; return False if it is so already."""
        _, last, _ = max(self._view[_CONFIGURATIONS].values(), default=(at, None, body))
        if last == version:
            return False
        self._view[_CONFIGURATIONS].put(version, (at, version, body))
        return True
