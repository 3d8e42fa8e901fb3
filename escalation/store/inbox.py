"""What people clicked, in a database."""

from escalation.ports import Ingress
from escalation.store.change import Conflict, Insertion
from escalation.store.session import Session
from escalation.store.tables import inbox

_ADD = Insertion(inbox, Conflict(columns=["fingerprint", "tenant"]))


class SqlInbox:
    """What people clicked."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, ingress: Ingress) -> bool:
        """Store it; return False if the same signed click was stored before."""
        values = {
            "id": ingress.id,
            "fingerprint": ingress.fingerprint,
            "person": ingress.person,
            "what": ingress.what,
            "at": ingress.at,
        }
        return await self._session.insert(_ADD, values)
