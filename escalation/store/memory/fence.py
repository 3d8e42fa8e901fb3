"""The fence, in memory."""

from collections.abc import Sequence

from escalation.ports.fence import InForce
from escalation.store.memory.view import Table, View

FENCE: Table[None, InForce] = Table()


class MemoryFence:
    """The fence as one transaction sees it. Writers queue: deciding and changing exclude each other."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def read(self) -> InForce:
        """Return what it says."""
        return self._view[FENCE].get(None) or InForce()

    async def share(self) -> InForce:
        """Return what it says; nobody else writes until this transaction ends."""
        return await self.read()

    async def others(self) -> Sequence[str]:
        """Return up to ten other tenants of this database for whom a configuration is in force."""
        return sorted(
            tenant
            for tenant, rows in self._view.others.items()
            if any(each.version is not None for each in rows.get(FENCE, {}).values())
        )[:10]

    async def lock(self) -> InForce:
        """Return what it says; nobody else writes until this transaction ends."""
        return await self.read()

    async def save(self, in_force: InForce) -> None:
        """Have it say *in_force*."""
        self._view[FENCE].put(None, in_force)
