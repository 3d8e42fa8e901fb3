"""The audit record, in memory."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice

from escalation.audit import Event, Link, Seal, UnreadEvent
from escalation.errors import StoreError
from escalation.ids import EventId, RequestId
from escalation.store.memory.grants import GRANTED_FOR
from escalation.store.memory.requests import REQUESTS
from escalation.store.memory.view import Table, View

EVENTS: Table[EventId, Event] = Table()
_UNLINKED: Table[EventId, Event] = Table()
LINKS: Table[int, Link] = Table()
SEALS: Table[int, Seal] = Table()


class MemoryRecord:
    """The record of one transaction. Rows are only ever added."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, event: Event) -> None:
        self._view[EVENTS].add(event.id, event)
        self._view[_UNLINKED].put(event.id, event)

    async def unlinked(self, limit: int) -> Sequence[Event | UnreadEvent]:
        """Return events without a link, oldest first."""
        return list(islice(self._view[_UNLINKED].values(), limit))

    async def get(self, event: EventId) -> Event | None:
        return self._view[EVENTS].get(event)

    async def hold(self) -> bool:
        """Become the only one who links events: writers queue, so this one is."""
        return True

    async def last_link(self) -> Link | None:
        return max(self._view[LINKS].values(), key=lambda link: link.seq, default=None)

    async def add_links(self, links: Sequence[Link]) -> None:
        for link in links:
            if self._view[_UNLINKED].get(link.event) is None:
                raise StoreError(f"event {link.event} is linked already, or not there")
            self._view[LINKS].add(link.seq, link)
            self._view[_UNLINKED].drop(link.event)

    async def add_seal(self, seal: Seal) -> None:
        self._view[SEALS].add(seal.seq, seal)

    async def last_seal(self) -> Seal | None:
        return max(self._view[SEALS].values(), key=lambda seal: seal.seq, default=None)

    async def seals(self) -> Sequence[Seal]:
        return sorted(self._view[SEALS].values(), key=lambda seal: seal.seq)

    async def walk(self) -> AsyncIterator[tuple[Link, Event | UnreadEvent | None]]:
        """Yield every link in order, with its event if that still exists."""
        for link in sorted(self._view[LINKS].values(), key=lambda link: link.seq):
            yield link, self._view[EVENTS].get(link.event)

    async def count_unlinked(self) -> int:
        return sum(1 for _ in self._view[_UNLINKED].values())

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Event]:
        """Return the newest events, the oldest of them first, of an agent or about a subject."""
        subjects = set() if subject is None else set(self._subjects(subject))
        found = [
            event
            for event in self._view[EVENTS].values()
            if (agent is None or event.agent == agent) and (subject is None or event.subject in subjects)
        ]
        return found[-limit:]

    def _subjects(self, subject: str) -> Iterator[str]:
        yield subject
        if (grant := self._view[GRANTED_FOR].get(RequestId(subject))) is not None:
            yield grant
        request = self._view[REQUESTS].get(RequestId(subject))
        if request is not None and request.follow is not None:
            yield from self._subjects(request.follow)
