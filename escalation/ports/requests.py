"""What is asked of the requests that are stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from escalation.ids import AgentName, PersonId, RequestId
from escalation.request import Request, State
from escalation.switch import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list."""

    limit: int
    after: RequestId | None = None  #: Older than this one.


class Requests(Protocol):
    """The requests."""

    async def add(self, request: Request) -> bool:
        """Insert *request*; return False (and change nothing) if its agent's key is taken."""
        ...

    async def get(self, request: RequestId) -> Request | None: ...

    async def lock(self, request: RequestId) -> Request | None:
        """Return it and keep others from changing it until this transaction ends."""
        ...

    async def by_key(self, agent: AgentName, key: str) -> Request | None: ...

    async def save(self, request: Request) -> bool:
        """Write *request* over version ``request.version - 1``; return False if that is not there."""
        ...

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Request]:
        """Return the pending requests due at *now*, oldest first, skipping those others hold."""
        ...

    async def lock_pending(self, scope: Scope, *, since: datetime, limit: int) -> Sequence[Request]:
        """
        Return up to *limit* pending requests that a stop of *scope* covers, skipping those others hold.

        They come in the order in which they are due, from *since* on: with the last one's instant it
        goes on where it was.
        """
        ...

    async def any_pending(self, scope: Scope) -> bool:
        """Return whether a stop of *scope* covers a pending request, whoever holds it."""
        ...

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which a request is due."""
        ...

    async def page(
        self, page: Page, *, agent: AgentName | None = None, states: Collection[State] = ()
    ) -> Sequence[Request]:
        """Return requests, newest first; no states means all of them."""
        ...

    async def most_urgent(self, limit: int) -> Sequence[Request]:
        """Return what is pending, soonest deadline first."""
        ...

    async def decided_by(self, person: PersonId, limit: int) -> Sequence[Request]:
        """Return what *person* decided, newest first."""
        ...
