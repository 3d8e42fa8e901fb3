"""The grants, in a database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, func, select, update

from escalation.grant import Grant, GrantState, LateReport, Report
from escalation.ids import GrantId, RequestId
from escalation.store.change import Insertion, RowUpdate
from escalation.store.lookup import Lock, Lookup
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, grants, requests
from escalation.switch import Scope, ScopeKind

_MICROSECOND = timedelta(microseconds=1)
_STATES = {state.value: state for state in GrantState}
_CHANGING = (
    "state",
    "version",
    "attempt",
    "claimed_at",
    "lease_until",
    "ended_at",
    "result",
    "late_report",
    "late_result",
    "late_at",
    "resolved_by",
    "next_due_at",
)

_ADD = Insertion(grants)
_GET = Lookup(grants, grants.c.id)
_LOCK = Lookup(grants, grants.c.id, lock=Lock.ALONE)
_OF = Lookup(grants, grants.c.request)
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
    .where(grants.c.next_due_at <= parameter("now", Instant))
    .order_by(grants.c.next_due_at, grants.c.id)
    .limit(parameter("limit", Integer()))
    .with_for_update(skip_locked=True)
)
_NEXT_DUE_AT = Statement(select(func.min(grants.c.next_due_at)).where(grants.c.next_due_at.is_not(None)))
_UNCLAIMED = (
    select(grants)
    .where(grants.c.state == "granted", grants.c.next_due_at.is_not(None))
    .order_by(grants.c.next_due_at, grants.c.id)
    .limit(parameter("limit", Integer()))
)
_OF_REQUESTS = _UNCLAIMED.join(requests, requests.c.id == grants.c.request)
_SCOPE = parameter("scope", Name)
_COVERED = {
    ScopeKind.ALL: _UNCLAIMED,
    ScopeKind.AGENT: _UNCLAIMED.where(grants.c.agent == _SCOPE),
    ScopeKind.FUNCTION: _OF_REQUESTS.where(requests.c.function == _SCOPE),
    ScopeKind.ACTION: _OF_REQUESTS.where(requests.c.action_type == _SCOPE),
}
_LOCK_UNCLAIMED = {
    kind: Statement(covered.with_for_update(skip_locked=True, of=grants))
    for kind, covered in _COVERED.items()
}
_ANY_UNCLAIMED = {kind: Statement(covered) for kind, covered in _COVERED.items()}


class SqlGrants:
    """The grants of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._held: dict[GrantId, int] = {}  # versions of grants that this transaction locked

    async def add(self, grant: Grant) -> None:
        self._session.later(_ADD, values_of_grant(grant))

    async def get(self, grant: GrantId) -> Grant | None:
        return await self._one(_GET, {"id": grant})

    async def lock(self, grant: GrantId) -> Grant | None:
        found = await self._one(_LOCK, {"id": grant})
        self._hold([] if found is None else [found])
        return found

    async def of(self, request: RequestId) -> Grant | None:
        return await self._one(_OF, {"request": request})

    async def among(self, requests: Sequence[RequestId]) -> Mapping[RequestId, Grant]:
        """Return the grants of *requests*, as far as they have one, in one read."""
        found = map(_grant, await self._session.among(_OF, requests))
        return {grant.request: grant for grant in found}

    async def save(self, grant: Grant) -> bool:
        """Write *grant* over version ``grant.version - 1``; return False if that is not there."""
        change = {**values_of_grant(grant), "grant": grant.id, "before": grant.version - 1}
        if self._held.pop(grant.id, None) == grant.version - 1:
            # Nobody else can have changed it: the outcome is known, and need not be waited for.
            self._session.later(_SAVE, change)
            return True
        return await self._session.run(_SAVE, change) == 1

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Grant]:
        """Return the grants due at *now*, oldest first, skipping those others hold."""
        return self._hold(await self._many(_LOCK_DUE, {"now": now, "limit": limit}))

    async def lock_unclaimed(self, scope: Scope, *, limit: int) -> Sequence[Grant]:
        """Return up to *limit* unclaimed grants that a stop of *scope* covers, skipping those others hold."""
        values = {"scope": scope.name, "limit": limit}
        return self._hold(await self._many(_LOCK_UNCLAIMED[scope.kind], values))

    async def any_unclaimed(self, scope: Scope) -> bool:
        """Return whether a stop of *scope* covers an unclaimed grant, whoever holds it."""
        return bool(await self._many(_ANY_UNCLAIMED[scope.kind], {"scope": scope.name, "limit": 1}))

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which a grant is due."""
        found: datetime | None = await self._session.value(_NEXT_DUE_AT)
        return found

    def _hold(self, found: Sequence[Grant]) -> Sequence[Grant]:
        self._held |= {grant.id: grant.version for grant in found}
        return found

    async def _one(self, statement: Statement, values: dict[str, Any]) -> Grant | None:
        row = await self._session.row(statement, values)
        return None if row is None else _grant(row)

    async def _many(self, statement: Statement, values: dict[str, Any]) -> Sequence[Grant]:
        return [_grant(row) for row in await self._session.rows(statement, values)]


def values_of_grant(grant: Grant) -> dict[str, Any]:
    """Return the row of *grant*."""
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
        "lease_until": grant.lease_until,
        "ended_at": grant.ended_at,
        "result": grant.result,
        **_late_values(grant.late),
        "resolved_by": grant.resolved_by,
        "next_due_at": grant.next_due_at,
    }


def _late_values(late: LateReport | None) -> dict[str, Any]:
    if late is None:
        return {"late_report": None, "late_result": None, "late_at": None}
    return {"late_report": late.report.value, "late_result": late.result, "late_at": late.at}


def _late(row: Row) -> LateReport | None:
    if row.late_report is None:
        return None
    return LateReport(report=Report(row.late_report), result=row.late_result, at=row.late_at)


def _grant(row: Row) -> Grant:
    return Grant(
        id=row.id,
        tenant=row.tenant,
        request=row.request,
        agent=row.agent,
        digest=row.digest,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        report_within=row.report_within * _MICROSECOND,
        state=_STATES[row.state],
        version=row.version,
        attempt=row.attempt,
        claimed_at=row.claimed_at,
        lease_until=row.lease_until,
        ended_at=row.ended_at,
        result=row.result,
        late=_late(row),
        resolved_by=row.resolved_by,
    )
