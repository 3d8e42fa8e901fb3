"""The requests, in memory."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import itemgetter

from escalation.errors import StoreError
from escalation.ids import AgentName, PersonId, RequestId
from escalation.ports import Asked, Looked, Page, Pending, Place
from escalation.request import Request, State, Verdict
from escalation.store.memory.inbox import CLICKS
from escalation.store.memory.set_aside import is_aside, refuse_aside
from escalation.store.memory.view import Table, View
from escalation.switch import Scope, ScopeKind

REQUESTS: Table[RequestId, Request] = Table()
ASKED_WITH: Table[tuple[AgentName, str], RequestId] = Table()


class MemoryRequests:
    """The requests of one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, request: Request) -> bool:
        """Insert *request*; return False (and change nothing) if its agent's key is taken."""
        self._view.check(request.tenant)
        if request.key is not None:
            if self._view[ASKED_WITH].get((request.agent, request.key)) is not None:
                return False
            self._view[ASKED_WITH].put((request.agent, request.key), request.id)
        self._check(request)
        self._view[REQUESTS].add(request.id, request)
        return True

    async def get(self, request: RequestId) -> Request | None:
        refuse_aside(self._view, "requests", request)
        return self._view[REQUESTS].get(request)

    async def among(self, requests: Collection[RequestId]) -> Mapping[RequestId, Request]:
        """Return those of *requests* that are there and can be read."""
        wanted = set(requests)
        return {request.id: request for request in self._readable() if request.id in wanted}

    async def lock(self, request: RequestId) -> Request | None:
        """Return it; writers queue, so nobody else can change it meanwhile."""
        return await self.get(request)

    async def by_key(self, agent: AgentName, key: str) -> Request | None:
        found = self._view[ASKED_WITH].get((agent, key))
        return None if found is None else await self.get(found)

    async def save(self, request: Request) -> bool:
        """Write *request* over version ``request.version - 1``; return False if that is not there."""
        current = self._view[REQUESTS].get(request.id)
        if current is None or current.version != request.version - 1:
            return False
        goes_on = request.state.went_unanswered and request.follow is not None
        changed = _follow(current, request) if goes_on else _move(current, request)
        if changed is None:
            return False
        self._check(changed)
        self._view[REQUESTS].put(request.id, changed)
        return True

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Request]:
        """Return the pending requests due at *now*, oldest first."""
        due = [(at, request.id, request) for at, request in self._due() if at <= now]
        return [request for _, _, request in sorted(due)[:limit]]

    async def lock_pending(
        self, scope: Scope, *, since: datetime, limit: int, agents: Collection[AgentName] = ()
    ) -> Sequence[Request]:
        """Return up to *limit* pending requests that a stop of *scope* covers, by when they are due."""
        due = [(at, each.id, each) for at, each in self._due() if at >= since and covers(scope, each, agents)]
        return [found for _, _, found in sorted(due, key=itemgetter(0, 1))[:limit]]

    async def any_pending(self, scope: Scope, *, agents: Collection[AgentName] = ()) -> bool:
        """Return whether a stop of *scope* covers a pending request."""
        return any(covers(scope, found, agents) for _, found in self._due())

    async def lock_settled(self, before: datetime, *, behind: Place, limit: int) -> Looked:
        """Return what was settled *before* then, oldest first, from *behind* there on."""
        settled = [(r.settled_at, r.id, r) for r in self._readable() if r.settled_at is not None]
        old = sorted(each for each in settled if (behind.at, behind.id) < each[:2] < (before, ""))[:limit]
        up_to = Place(at=old[-1][0], id=old[-1][1]) if old else behind
        return Looked(found=[request for _, _, request in old], count=len(old), up_to=up_to)

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which a request is due."""
        return min((at for at, _ in self._due()), default=None)

    async def page(
        self, page: Page, *, agent: AgentName | None = None, states: Collection[State] = ()
    ) -> Sequence[Request]:
        """Return requests, newest first; no states means all of them."""
        found = [
            request
            for request in self._readable()
            if (agent is None or request.agent == agent)
            and (not states or request.state in states)
            and (page.after is None or request.id < page.after)
        ]
        return sorted(found, key=lambda request: request.id, reverse=True)[: page.limit]

    async def pending_approvers(self, limit: int) -> Sequence[tuple[str, ...]]:
        """Return each list of approvers that something pending was asked of, once."""
        return list(dict.fromkeys(request.terms.approvers for request in self._pending()))[:limit]

    async def most_urgent(
        self, approvers: tuple[str, ...], *, not_of: PersonId, after: Request | None, limit: int
    ) -> Sequence[Request]:
        """Return what is pending of exactly these *approvers*, soonest deadline first, behind *after*."""
        found = [r for r in self._pending() if r.terms.approvers == approvers and r.owner != not_of]
        left = [r for r in found if after is None or _by_deadline(r) > _by_deadline(after)]
        return sorted(left, key=_by_deadline)[:limit]

    async def pending_by_agent(self) -> Mapping[AgentName, int]:
        """Return how much is pending of each agent that has any."""
        return Counter(request.agent for request in self._pending())

    async def count_pending(self, agent: AgentName, channel: str, *, at_most: int) -> Pending:
        """Count what is pending of *agent* and in *channel*, each up to *at_most*."""
        pending = list(self._pending())
        return Pending(
            of_agent=min(sum(request.agent == agent for request in pending), at_most),
            in_channel=min(sum(request.channel == channel for request in pending), at_most),
        )

    async def asked_since(
        self, since: datetime, approvers: Sequence[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], Asked]:
        """Count what was asked after *since* of exactly these lists of *approvers*, where there is any."""
        found: dict[tuple[str, ...], list[datetime]] = {}
        for request in self._view[REQUESTS].values():
            if request.asked_at > since and request.terms.approvers in approvers:
                found.setdefault(request.terms.approvers, []).append(request.asked_at)
        return {names: Asked(count=len(times), first=min(times)) for names, times in found.items()}

    async def decided_by(self, person: PersonId, limit: int) -> Sequence[Request]:
        """Return what *person* decided, newest first."""
        found = [
            (decision.at, request.id, request)
            for request in self._readable()
            for decision in request.decisions
            if decision.person == person
        ]
        found.sort(key=lambda row: row[:2], reverse=True)
        newest = {id_: request for _, id_, request in found}
        return list(newest.values())[:limit]

    def _pending(self) -> Iterator[Request]:
        return (request for request in self._readable() if not request.state.is_settled)

    def _due(self) -> list[tuple[datetime, Request]]:
        return [
            (request.next_due_at, request) for request in self._readable() if request.next_due_at is not None
        ]

    def _readable(self) -> Iterator[Request]:
        rows = self._view[REQUESTS].values()
        return (request for request in rows if not is_aside(self._view, "requests", request.id))

    def _check(self, request: Request) -> None:
        if request.state.is_settled != (request.settled_at is not None):
            raise StoreError(f"{request.id} is {request.state.value}, settled at {request.settled_at}")
        for decision in request.decisions:
            if self._view[CLICKS].get(decision.ingress) is None:
                raise StoreError(f"decision {decision.id} stands on no click that was stored")
        approvers = [found.person for found in request.decisions if found.verdict is Verdict.APPROVE]
        if len(approvers) != len(set(approvers)):
            raise StoreError(f"somebody approved {request.id} twice")


def _by_deadline(request: Request) -> tuple[datetime, RequestId]:
    return request.deadline, request.id


def _move(current: Request, request: Request) -> Request | None:
    # Only what a command may change is written; what was asked stays as it was asked.
    if current.state.is_settled:
        return None
    return replace(
        current,
        state=request.state,
        version=request.version,
        rung=request.rung,
        delivered_at=request.delivered_at,
        acknowledged_by=request.acknowledged_by,
        decisions=request.decisions,
        settled_at=request.settled_at,
        reason=request.reason,
        answer=request.answer,
        follow=request.follow,
    )


def _follow(current: Request, request: Request) -> Request | None:
    # A settled request never changes, but for where it went on.
    if current.state is not request.state or current.follow is not None:
        return None
    return replace(current, follow=request.follow, version=request.version)


def covers(scope: Scope, request: Request, agents: Collection[AgentName]) -> bool:
    """Return whether a stop of *scope* holds *request*; *agents* work for its function today."""
    match scope.kind:
        case ScopeKind.ALL:
            return True
        case ScopeKind.AGENT:
            return request.agent == scope.name
        case ScopeKind.FUNCTION:
            return request.function == scope.name or request.agent in agents
        case ScopeKind.ACTION:
            return getattr(request.subject, "type", None) == scope.name
