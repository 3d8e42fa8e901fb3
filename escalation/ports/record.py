"""The audit record as it is stored."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from escalation.audit import Event, Link, Seal, UnreadEvent
from escalation.ids import EventId


class Record(Protocol):
    """The audit record. Rows are only ever added."""

    async def add(self, event: Event) -> None: ...

    async def unlinked(self, limit: int) -> Sequence[Event | UnreadEvent]:
        """Return events without a link, oldest first; one that cannot be read, by what stands in its row."""
        ...

    async def get(self, event: EventId) -> Event | None:
        """Return the event, or raise ``Unreadable``."""
        ...

    async def hold(self) -> bool:
        """Become the only one who links events until this transaction ends; False if another is."""
        ...

    async def last_link(self) -> Link | None: ...

    async def add_links(self, links: Sequence[Link]) -> None: ...

    async def add_seal(self, seal: Seal) -> None: ...

    async def last_seal(self) -> Seal | None: ...

    async def seals(self) -> Sequence[Seal]: ...

    def walk(self) -> AsyncIterator[tuple[Link, Event | UnreadEvent | None]]:
        """Yield every link in order, with its event if that still exists."""
        ...

    async def count_unlinked(self) -> int: ...

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Event]:
        """
        Return the newest events, the oldest of them first, of an agent or about a subject.

        About a request is what became of it too: the events of what it was edited or asked again
        into, and of their grants.
        """
        ...
