"""The requests, in a database."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Text,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
    update,
)

from escalation.errors import Unreadable
from escalation.ids import AgentName, PersonId, RequestId
from escalation.ports import Asked, Looked, Page, Pending, Place
from escalation.request import Request, State
from escalation.store import request_rows as convert
from escalation.store.change import Conflict, Insertion, RowUpdate
from escalation.store.lookup import Among, Lock, Lookup
from escalation.store.reading import Damaged, Reading, last_place
from escalation.store.session import Session
from escalation.store.set_aside import not_aside, why_aside
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, decisions, requests
from escalation.switch import Scope, ScopeKind

#: Greater than every id: ids are ASCII.
_END = "\x7f"
_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_CHANGING = (
    *("follow", "state", "version", "rung", "delivered_at", "acknowledged_by", "decided"),
    *("settled_at", "reason", "answer", "next_due_at"),
)
#: How many rows become values before others in this process have a turn.
_AT_A_STRETCH = 50
_LIMIT = parameter("limit", Integer())
_PENDING = requests.c.next_due_at.is_not(None)
_AND_WHY_ASIDE = (why_aside(requests, requests.c.id),)
_NOT_ASIDE = not_aside(requests, requests.c.id)

_ADD = Insertion(requests, Conflict(columns=["agent", "key", "tenant"], where=text("key IS NOT NULL")))
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
#: From behind the deadline and the id of another one: in the order of an index, no further than asked.
_MOST_URGENT = Statement(
    select(requests)
    .where(
        requests.c.approvers == parameter("approvers", Text()),
        tuple_(requests.c.deadline, requests.c.id)
        > tuple_(parameter("deadline", Instant), parameter("id", Name)),
        requests.c.owner != parameter("owner", Name),
        _PENDING,
        _NOT_ASIDE,
    )
    .order_by(requests.c.deadline, requests.c.id)
    .limit(_LIMIT)
)
_LOCK_SETTLED = Statement(
    select(requests)
    .where(
        requests.c.settled_at < parameter("before", Instant),
        tuple_(requests.c.settled_at, requests.c.id)
        > tuple_(parameter("at", Instant), parameter("id", Name)),
        _NOT_ASIDE,
    )
    .order_by(requests.c.settled_at, requests.c.id)
    .limit(_LIMIT)
    .with_for_update(skip_locked=True)
)
_PENDING_BY_AGENT = Statement(
    select(requests.c.agent, func.count().label("pending"))
    .where(_PENDING, _NOT_ASIDE)
    .group_by(requests.c.agent)
)


def _each_list() -> Statement:
    """From one list of approvers the index leads to the next one: what waits of each is never walked."""
    # In the whole order of the index of what is pending, so that no other index will do.
    in_order = (requests.c.approvers, requests.c.deadline, requests.c.id)
    one = (
        select(requests.c.approvers)
        .where(_PENDING, _NOT_ASIDE)
        .order_by(*in_order)
        .limit(literal_column("1"))
    )
    lists = select(one.scalar_subquery().label("approvers")).cte("lists", recursive=True)
    behind = one.where(requests.c.approvers > lists.c.approvers).correlate(lists).scalar_subquery()
    found = lists.union_all(select(behind).where(lists.c.approvers.is_not(None)))
    return Statement(select(found.c.approvers).where(found.c.approvers.is_not(None)).limit(_LIMIT))


_PENDING_APPROVERS = _each_list()


def _up_to_cap(column: Column[Any], name: str) -> ScalarSelect[Any]:
    some: Select[Any] = select(literal_column("1")).where(
        column == parameter(name, Name), _PENDING, _NOT_ASIDE
    )
    return (
        select(func.count())
        .select_from(some.limit(parameter("at_most", Integer())).subquery())
        .scalar_subquery()
    )


_COUNT_PENDING = Statement(
    select(
        _up_to_cap(requests.c.agent, "agent").label("of_agent"),
        _up_to_cap(requests.c.channel, "channel").label("in_channel"),
    )
)
_ASKED_SINCE = Statement(
    select(requests.c.approvers, func.count().label("count"), func.min(requests.c.asked_at).label("first"))
    .where(Among(requests.c.approvers, "lists"), requests.c.asked_at > parameter("since", Instant))
    .group_by(requests.c.approvers)
)
_NEXT_DUE = Statement(
    select(requests.c.id, requests.c.next_due_at)
    .where(_PENDING, _NOT_ASIDE)
    .order_by(requests.c.next_due_at, requests.c.id)
    .limit(literal_column("1"))
)
_SCOPE = parameter("scope", Name)
_NOTHING: ColumnElement[str] = literal_column("''")
#: Which rows a stop covers, in words that no index knows: the pending ones are walked once, as they
#: are due, and never the history of an agent.
_COVERED = {
    ScopeKind.ALL: true(),
    ScopeKind.AGENT: requests.c.agent.concat(_NOTHING) == _SCOPE,
    # What the agents of the function asked while they worked for another one is covered too.
    ScopeKind.FUNCTION: or_(
        requests.c.function.concat(_NOTHING) == _SCOPE, Among(requests.c.agent.concat(_NOTHING), "agents")
    ),
    ScopeKind.ACTION: requests.c.action_type.concat(_NOTHING) == _SCOPE,
}
_LOCK_PENDING = {
    kind: Statement(
        select(requests)
        .where(_PENDING, requests.c.next_due_at >= parameter("since", Instant), covered, _NOT_ASIDE)
        .order_by(requests.c.next_due_at, requests.c.id)
        .limit(_LIMIT)
        .with_for_update(skip_locked=True)
    )
    for kind, covered in _COVERED.items()
}
_ANY_PENDING = {
    kind: Statement(
        select(requests.c.id)
        # In the words and the order of the index of what is due: any other would have to be sorted.
        .where(_PENDING, requests.c.next_due_at >= parameter("since", Instant), covered, _NOT_ASIDE)
        .order_by(requests.c.next_due_at, requests.c.id)
        .limit(literal_column("1"))  # a parameter would be planned as a tenth of all rows
    )
    for kind, covered in _COVERED.items()
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


@cache
def _page_in_states(count: int) -> Statement:
    """Of each state no more than a page: an agent's history is not walked for the few that are in one."""
    each = [
        select(requests)
        .where(
            requests.c.agent == parameter("agent", Name),
            requests.c.state == parameter(f"state_{number}", Name),
            requests.c.id < parameter("after", Name),
            _NOT_ASIDE,
        )
        .order_by(requests.c.id.desc())
        .limit(_LIMIT)
        .subquery()
        for number in range(count)
    ]
    found = union_all(*(select(one) for one in each)).subquery()
    return Statement(select(found).order_by(found.c.id.desc()).limit(_LIMIT))


