"""The agents' keys, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from escalation.errors import StoreError
from escalation.ids import KeyId
from escalation.ports import Key
from escalation.store.memory.view import Table, View

_KEYS: Table[KeyId, Key] = Table()


class MemoryKeys:
    """The agents' keys."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, key: Key) -> None:
        if any(known.hash == key.hash for known in self._view[_KEYS].values()):
            raise StoreError("there is a key with this hash already")
        self._view[_KEYS].add(key.id, key)

    async def by_hash(self, hash_: str) -> Key | None:
        """Return the key, unless it was revoked."""
        keys = self._view[_KEYS].values()
        return next((key for key in keys if key.hash == hash_ and key.revoked_at is None), None)

    async def all(self) -> Sequence[Key]:
        return sorted(self._view[_KEYS].values(), key=lambda key: key.id)

    async def revoke(self, key: KeyId, at: datetime) -> bool:
        """Revoke it; return False if it is not there, or revoked already."""
        found = self._view[_KEYS].get(key)
        if found is None or found.revoked_at is not None:
            return False
        self._view[_KEYS].put(key, replace(found, revoked_at=at))
        return True
