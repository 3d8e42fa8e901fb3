"""The requests, in a database."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Integer, func, literal_column, select, text, update

from escalation.errors import Unreadable
from escalation.ids import AgentName, PersonId, RequestId
from escalation.ports import Page
from escalation.request import Request, State
from escalation.store import request_rows as convert
from escalation.store.change import Conflict, Insertion, RowUpdate
from escalation.store.lookup import Among, Lock, Lookup
from escalation.store.reading import Damaged, Reading
from escalation.store.session import Session
from escalation.store.set_aside import not_aside, why_aside
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, decisions, requests
from escalation.switch import Scope, ScopeKind

#: Greater than every id: ids are ASCII.
_END = "\x7f"
_CHANGING = (
    *("follow", "state", "version", "rung", "delivered_at", "acknowledged_by", "decided"),
    *("settled_at", "reason", "answer", "next_due_at"),
)
_LIMIT = parameter("limit", Integer())
_PENDING = requests.c.next_due_at.is_not(None)
_AND_WHY_ASIDE = (why_aside(requests, requests.c.id),)
_NOT_ASIDE = not_aside(requests, requests.c.id)

_ADD = Insertion(requests, Conflict(columns=["agent", "key"], where=text("key IS NOT NULL")))
_GET = Lookup(requests, requests.c.id, also=_AND_WHY_ASIDE)
_LOCK = Lookup(requests, requests.c.id, lock=Lock.ALONE, also=_AND_WHY_ASIDE)
_BY_KEY = Lookup(requests, requests.c.agent, requests.c.key, also=_AND_WHY_ASIDE)
_MOVE = RowUpdate(
    lambda given: (
        update(requests)
        .where(
            requests.c.id == given["request"],
            requests.c.version == given["before"],
            # Pending, in words that no index knows: the row is found by its id.
            requests.c.settled_at.is_(None),
        )
        .values({name: given[name] for name in _CHANGING})
    ),
    {"request": Name, "before": Integer(), **{name: requests.c[name].type for name in _CHANGING}},
    exact=True,
)
#: A settled request never changes, but for where it went on.
_FOLLOW = Statement(
    update(requests)
    .where(
        requests.c.id == parameter("request", Name),
        requests.c.version == parameter("before", Integer()),
        requests.c.state == parameter("settled", Name),
        requests.c.follow.is_(None),
    )
    .values(follow=parameter("follow", Name), version=parameter("version", Integer()))
)
#: The instant is a parameter: a volatile function here would read every pending row.
_LOCK_DUE = Statement(
    select(requests)
    .where(requests.c.next_due_at <= parameter("now", Instant), _NOT_ASIDE)
    .order_by(requests.c.next_due_at, requests.c.id)
    .limit(_LIMIT)
    .with_for_update(skip_locked=True)
)
_MOST_URGENT = Statement(
    select(requests).where(_PENDING, _NOT_ASIDE).order_by(requests.c.deadline, requests.c.id).limit(_LIMIT)
)
_NEXT_DUE = Statement(
    select(requests.c.id, requests.c.next_due_at)
    .where(_PENDING, _NOT_ASIDE)
    .order_by(requests.c.next_due_at, requests.c.id)
    .limit(literal_column("1"))
)
#: In the order of ids, so that two stops never wait for each other.
_PENDING_IN_ORDER = select(requests).where(_PENDING, _NOT_ASIDE).order_by(requests.c.id).with_for_update()
_SCOPE = parameter("scope", Name)
_LOCK_PENDING = {
    ScopeKind.ALL: Statement(_PENDING_IN_ORDER),
    ScopeKind.AGENT: Statement(_PENDING_IN_ORDER.where(requests.c.agent == _SCOPE)),
    ScopeKind.FUNCTION: Statement(_PENDING_IN_ORDER.where(requests.c.function == _SCOPE)),
    ScopeKind.ACTION: Statement(_PENDING_IN_ORDER.where(requests.c.action_type == _SCOPE)),
}
_ADD_DECISION = Insertion(decisions, Conflict(columns=["id"]))
_DECISIONS = Lookup(decisions, decisions.c.request, order=decisions.c.position)
# Somebody decides a request twice at most: an approval, and then a rejection.
_NEWEST = (
    select(decisions.c.request, decisions.c.at)
    .where(decisions.c.person == parameter("person", Name))
    .order_by(decisions.c.at.desc(), decisions.c.id.desc())
    .limit(parameter("limit", Integer()) * 2)
    .subquery()
)
_LAST = select(_NEWEST.c.request, func.max(_NEWEST.c.at).label("at")).group_by(_NEWEST.c.request).subquery()
_DECIDED_BY = Statement(
    select(requests)
    .join(_LAST, _LAST.c.request == requests.c.id)
    .where(_NOT_ASIDE)
    .order_by(_LAST.c.at.desc(), requests.c.id.desc())
    .limit(_LIMIT)
)

_REQUEST = Reading(requests, convert.request_of)
_NO_INSTANT = "next_due_at is no instant that this version can tell"


@cache
def _page(filters: frozenset[str]) -> Statement:
    page = select(requests).where(requests.c.id < parameter("after", Name), _NOT_ASIDE)
    if "agent" in filters:
        page = page.where(requests.c.agent == parameter("agent", Name))
    if "states" in filters:
        page = page.where(Among(requests.c.state, "states"))
    return Statement(page.order_by(requests.c.id.desc()).limit(_LIMIT))


class SqlRequests:
    """The requests of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[RequestId, int] = {}  # versions of pending requests that this transaction locked

    async def add(self, request: Request) -> bool:
        """Insert *request*; return False (and change nothing) if its agent's key is taken."""
        if not await self._session.insert(_ADD, convert.values_of_request(request)):
            return False
        self._add_decisions(request)
        return True

    async def get(self, request: RequestId) -> Request | None:
        return await self._one(_GET, {"id": request})

    async def lock(self, request: RequestId) -> Request | None:
        """Return it and keep others from changing it until this transaction ends."""
        found = await self._one(_LOCK, {"id": request})
        self._hold([] if found is None else [found])
        return found

    async def by_key(self, agent: AgentName, key: str) -> Request | None:
        return await self._one(_BY_KEY, {"agent": agent, "key": key})

    async def save(self, request: Request) -> bool:
        """Write *request* over version ``request.version - 1``; return False if that is not there."""
        before = {"request": request.id, "before": request.version - 1}
        if request.state.went_unanswered and request.follow is not None:
            following = {"follow": request.follow, "version": request.version, "settled": request.state.value}
            return await self._session.run(_FOLLOW, {**before, **following}) == 1
        move = {**before, **convert.values_that_change(request)}
        if self._held.pop(request.id, None) == before["before"]:
            # Nobody else can have changed it: the outcome is known, and need not be waited for.
            self._session.later(_MOVE, move)
        elif await self._session.run(_MOVE, move) != 1:
            return False
        self._add_decisions(request)
        return True

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Request]:
        """Return the pending requests due at *now*, oldest first, skipping those others hold."""
        return self._hold(await self._many(_LOCK_DUE, {"now": now, "limit": limit}))

    async def lock_pending(self, scope: Scope) -> Sequence[Request]:
        """Return every pending request that a stop of *scope* covers, waiting for those others hold."""
        return self._hold(await self._many(_LOCK_PENDING[scope.kind], {"scope": scope.name}))

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which a request is due."""
        row = await self._session.row(_NEXT_DUE)
        if row is not None and isinstance(row.next_due_at, Damaged):
            # Due at once: read as a whole it is set aside, and no longer in the way.
            self._session.unreadable.add(Unreadable("requests", row.id, _NO_INSTANT))
            return self._session.now
        found: datetime | None = None if row is None else row.next_due_at
        return found

    async def page(
        self, page: Page, *, agent: AgentName | None = None, states: Collection[State] = ()
    ) -> Sequence[Request]:
        """Return requests, newest first; no states means all of them."""
        filters = {"agent": agent, "states": [state.value for state in states]}
        statement = _page(frozenset(name for name, value in filters.items() if value))
        found: list[Request] = []
        after: str | None = page.after or _END
        # Filled up where a row cannot be read: a page that is not full says that it is the last one.
        while after is not None and (left := page.limit - len(found)):
            rows = await self._session.rows(statement, {**filters, "after": after, "limit": left})
            found += await self._readable(rows)
            after = rows[-1].id if len(rows) == left else None
        return found

    async def most_urgent(self, limit: int) -> Sequence[Request]:
        """Return what is pending, soonest deadline first."""
        return await self._many(_MOST_URGENT, {"limit": limit})

    async def decided_by(self, person: PersonId, limit: int) -> Sequence[Request]:
        """Return what *person* decided, newest first."""
        return await self._many(_DECIDED_BY, {"person": person, "limit": limit})

    def _hold(self, found: Sequence[Request]) -> Sequence[Request]:
        self._held |= {request.id: request.version for request in found if not request.state.is_settled}
        return found

    def _add_decisions(self, request: Request) -> None:
        for position in range(len(request.decisions)):
            self._session.later(_ADD_DECISION, convert.values_of_decision(request, position))

    async def _one(self, statement: Statement, values: dict[str, Any]) -> Request | None:
        rows = await self._session.rows(statement, values)
        if not rows:
            return None
        decided = await self._decisions_of(rows)
        return _REQUEST.one(rows[0], self._session.unreadable, decided(rows[0]))

    async def _many(self, statement: Statement, values: dict[str, Any]) -> Sequence[Request]:
        return await self._readable(await self._session.rows(statement, values))

    async def _readable(self, rows: Sequence[Row]) -> Sequence[Request]:
        decided = await self._decisions_of(rows)
        return _REQUEST.readable(rows, self._session.unreadable, decided)

    async def _decisions_of(self, rows: Sequence[Row]) -> Callable[[Row], Sequence[Row]]:
        with_some = [row.id for row in rows if row.decided and isinstance(row.id, str)]
        decided: dict[str, list[Row]] = {}
        for row in await self._session.among(_DECISIONS, with_some):
            decided.setdefault(row.request, []).append(row)
        return lambda row: decided.get(row.id, ())
