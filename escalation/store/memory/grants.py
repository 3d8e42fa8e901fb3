"""The grants, in memory."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from escalation.errors import StoreError
from escalation.grant import Grant, GrantState
from escalation.ids import AgentName, GrantId, RequestId
from escalation.store.memory.requests import REQUESTS, covers
from escalation.store.memory.set_aside import is_aside, refuse_aside
from escalation.store.memory.view import Table, View
from escalation.switch import Scope

GRANTS: Table[GrantId, Grant] = Table()
GRANTED_FOR: Table[RequestId, GrantId] = Table()


class MemoryGrants:
    """The grants of one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, grant: Grant) -> None:
        self._view.check(grant.tenant)
        if self._view[REQUESTS].get(grant.request) is None:
            raise StoreError(f"grant {grant.id} is for no request that was stored")
        self._view[GRANTED_FOR].add(grant.request, grant.id)
        self._view[GRANTS].add(grant.id, grant)

    async def get(self, grant: GrantId) -> Grant | None:
        refuse_aside(self._view, "grants", grant)
        return self._view[GRANTS].get(grant)

    async def lock(self, grant: GrantId) -> Grant | None:
        return await self.get(grant)

    async def of(self, request: RequestId) -> Grant | None:
        found = self._view[GRANTED_FOR].get(request)
        return None if found is None else await self.get(found)

    async def among(self, requests: Sequence[RequestId]) -> Mapping[RequestId, Grant]:
        """Return the grants of *requests*, as far as they have one."""
        wanted = set(requests)
        return {grant.request: grant for grant in self._readable() if grant.request in wanted}

    async def save(self, grant: Grant) -> bool:
        """Write *grant* over version ``grant.version - 1``; return False if that is not there."""
        current = self._view[GRANTS].get(grant.id)
        if current is None or current.version != grant.version - 1:
            return False
        self._view[GRANTS].put(grant.id, grant)
        return True

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Grant]:
        """Return the grants due at *now*, oldest first."""
        due = [(at, grant.id, grant) for at, grant in self._due() if at <= now]
        return [grant for _, _, grant in sorted(due)[:limit]]

    async def open(self, limit: int) -> Sequence[Grant]:
        """Return up to *limit* grants that may be claimed, or were and are not reported."""
        return [grant for _, _, grant in sorted((at, grant.id, grant) for at, grant in self._due())[:limit]]

    async def lock_unclaimed(
        self, scope: Scope, *, limit: int, agents: Collection[AgentName] = ()
    ) -> Sequence[Grant]:
        """Return up to *limit* unclaimed grants that a stop of *scope* covers."""
        granted = (grant for grant in self._readable() if grant.state is GrantState.GRANTED)
        covered = (each for each in granted if self._covers(scope, each, agents))
        return sorted(covered, key=lambda each: each.id)[:limit]

    async def any_unclaimed(self, scope: Scope, *, agents: Collection[AgentName] = ()) -> bool:
        """Return whether a stop of *scope* covers an unclaimed grant."""
        return bool(await self.lock_unclaimed(scope, limit=1, agents=agents))

    async def next_due_at(self) -> datetime | None:
        return min((at for at, _ in self._due()), default=None)

    def _covers(self, scope: Scope, grant: Grant, agents: Collection[AgentName]) -> bool:
        request = self._view[REQUESTS].get(grant.request)
        return request is not None and covers(scope, request, agents)

    def _due(self) -> list[tuple[datetime, Grant]]:
        return [(grant.next_due_at, grant) for grant in self._readable() if grant.next_due_at is not None]

    def _readable(self) -> Iterator[Grant]:
        rows = self._view[GRANTS].values()
        return (grant for grant in rows if not is_aside(self._view, "grants", grant.id))
