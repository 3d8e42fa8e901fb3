"""The configurations that were ever in force, in memory."""

from datetime import datetime

from escalation.ports.configurations import StoredConfiguration
from escalation.store.memory.view import Table, View

CONFIGURATIONS: Table[str, tuple[datetime, StoredConfiguration]] = Table()


class MemoryConfigurations:
    """Every configuration that was ever in force."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, stored: StoredConfiguration, *, at: datetime) -> None:
        """Remember that it was put in force at that instant, for the first time or again."""
        self._view[CONFIGURATIONS].put(stored.version, (at, stored))

    async def get(self, version: str) -> StoredConfiguration | None:
        found = self._view[CONFIGURATIONS].get(version)
        return None if found is None else found[1]
