"""The grants, in a database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, literal_column, select, update

from escalation.errors import Unreadable
from escalation.grant import Grant, GrantState
from escalation.ids import GrantId, RequestId
from escalation.store.change import Insertion, RowUpdate
from escalation.store.lookup import Lock, Lookup
from escalation.store.reading import Damaged, Misread, Reading, known
from escalation.store.session import Session
from escalation.store.set_aside import not_aside, why_aside
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, grants, requests
from escalation.switch import Scope, ScopeKind

_MICROSECOND = timedelta(microseconds=1)
_STATES = {state.value: state for state in GrantState}
_NO_INSTANT = "next_due_at is no instant that this version can tell"
_CHANGING = ("state", "version", "attempt", "claimed_at", "ended_at", "result", "resolved_by", "next_due_at")

_ADD = Insertion(grants)
_AND_WHY_ASIDE = (why_aside(grants, grants.c.id),)
_NOT_ASIDE = not_aside(grants, grants.c.id)
_GET = Lookup(grants, grants.c.id, also=_AND_WHY_ASIDE)
_LOCK = Lookup(grants, grants.c.id, lock=Lock.ALONE, also=_AND_WHY_ASIDE)
_OF = Lookup(grants, grants.c.request, also=_AND_WHY_ASIDE)
_SAVE = RowUpdate(
    lambda given: (
        update(grants)
        .where(grants.c.id == given["grant"], grants.c.version == given["before"])
        .values({name: given[name] for name in _CHANGING})
    ),
    {"grant": Name, "before": Integer(), **{name: grants.c[name].type for name in _CHANGING}},
    exact=True,
)
_LOCK_DUE = Statement(
    select(grants)
    .where(grants.c.next_due_at <= parameter("now", Instant), _NOT_ASIDE)
    .order_by(grants.c.next_due_at, grants.c.id)
    .limit(parameter("limit", Integer()))
    .with_for_update(skip_locked=True)
)
_NEXT_DUE = Statement(
    select(grants.c.id, grants.c.next_due_at)
    .where(grants.c.next_due_at.is_not(None), _NOT_ASIDE)
    .order_by(grants.c.next_due_at, grants.c.id)
    .limit(literal_column("1"))
)
#: In the order of ids, so that two stops never wait for each other.
_UNCLAIMED = (
    select(grants)
    .where(grants.c.state == "granted", grants.c.next_due_at.is_not(None), _NOT_ASIDE)
    .order_by(grants.c.id)
    .with_for_update(of=grants)
)
_OF_REQUESTS = _UNCLAIMED.join(requests, requests.c.id == grants.c.request)
_SCOPE = parameter("scope", Name)
_LOCK_UNCLAIMED = {
    ScopeKind.ALL: Statement(_UNCLAIMED),
    ScopeKind.AGENT: Statement(_UNCLAIMED.where(grants.c.agent == _SCOPE)),
    ScopeKind.FUNCTION: Statement(_OF_REQUESTS.where(requests.c.function == _SCOPE)),
    ScopeKind.ACTION: Statement(_OF_REQUESTS.where(requests.c.action_type == _SCOPE)),
}


class SqlGrants:
    """The grants of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[GrantId, int] = {}  # versions of grants that this transaction locked

    async def add(self, grant: Grant) -> None:
        self._session.later(_ADD, _values(grant))

    async def get(self, grant: GrantId) -> Grant | None:
        return await self._one(_GET, {"id": grant})

    async def lock(self, grant: GrantId) -> Grant | None:
        found = await self._one(_LOCK, {"id": grant})
        self._hold([] if found is None else [found])
        return found

    async def of(self, request: RequestId) -> Grant | None:
        return await self._one(_OF, {"request": request})

    async def save(self, grant: Grant) -> bool:
        """Write *grant* over version ``grant.version - 1``; return False if that is not there."""
        change = {**_values(grant), "grant": grant.id, "before": grant.version - 1}
        if self._held.pop(grant.id, None) == grant.version - 1:
            # Nobody else can have changed it: the outcome is known, and need not be waited for.
            self._session.later(_SAVE, change)
            return True
        return await self._session.run(_SAVE, change) == 1

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Grant]:
        """Return the grants due at *now*, oldest first, skipping those others hold."""
        return self._hold(await self._many(_LOCK_DUE, {"now": now, "limit": limit}))

    async def lock_unclaimed(self, scope: Scope) -> Sequence[Grant]:
        """Return every grant not yet claimed that a stop of *scope* covers."""
        return self._hold(await self._many(_LOCK_UNCLAIMED[scope.kind], {"scope": scope.name}))

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which a grant is due."""
        row = await self._session.row(_NEXT_DUE)
        if row is not None and isinstance(row.next_due_at, Damaged):
            # Due at once: read as a whole it is set aside, and no longer in the way.
            self._session.unreadable.add(Unreadable("grants", row.id, _NO_INSTANT))
            return self._session.now
        found: datetime | None = None if row is None else row.next_due_at
        return found

    def _hold(self, found: Sequence[Grant]) -> Sequence[Grant]:
        self._held |= {grant.id: grant.version for grant in found}
        return found

    async def _one(self, statement: Statement, values: dict[str, Any]) -> Grant | None:
        row = await self._session.row(statement, values)
        return None if row is None else _GRANT.one(row, self._session.unreadable)

    async def _many(self, statement: Statement, values: dict[str, Any]) -> Sequence[Grant]:
        rows = await self._session.rows(statement, values)
        return _GRANT.readable(rows, self._session.unreadable)


def _values(grant: Grant) -> dict[str, Any]:
    return {
        "id": grant.id,
        "tenant": grant.tenant,
        "request": grant.request,
        "agent": grant.agent,
        "digest": grant.digest,
        "granted_at": grant.granted_at,
        "expires_at": grant.expires_at,
        "report_within": grant.report_within // _MICROSECOND,
        "state": grant.state.value,
        "version": grant.version,
        "attempt": grant.attempt,
        "claimed_at": grant.claimed_at,
        "ended_at": grant.ended_at,
        "result": grant.result,
        "resolved_by": grant.resolved_by,
        "next_due_at": grant.next_due_at,
    }


def _grant(row: Row) -> Grant:
    grant = Grant(
        id=row.id,
        tenant=row.tenant,
        request=row.request,
        agent=row.agent,
        digest=row.digest,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        report_within=row.report_within * _MICROSECOND,
        state=known(_STATES, row.state, "state"),
        version=row.version,
        attempt=row.attempt,
        claimed_at=row.claimed_at,
        ended_at=row.ended_at,
        result=row.result,
        resolved_by=row.resolved_by,
    )
    _ = (
        grant.expires_at + grant.report_within
    )  # as late as its report may be due, if there is such an instant
    if grant.next_due_at != row.next_due_at:
        raise Misread("next_due_at", "is not when its time is over")
    return grant


_GRANT = Reading(grants, _grant)
