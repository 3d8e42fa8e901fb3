"""The audit record, in memory."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice

from escalation.audit import Event, Link, Seal
from escalation.errors import StoreError
from escalation.ids import RequestId
from escalation.store.memory.tables import View


class MemoryRecord:
    """The record of one transaction. Rows are only ever added."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, event: Event) -> None:
        self._view.events.add(event.id, event)
        self._view.unlinked.put(event.id, event)

    async def unlinked(self, limit: int) -> Sequence[Event]:
        """Return events without a link, oldest first."""
        return list(islice(self._view.unlinked.values(), limit))

    async def hold(self) -> bool:
        """Become the only one who links events: writers queue, so this one is."""
        return True

    async def last_link(self) -> Link | None:
        return max(self._view.links.values(), key=lambda link: link.seq, default=None)

    async def add_links(self, links: Sequence[Link]) -> None:
        for link in links:
            if self._view.unlinked.get(link.event) is None:
                raise StoreError(f"event {link.event} is linked already, or not there")
            self._view.links.add(link.seq, link)
            self._view.unlinked.drop(link.event)

    async def add_seal(self, seal: Seal) -> None:
        self._view.seals.add(seal.seq, seal)

    async def last_seal(self) -> Seal | None:
        return max(self._view.seals.values(), key=lambda seal: seal.seq, default=None)

    async def seals(self) -> Sequence[Seal]:
        return sorted(self._view.seals.values(), key=lambda seal: seal.seq)

    async def walk(self) -> AsyncIterator[tuple[Link, Event | None]]:
        """Yield every link in order, with its event if that still exists."""
        for link in sorted(self._view.links.values(), key=lambda link: link.seq):
            yield link, self._view.events.get(link.event)

    async def count_unlinked(self) -> int:
        return sum(1 for _ in self._view.unlinked.values())

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Event]:
        """Return the newest events, the oldest of them first, of an agent or about a subject."""
        subjects = set() if subject is None else set(self._subjects(subject))
        found = [
            event
            for event in self._view.events.values()
            if (agent is None or event.agent == agent) and (subject is None or event.subject in subjects)
        ]
        return found[-limit:]

    def _subjects(self, subject: str) -> Iterator[str]:
        yield subject
        if (grant := self._view.granted_for.get(RequestId(subject))) is not None:
            yield grant
        request = self._view.requests.get(RequestId(subject))
        if request is not None and request.follow is not None:
            yield from self._subjects(request.follow)
