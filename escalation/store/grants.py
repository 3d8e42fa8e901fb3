"""The grants, in a database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Integer, ScalarSelect, literal_column, or_, select, update

from escalation.errors import Unreadable
from escalation.grant import Grant, GrantState, LateReport, Report
from escalation.ids import AgentName, GrantId, RequestId
from escalation.store.change import Insertion, RowUpdate
from escalation.store.lookup import Among, Lock, Lookup
from escalation.store.reading import Damaged, Misread, Reading, known
from escalation.store.session import Session
from escalation.store.set_aside import not_aside, why_aside
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, grants, requests
from escalation.switch import Scope, ScopeKind

_MICROSECOND = timedelta(microseconds=1)
_STATES = {state.value: state for state in GrantState}
_REPORTS = {report.value: report for report in Report}
_NO_INSTANT = "next_due_at is no instant that this version can tell"
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
_OPEN = Statement(
    select(grants)
    .where(grants.c.next_due_at.is_not(None), _NOT_ASIDE)
    .order_by(grants.c.next_due_at, grants.c.id)
    .limit(parameter("limit", Integer()))
)
_UNCLAIMED = (
    select(grants)
    .where(grants.c.state == "granted", grants.c.next_due_at.is_not(None), _NOT_ASIDE)
    .order_by(grants.c.next_due_at, grants.c.id)
    .limit(parameter("limit", Integer()))
)
_SCOPE = parameter("scope", Name)


def _of_request(column: Column[Any]) -> ScalarSelect[Any]:
    # As a value: of a join PostgreSQL would walk the requests, the whole history of them.
    return select(column).where(requests.c.id == grants.c.request).scalar_subquery()


_COVERED = {
    ScopeKind.ALL: _UNCLAIMED,
    ScopeKind.AGENT: _UNCLAIMED.where(grants.c.agent == _SCOPE),
    # Also what the agents of the function were granted while they worked for another one.
    ScopeKind.FUNCTION: _UNCLAIMED.where(
        or_(_of_request(requests.c.function) == _SCOPE, Among(grants.c.agent, "agents"))
    ),
    ScopeKind.ACTION: _UNCLAIMED.where(_of_request(requests.c.action_type) == _SCOPE),
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
        rows = await self._session.among(_OF, requests)
        return {grant.request: grant for grant in _GRANT.readable(rows, self._session.unreadable)}

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

    async def open(self, limit: int) -> Sequence[Grant]:
        """Return up to *limit* grants that may be claimed, or were and are not reported."""
        return await self._many(_OPEN, {"limit": limit})

    async def lock_unclaimed(
        self, scope: Scope, *, limit: int, agents: Collection[AgentName] = ()
    ) -> Sequence[Grant]:
        """Return up to *limit* unclaimed grants that a stop of *scope* covers, skipping those others hold."""
        values = {"scope": scope.name, "agents": list(agents), "limit": limit}
        return self._hold(await self._many(_LOCK_UNCLAIMED[scope.kind], values))

    async def any_unclaimed(self, scope: Scope, *, agents: Collection[AgentName] = ()) -> bool:
        """Return whether a stop of *scope* covers an unclaimed grant, whoever holds it."""
        given = {"scope": scope.name, "agents": list(agents), "limit": 1}
        return await self._session.row(_ANY_UNCLAIMED[scope.kind], given) is not None

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
    if (row.late_report is None) != (row.late_at is None) or (row.late_report is None and row.late_result):
        raise Misread("late_report", "does not fit to the rest of the late report")
    if row.late_report is None:
        return None
    report = known(_REPORTS, row.late_report, "late_report")
    return LateReport(report=report, result=row.late_result, at=row.late_at)


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
        lease_until=row.lease_until,
        ended_at=row.ended_at,
        result=row.result,
        late=_late(row),
        resolved_by=row.resolved_by,
    )
    # As late as its report may be due, if there is such an instant.
    _ = grant.expires_at + grant.report_within
    if grant.lease_until is not None and grant.claimed_at is None:
        raise Misread("lease_until", "is of a claim that nobody made")
    if grant.next_due_at != row.next_due_at:
        raise Misread("next_due_at", "is not when its time is over")
    return grant


_GRANT = Reading(grants, _grant)
