"""The agents' keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from escalation.ids import AgentName, KeyId


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An agent's key. Only its hash is kept."""

    id: KeyId
    agent: AgentName
    hash: str  #: SHA-256 of the key, in hex.
    created_at: datetime
    revoked_at: datetime | None = None


class Keys(Protocol):
    """The agents' keys."""

    async def add(self, key: Key) -> None: ...

    async def by_hash(self, hash_: str) -> Key | None:
        """Return the key, unless it was revoked."""
        ...

    async def all(self) -> Sequence[Key]: ...

    async def revoke(self, key: KeyId, at: datetime) -> bool: ...
