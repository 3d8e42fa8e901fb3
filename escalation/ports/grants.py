"""What is asked of the grants that are stored."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from escalation.grant import Grant
from escalation.ids import AgentName, GrantId, RequestId
from escalation.switch import Scope


class Grants(Protocol):
    """The grants."""

    async def add(self, grant: Grant) -> None: ...

    async def get(self, grant: GrantId) -> Grant | None: ...

    async def lock(self, grant: GrantId) -> Grant | None: ...

    async def of(self, request: RequestId) -> Grant | None: ...

    async def among(self, requests: Sequence[RequestId]) -> Mapping[RequestId, Grant]:
        """Return the grants of *requests*, as far as they have one, in one read."""
        ...

    async def save(self, grant: Grant) -> bool:
        """Write *grant* over version ``grant.version - 1``; return False if that is not there."""
        ...

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Grant]: ...

    async def open(self, limit: int) -> Sequence[Grant]:
        """Return up to *limit* grants that may be claimed, or were and are not reported."""
        ...

    async def lock_unclaimed(
        self, scope: Scope, *, limit: int, agents: Collection[AgentName] = ()
    ) -> Sequence[Grant]:
        """
        Return up to *limit* unclaimed grants that a stop of *scope* covers, skipping those others hold.

        *agents*: as for the requests that a stop covers.
        """
        ...

    async def any_unclaimed(self, scope: Scope, *, agents: Collection[AgentName] = ()) -> bool:
        """Return whether a stop of *scope* covers an unclaimed grant, whoever holds it."""
        ...

    async def next_due_at(self) -> datetime | None: ...
