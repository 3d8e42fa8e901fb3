"""What is looked at and removed once it was kept for its term."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from escalation.ids import RequestId
from escalation.request import Request
from escalation.retention import Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far rows were looked through, in the order of an instant and an id."""

    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What was found in that order."""

    found: Sequence[Request]  #: Those that can be read.
    count: int  #: How many rows were looked at: fewer than asked for means that there are no more.
    up_to: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What one batch removed."""

    count: int
    looked_at: int  #: Fewer than asked for means that there are no more.
    up_to: Place


class Retention(Protocol):
    """Removes rows, a batch at a time. Which requests may go is for the caller to say."""

    async def hold(self) -> bool:
        """Become the only one who removes until this transaction ends; False if another is."""
        ...

    async def oldest(self) -> Mapping[Kept, datetime]:
        """Return since when the oldest of each kind is kept, if there is any."""
        ...

    async def unsaid(self, requests: Collection[RequestId]) -> Collection[RequestId]:
        """Return those of *requests* that something still to be said is about."""
        ...

    async def stored(self, requests: Collection[RequestId]) -> Collection[RequestId]:
        """Return those of *requests* that are there."""
        ...

    async def remove_requests(self, requests: Collection[RequestId], *, clicks_before: datetime) -> None:
        """Remove *requests* and what belongs to them; of the clicks under their decisions the older ones."""
        ...

    async def remove_clicks(self, before: datetime, *, behind: Place, limit: int) -> Removed:
        """Remove clicks of *before* then that no decision stands on, looking at up to *limit*."""
        ...

    async def remove_messages(self, before: datetime, *, behind: Place, limit: int) -> Removed:
        """Remove what was sent *before* then, looking at up to *limit*; not what a summary still tells of."""
        ...

    async def erase_words(self, before: datetime, *, limit: int) -> int:
        """Erase up to *limit* texts of events of *before* then, the oldest first; return how many."""
        ...

    async def forget_configurations(self, before: datetime, *, limit: int) -> int:
        """Empty the files of versions replaced *before* then and before the oldest request was asked."""
        ...
