"""What people clicked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from escalation.ids import IngressId, PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """One verified click, command or form, stored before it may decide anything."""

    id: IngressId
    fingerprint: str  #: Of the signed request; the same one again is the same click.
    person: PersonId | None
    what: str  #: Such as ``request:approve``.
    at: datetime


class Inbox(Protocol):
    """What people clicked."""

    async def add(self, ingress: Ingress) -> bool:
        """Store it; return False if the same signed click was stored before."""
        ...
