"""What people clicked, in memory."""

from escalation.ids import IngressId
from escalation.ports import Ingress
from escalation.store.memory.view import Table, View

CLICKS: Table[IngressId, Ingress] = Table()
FINGERPRINTS: Table[str, IngressId] = Table()


class MemoryInbox:
    """What people clicked."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, ingress: Ingress) -> bool:
        """Store it; return False if the same signed click was stored before."""
        if self._view[FINGERPRINTS].get(ingress.fingerprint) is not None:
            return False
        self._view[CLICKS].add(ingress.id, ingress)
        self._view[FINGERPRINTS].put(ingress.fingerprint, ingress.id)
        return True