def _page_of(agent: AgentName | None, states: Collection[State]) -> tuple[Statement, dict[str, Any]]:
    names = sorted({state.value for state in states})
    if agent is not None and names:
        given = {f"state_{number}": name for number, name in enumerate(names)}
        return _page_in_states(len(names)), {"agent": agent, **given}
    filters = {name: value for name, value in (("agent", agent), ("states", names)) if value}
    return _page(frozenset(filters)), filters


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

    async def among(self, requests: Collection[RequestId]) -> Mapping[RequestId, Request]:
        """Return those of *requests* that are there and can be read, in one read."""
        rows = await self._session.among(_GET, list(requests))
        # What is set aside was met before: it is left out like what cannot be read now.
        return {request.id: request for request in await self._readable(rows)}

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

    async def lock_pending(
        self, scope: Scope, *, since: datetime, limit: int, agents: Collection[AgentName] = ()
    ) -> Sequence[Request]:
        """Return up to *limit* pending requests that a stop of *scope* covers, skipping those others hold."""
        values = {"scope": scope.name, "agents": list(agents), "since": since, "limit": limit}
        return self._hold(await self._many(_LOCK_PENDING[scope.kind], values))

    async def any_pending(self, scope: Scope, *, agents: Collection[AgentName] = ()) -> bool:
        """Return whether a stop of *scope* covers a pending request, whoever holds it."""
        given = {"scope": scope.name, "agents": list(agents), "since": _BEFORE_ALL}
        return await self._session.row(_ANY_PENDING[scope.kind], given) is not None

    async def lock_settled(self, before: datetime, *, behind: Place, limit: int) -> Looked:
        """Return what was settled *before* then, oldest first, from *behind* on; skip what others hold."""
        values = {"before": before, "at": behind.at, "id": behind.id, "limit": limit}
        rows = await self._session.rows(_LOCK_SETTLED, values)
        up_to = last_place([(row.settled_at, row.id) for row in rows], behind)
        return Looked(found=await self._readable(rows), count=len(rows), up_to=up_to)

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
        statement, filters = _page_of(agent, states)
        found: list[Request] = []
        after: str | None = page.after or _END
        # Filled up where a row cannot be read: a page that is not full says that it is the last one.
        while after is not None and (left := page.limit - len(found)):
            rows = await self._session.rows(statement, {**filters, "after": after, "limit": left})
            found += await self._readable(rows)
            after = rows[-1].id if len(rows) == left else None
        return found

    async def pending_approvers(self, limit: int) -> Sequence[tuple[str, ...]]:
        """Return each list of approvers that something pending was asked of, once."""
        rows = await self._session.rows(_PENDING_APPROVERS, {"limit": limit})
        # A list that cannot be read is in rows that cannot: they are named as soon as one of them is read.
        lists = (convert.approvers_if_any(row.approvers) for row in rows)
        return [names for names in lists if names is not None]

    async def most_urgent(
        self, approvers: tuple[str, ...], *, not_of: PersonId, after: Request | None, limit: int
    ) -> Sequence[Request]:
        """Return what is pending of exactly these *approvers*, soonest deadline first, behind *after*."""
        which = {"approvers": convert.approvers_text(approvers), "owner": not_of}
        start = {"deadline": _BEFORE_ALL, "id": ""}
        behind = start if after is None else {"deadline": after.deadline, "id": after.id}
        found: list[Request] = []
        # Filled up, as a page is.
        while left := limit - len(found):
            rows = await self._session.rows(_MOST_URGENT, {**which, **behind, "limit": left})
            found += await self._readable(rows)
            if len(rows) < left or not isinstance(rows[-1].deadline, datetime):
                break
            behind = {"deadline": rows[-1].deadline, "id": rows[-1].id}
        return found

    async def pending_by_agent(self) -> Mapping[AgentName, int]:
        """Return how much is pending of each agent that has any."""
        rows = await self._session.rows(_PENDING_BY_AGENT)
        return {AgentName(row.agent): row.pending for row in rows}

    async def count_pending(self, agent: AgentName, channel: str, *, at_most: int) -> Pending:
        """Count what is pending of *agent* and in *channel*, each up to *at_most*."""
        values = {"agent": agent, "channel": channel, "at_most": at_most}
        [row] = await self._session.rows(_COUNT_PENDING, values)
        return Pending(of_agent=row.of_agent, in_channel=row.in_channel)

    async def asked_since(
        self, since: datetime, approvers: Sequence[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], Asked]:
        """Count what was asked after *since* of exactly these lists of *approvers*, where there is any."""
        by_text = {convert.approvers_text(names): names for names in approvers}
        rows = await self._session.rows(_ASKED_SINCE, {"lists": list(by_text), "since": since})
        return {by_text[row.approvers]: Asked(count=row.count, first=self._told(row.first)) for row in rows}

    async def decided_by(self, person: PersonId, limit: int) -> Sequence[Request]:
        """Return what *person* decided, newest first."""
        return await self._many(_DECIDED_BY, {"person": person, "limit": limit})

    def _told(self, at: datetime | Damaged) -> datetime:
        # What counts against somebody and cannot tell since when counts from now on.
        return self._session.now if isinstance(at, Damaged) else at

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
        found: list[Request] = []
        for first in range(0, len(rows), _AT_A_STRETCH):
            if first:
                await asyncio.sleep(0)
            stretch = rows[first : first + _AT_A_STRETCH]
            found += _REQUEST.readable(stretch, self._session.unreadable, decided)
        return found

    async def _decisions_of(self, rows: Sequence[Row]) -> Callable[[Row], Sequence[Row]]:
        with_some = [row.id for row in rows if row.decided and isinstance(row.id, str)]
        decided: dict[str, list[Row]] = {}
        for row in await self._session.among(_DECISIONS, with_some):
            decided.setdefault(row.request, []).append(row)
        return lambda row: decided.get(row.id, ())
