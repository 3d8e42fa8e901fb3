"""The audit record as it is stored."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from escalation.audit import ChainHash, Entry, Event, Link, Seal, Stored
from escalation.commitment import Disclosure
from escalation.ids import EventId


class Record(Protocol):
    """The audit record. Rows are only ever added; but texts beside it may be erased."""

    async def add(self, event: Event, texts: Sequence[Disclosure] = ()) -> None:
        """Add *event*, and the *texts* that it commits to."""
        ...

    async def unlinked(self, limit: int) -> Sequence[Stored]:
        """Return what waits for a link, oldest first; a row that is no event as well, as it stands."""
        ...

    async def get(self, event: EventId) -> Stored | None:
        """Return the event; raise ``Unreadable`` if its row is none, or waits for what it cannot be given."""
        ...

    async def hold(self) -> bool:
        """Become the only one who links events until this transaction ends; False if another is."""
        ...

    async def last_link(self) -> Link | None: ...

    async def hash_at(self, seq: int) -> ChainHash | None:
        """Return the hash of link *seq*; none if the chain ends before it."""
        ...

    async def add_links(self, links: Sequence[Link]) -> None: ...

    async def add_seal(self, seal: Seal) -> None: ...

    async def last_seal(self) -> Seal | None: ...

    async def seals(self) -> Sequence[Seal]: ...

    async def add_note(self, seal: Seal) -> None:
        """Remember that *seal* was noted outside, at its instant."""
        ...

    async def last_note(self) -> Seal | None:
        """Return the last seal that was noted outside, and when."""
        ...

    def walk(self) -> AsyncIterator[Entry]:
        """Yield every link in order, with its event and texts if those still exist."""
        ...

    def walk_beside(self) -> AsyncIterator[Entry]:
        """Yield every event that has no link, by position, and whether it waits for one."""
        ...

    async def count_unlinked(self) -> int: ...

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Entry]:
        """
        Return the newest events of an agent or about a subject: in the chain's order, then the unlinked.

        About a request is what became of it too: the events of what it was edited or asked again
        into, and of their grants.
        """
        ...
