"""What is asked of the requests that are stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from escalation.ids import AgentName, PersonId, RequestId
from escalation.ports.retention import Looked, Place
from escalation.request import Request, State
from escalation.switch import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list."""

    limit: int
    after: RequestId | None = None  #: Older than this one.


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """How many requests wait."""

    of_agent: int
    in_channel: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How often some approvers were asked."""

    count: int
    first: datetime  #: When they were asked first within the time that was looked at.


class Requests(Protocol):
    """The requests."""

    async def add(self, request: Request) -> bool:
        """Insert *request*; return False (and change nothing) if its agent's key is taken."""
        ...

    async def get(self, request: RequestId) -> Request | None: ...

    async def among(self, requests: Collection[RequestId]) -> Mapping[RequestId, Request]:
        """Return those of *requests* that are there and can be read, in one read."""
        ...

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

    async def lock_pending(
        self, scope: Scope, *, since: datetime, limit: int, agents: Collection[AgentName] = ()
    ) -> Sequence[Request]:
        """
        Return up to *limit* pending requests that a stop of *scope* covers, skipping those others hold.

        *agents* are those that work for the function of *scope* today: what they asked for another one
        is covered too. They come in the order in which they are due, from *since* on: with the last
        one's instant it goes on where it was.
        """
        ...

    async def any_pending(self, scope: Scope, *, agents: Collection[AgentName] = ()) -> bool:
        """Return whether a stop of *scope* covers a pending request, whoever holds it."""
        ...

    async def lock_settled(self, before: datetime, *, behind: Place, limit: int) -> Looked:
        """Return what was settled *before* then, oldest first, from *behind* on; skip what others hold."""
        ...

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which a request is due."""
        ...

    async def page(
        self, page: Page, *, agent: AgentName | None = None, states: Collection[State] = ()
    ) -> Sequence[Request]:
        """Return requests, newest first; no states means all of them."""
        ...

    async def pending_approvers(self, limit: int) -> Sequence[tuple[str, ...]]:
        """Return each list of approvers that something pending was asked of, once."""
        ...

    async def most_urgent(
        self, approvers: tuple[str, ...], *, not_of: PersonId, after: Request | None, limit: int
    ) -> Sequence[Request]:
        """
        Return what is pending of exactly these *approvers*, soonest deadline first, from behind *after* on.

        What *not_of* owns is left out.
        """
        ...

    async def pending_by_agent(self) -> Mapping[AgentName, int]:
        """Return how much is pending of each agent that has any."""
        ...

    async def count_pending(self, agent: AgentName, channel: str, *, at_most: int) -> Pending:
        """Count what is pending of *agent* and in *channel*, each up to *at_most*."""
        ...

    async def asked_since(
        self, since: datetime, approvers: Sequence[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], Asked]:
        """Count what was asked after *since* of exactly these lists of *approvers*, where there is any."""
        ...

    async def decided_by(self, person: PersonId, limit: int) -> Sequence[Request]:
        """Return what *person* decided, newest first."""
        ...
