"""Removes what was kept for its term, in memory."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from operator import attrgetter

from escalation.ids import IngressId, OutboxId, RequestId
from escalation.ports import Place, Removed
from escalation.retention import Kept
from escalation.store.memory.cards import CARDS
from escalation.store.memory.configurations import CONFIGURATIONS
from escalation.store.memory.fence import FENCE
from escalation.store.memory.grants import GRANTED_FOR, GRANTS
from escalation.store.memory.inbox import CLICKS, FINGERPRINTS
from escalation.store.memory.outbox import FOLDED, SENT, UNSENT
from escalation.store.memory.record import EVENTS, TEXTS
from escalation.store.memory.requests import ASKED_WITH, REQUESTS
from escalation.store.memory.set_aside import is_aside
from escalation.store.memory.steps import STEPS
from escalation.store.memory.view import View


class MemoryRetention:
    """What one transaction removes."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def hold(self) -> bool:
        """Become the only one who removes: writers queue, so this one is."""
        return True

    async def oldest(self) -> Mapping[Kept, datetime]:
        """Return since when the oldest of each kind is kept, if there is any."""
        view = self._view
        kept: Mapping[Kept, list[datetime | None]] = {
            Kept.REQUESTS: [request.settled_at for request in view[REQUESTS].values()],
            Kept.CLICKS: [click.at for click in view[CLICKS].values()],
            Kept.MESSAGES: [each.at for each in view[SENT].values()],
            Kept.WORDS: [event.at for event in view[EVENTS].values() if view[TEXTS].get(event.id)],
            Kept.CONFIGURATIONS: [at for at, stored in view[CONFIGURATIONS].values() if stored.body],
        }
        told = {kind: [at for at in instants if at is not None] for kind, instants in kept.items()}
        return {kind: min(instants) for kind, instants in told.items() if instants}

    async def unsaid(self, requests: Collection[RequestId]) -> Collection[RequestId]:
        """Return those of *requests* that something still to be said is about."""
        return {each.request for each in self._view[UNSENT].values() if each.request is not None} & set(
            requests
        )

    async def stored(self, requests: Collection[RequestId]) -> Collection[RequestId]:
        """Return those of *requests* that are there."""
        return {request for request in requests if self._view[REQUESTS].get(request) is not None}

    async def remove_requests(self, requests: Collection[RequestId], *, clicks_before: datetime) -> None:
        """Remove *requests* and what belongs to them; of the clicks under their decisions the older ones."""
        for id_ in requests:
            if (request := self._view[REQUESTS].get(id_)) is None:
                continue
            if (granted := self._view[GRANTED_FOR].get(id_)) is not None:
                self._view[GRANTS].drop(granted)
                self._view[GRANTED_FOR].drop(id_)
            self._view[CARDS].drop(id_)
            self._view[STEPS].drop(id_)
            if request.key is not None:
                self._view[ASKED_WITH].drop((request.agent, request.key))
            self._view[REQUESTS].drop(id_)
            for decision in request.decisions:
                self._remove_click(decision.ingress, clicks_before)

    async def remove_clicks(self, before: datetime, *, behind: Place, limit: int) -> Removed:
        """Remove clicks of *before* then that no decision stands on, looking at up to *limit*."""
        needed = {each.ingress for request in self._view[REQUESTS].values() for each in request.decisions}
        places = [Place(at=click.at, id=click.id) for click in self._view[CLICKS].values()]
        old = _old(places, before, behind=behind, limit=limit)
        removable = [place for place in old if place.id not in needed]
        for place in removable:
            self._remove_click(IngressId(place.id), before)
        return Removed(count=len(removable), looked_at=len(old), up_to=old[-1] if old else behind)

    async def remove_messages(self, before: datetime, *, behind: Place, limit: int) -> Removed:
        """Remove what was sent *before* then, looking at up to *limit*; not what a summary still tells of."""
        sent = self._view[SENT].values()
        places = [place for place in sent if not is_aside(self._view, "outbox", place.id)]
        old = _old(places, before, behind=behind, limit=limit)
        removable = [OutboxId(place.id) for place in old if not self._is_still_told(OutboxId(place.id))]
        for id_ in removable:
            self._view[SENT].drop(id_)
            self._view[FOLDED].drop(id_)
        return Removed(count=len(removable), looked_at=len(old), up_to=old[-1] if old else behind)

    async def erase_words(self, before: datetime, *, limit: int) -> int:
        """Erase up to *limit* texts of events of *before* then, the oldest first; return how many."""
        erased = 0
        for event in sorted(self._view[EVENTS].values(), key=lambda event: event.id):
            texts = self._view[TEXTS].get(event.id) or ()
            if not texts or event.at is None or event.at >= before:
                continue
            gone, left = texts[: limit - erased], texts[limit - erased :]
            erased += len(gone)
            if left:
                self._view[TEXTS].put(event.id, left)
                break
            self._view[TEXTS].drop(event.id)
        return erased

    async def forget_configurations(self, before: datetime, *, limit: int) -> int:
        """Empty the files of versions replaced *before* then and before the oldest request was asked."""
        rows = sorted(self._view[CONFIGURATIONS].values(), key=lambda row: row[0])
        fence = self._view[FENCE].get(None)
        oldest = min(self._view[REQUESTS].values(), key=lambda request: request.id, default=None)
        forgotten = 0
        for (at, stored), (replaced_at, _) in pairwise(rows):
            needed = oldest is not None and replaced_at > oldest.asked_at
            in_force = fence is not None and fence.version == stored.version
            if replaced_at < before and stored.body and not needed and not in_force and forgotten < limit:
                self._view[CONFIGURATIONS].put(stored.version, (at, replace(stored, body="")))
                forgotten += 1
        return forgotten

    def _remove_click(self, click: IngressId, before: datetime) -> None:
        found = self._view[CLICKS].get(click)
        if found is not None and found.at < before:
            self._view[CLICKS].drop(click)
            self._view[FINGERPRINTS].drop(found.fingerprint)

    def _is_still_told(self, message: OutboxId) -> bool:
        folded = self._view[FOLDED].get(message)
        return folded is not None and self._view[UNSENT].get(folded.into) is not None


def _old(places: Iterable[Place], before: datetime, *, behind: Place, limit: int) -> list[Place]:
    key = attrgetter("at", "id")
    return sorted((each for each in places if each.at < before and key(each) > key(behind)), key=key)[:limit]
