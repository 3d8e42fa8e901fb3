"""The audit record, in memory."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice

from escalation.audit import ChainHash, Entry, Event, Link, Seal, Stored, in_order
from escalation.commitment import Disclosure
from escalation.errors import StoreError
from escalation.ids import EventId, RequestId
from escalation.store.memory.grants import GRANTED_FOR
from escalation.store.memory.requests import REQUESTS
from escalation.store.memory.view import Table, View

EVENTS: Table[EventId, Stored] = Table()
TEXTS: Table[EventId, tuple[Disclosure, ...]] = Table()
UNLINKED: Table[EventId, Stored] = Table()
LINKS: Table[int, Link] = Table()
SEALS: Table[int, Seal] = Table()
_LINKED: Table[EventId, int] = Table()
_NOTES: Table[int, Seal] = Table()
_LAST_POSITION: Table[str, int] = Table()


class MemoryRecord:
    """The record of one transaction. Rows are only ever added."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, event: Event, texts: Sequence[Disclosure] = ()) -> None:
        """Add *event*, and the *texts* that it commits to."""
        position = (self._view[_LAST_POSITION].get("") or 0) + 1
        stored = _stored(event, position)
        self._view[EVENTS].add(event.id, stored)
        self._view[UNLINKED].put(event.id, stored)
        self._view[_LAST_POSITION].put("", position)
        if texts:
            self._view[TEXTS].add(event.id, tuple(texts))

    async def unlinked(self, limit: int) -> Sequence[Stored]:
        """Return events that wait for a link, oldest first."""
        return list(islice(self._view[UNLINKED].values(), limit))

    async def get(self, event: EventId) -> Stored | None:
        """Return the event; nothing here is ever unreadable."""
        return self._view[EVENTS].get(event)

    async def hold(self) -> bool:
        """Become the only one who links events: writers queue, so this one is."""
        return True

    async def last_link(self) -> Link | None:
        return max(self._view[LINKS].values(), key=lambda link: link.seq, default=None)

    async def hash_at(self, seq: int) -> ChainHash | None:
        """Return the hash of link *seq*; none if the chain ends before it."""
        link = self._view[LINKS].get(seq)
        return None if link is None else link.hash

    async def add_links(self, links: Sequence[Link]) -> None:
        for link in links:
            if self._view[UNLINKED].get(link.event) is None:
                raise StoreError(f"event {link.event} is linked already, or not there")
            self._view[LINKS].add(link.seq, link)
            self._view[_LINKED].put(link.event, link.seq)
            self._view[UNLINKED].drop(link.event)

    async def add_seal(self, seal: Seal) -> None:
        self._view[SEALS].add(seal.seq, seal)

    async def last_seal(self) -> Seal | None:
        return max(self._view[SEALS].values(), key=lambda seal: seal.seq, default=None)

    async def seals(self) -> Sequence[Seal]:
        return sorted(self._view[SEALS].values(), key=lambda seal: seal.seq)

    async def add_note(self, seal: Seal) -> None:
        """Remember that *seal* was noted outside, at its instant."""
        self._view[_NOTES].add(seal.seq, seal)

    async def last_note(self) -> Seal | None:
        """Return the last seal that was noted outside, and when."""
        return max(self._view[_NOTES].values(), key=lambda seal: seal.seq, default=None)

    async def walk(self) -> AsyncIterator[Entry]:
        """Yield every link in order, with its event and texts if those still exist."""
        for link in sorted(self._view[LINKS].values(), key=lambda link: link.seq):
            yield self._entry(self._view[EVENTS].get(link.event), link)

    async def walk_beside(self) -> AsyncIterator[Entry]:
        """Yield every event that has no link, by position, and whether it waits for one."""
        for event in sorted(self._view[EVENTS].values(), key=lambda event: event.position):
            if self._link_of(event) is None:
                yield self._entry(event, None)

    async def count_unlinked(self) -> int:
        return sum(1 for _ in self._view[UNLINKED].values())

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Entry]:
        """Return the newest events of an agent or about a subject: the chain's order, then the unlinked."""
        subjects = set() if subject is None else set(self._subjects(subject))
        found = [
            event
            for event in self._view[EVENTS].values()
            if (agent is None or event.agent == agent) and (subject is None or event.subject in subjects)
        ]
        newest = sorted(found, key=lambda event: event.position)[-limit:]
        return in_order(self._entry(event, self._link_of(event)) for event in newest)

    def _link_of(self, event: Stored) -> Link | None:
        seq = self._view[_LINKED].get(event.id)
        return None if seq is None else self._view[LINKS].get(seq)

    def _entry(self, event: Stored | None, link: Link | None) -> Entry:
        before = None if link is None else self._view[LINKS].get(link.seq - 1)
        return Entry(
            event=event,
            link=link,
            before=None if before is None else before.hash,
            waits=event is not None and self._view[UNLINKED].get(event.id) is not None,
            texts=() if event is None else self._view[TEXTS].get(event.id) or (),
        )

    def _subjects(self, subject: str) -> Iterator[str]:
        yield subject
        if (grant := self._view[GRANTED_FOR].get(RequestId(subject))) is not None:
            yield grant
        request = self._view[REQUESTS].get(RequestId(subject))
        if request is not None and request.follow is not None:
            yield from self._subjects(request.follow)


def _stored(event: Event, position: int) -> Stored:
    return Stored(
        position=position,
        id=event.id,
        at=event.at,
        name=event.name.value,
        actor=event.actor,
        subject=event.subject,
        agent=event.agent,
        data=event.data,
    )
