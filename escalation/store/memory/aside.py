"""What is stored beside the requests, in memory: clicks, cards, rungs, keys and configurations."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from escalation.errors import StoreError
from escalation.ids import KeyId, RequestId
from escalation.ports import Card, Ingress, Key, Step
from escalation.store.memory.tables import View


class MemoryCards:
    """Where cards stand."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def get(self, request: RequestId) -> Card | None:
        return self._view.cards.get(request)

    async def put(self, card: Card) -> None:
        """Remember *card*, in place of an older one of the same request."""
        self._view.cards.put(card.request, card)


class MemoryInbox:
    """What people clicked."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, ingress: Ingress) -> bool:
        """Store it; return False if the same signed click was stored before."""
        if self._view.fingerprints.get(ingress.fingerprint) is not None:
            return False
        self._view.inbox.add(ingress.id, ingress)
        self._view.fingerprints.put(ingress.fingerprint, ingress.id)
        return True


class MemorySteps:
    """The rungs that were climbed."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, step: Step) -> None:
        climbed = await self.of(step.request)
        if any(known.rung is step.rung for known in climbed):
            raise StoreError(f"{step.request} climbed to {step.rung.name} already")
        self._view.steps.put(step.request, (*climbed, step))

    async def of(self, request: RequestId) -> Sequence[Step]:
        return self._view.steps.get(request) or ()


class MemoryKeys:
    """The agents' keys."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, key: Key) -> None:
        if any(known.hash == key.hash for known in self._view.keys.values()):
            raise StoreError("there is a key with this hash already")
        self._view.keys.add(key.id, key)

    async def by_hash(self, hash_: str) -> Key | None:
        """Return the key, unless it was revoked."""
        keys = self._view.keys.values()
        return next((key for key in keys if key.hash == hash_ and key.revoked_at is None), None)

    async def all(self) -> Sequence[Key]:
        return sorted(self._view.keys.values(), key=lambda key: key.id)

    async def revoke(self, key: KeyId, at: datetime) -> bool:
        """Revoke it; return False if it is not there, or revoked already."""
        found = self._view.keys.get(key)
        if found is None or found.revoked_at is not None:
            return False
        self._view.keys.put(key, replace(found, revoked_at=at))
        return True


class MemoryConfigurations:
    """Every configuration that was ever in force."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, version: str, *, at: datetime, body: str) -> bool:
        """Remember it as the one in force; return False if it is so already."""
        _, last, _ = max(self._view.configurations.values(), default=(at, None, body))
        if last == version:
            return False
        self._view.configurations.put(version, (at, version, body))
        return True
