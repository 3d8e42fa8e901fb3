"""How far each stop has come, in a database: one row a stop, to which everybody adds what they ended."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, select, update

from escalation.ports import Sweep
from escalation.store.change import Arguments, Fields, Insertion, RowUpdate
from escalation.store.lookup import Lock, Lookup
from escalation.store.reading import Reading
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, sweeps
from escalation.switch import Switch
from escalation.switch import scope as scope_of

_KEY: Fields = {"stopped": Name, "pull": Integer()}
_COUNTS = ("killed", "late", "revoked")


class _Addition(RowUpdate):
    """Adds counts to a sweep; of many in one transaction, or in one commit, the sum."""

    def distinct(self, rows: Sequence[Arguments]) -> Sequence[Arguments]:
        """Return one row a sweep: one statement would change the same sweep only once."""
        sums: dict[tuple[Any, ...], list[Arguments]] = {}
        for row in rows:
            sums.setdefault(tuple(row[: len(_KEY)]), []).append(row[len(_KEY) :])
        return [(*key, *map(sum, zip(*sums[key], strict=True))) for key in sorted(sums)]


_ADD = Insertion(sweeps)
_OF = Lookup(sweeps, sweeps.c.scope, sweeps.c.version)
_LOCK = Lookup(sweeps, sweeps.c.scope, sweeps.c.version, lock=Lock.ALONE)
_COUNT = _Addition(
    lambda given: (
        update(sweeps)
        .where(sweeps.c.scope == given["stopped"], sweeps.c.version == given["pull"])
        .values({name: sweeps.c[name] + given[name] for name in _COUNTS})
    ),
    {**_KEY, **{name: Integer() for name in _COUNTS}},
)
_FINISH = RowUpdate(
    lambda given: (
        update(sweeps)
        .where(sweeps.c.scope == given["stopped"], sweeps.c.version == given["pull"])
        .values(finished_at=given["finished_at"])
    ),
    {**_KEY, "finished_at": Instant},
    exact=True,
)
_UNFINISHED = Statement(
    select(sweeps)
    .where(sweeps.c.finished_at.is_(None))
    .order_by(sweeps.c.scope, sweeps.c.version)
    .limit(parameter("limit", Integer()))
)


class SqlSweeps:
    """The sweeps of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, sweep: Sweep) -> None:
        self._session.later(_ADD, {**_counts(sweep), "scope": str(sweep.scope), "version": sweep.version})

    async def of(self, switch: Switch) -> Sweep | None:
        """Return the sweep of the stop that *switch* is under."""
        row = await self._session.row(_OF, {"scope": str(switch.scope), "version": switch.version})
        return None if row is None else _SWEEP.one(row, self._session.unreadable)

    async def lock(self, sweep: Sweep) -> Sweep | None:
        """Return it as it is now, and keep others from counting until this transaction ends."""
        row = await self._session.row(_LOCK, {"scope": str(sweep.scope), "version": sweep.version})
        return None if row is None else _SWEEP.one(row, self._session.unreadable)

    async def count(self, ended: Sweep) -> None:
        """Add what *ended* counts to its sweep, at the end: nobody waits for the row meanwhile."""
        self._session.later(_COUNT, {**_key(ended), **_counts(ended)})

    async def finish(self, sweep: Sweep, at: datetime) -> None:
        self._session.later(_FINISH, {**_key(sweep), "finished_at": at})

    async def reopen(self, sweep: Sweep) -> None:
        """Note that there is something to end again; what was counted stays."""
        self._session.later(_FINISH, {**_key(sweep), "finished_at": None})

    async def unfinished(self, limit: int) -> Sequence[Sweep]:
        """Return up to *limit* sweeps that are not finished, by scope."""
        rows = await self._session.rows(_UNFINISHED, {"limit": limit})
        return _SWEEP.readable(rows, self._session.unreadable)


def _key(sweep: Sweep) -> dict[str, Any]:
    return {"stopped": str(sweep.scope), "pull": sweep.version}


def _counts(sweep: Sweep) -> dict[str, Any]:
    counts: dict[str, Any] = {name: getattr(sweep, name) for name in _COUNTS}
    return {**counts, "finished_at": sweep.finished_at}


def _sweep(row: Row) -> Sweep:
    return Sweep(
        scope=scope_of(row.scope),
        version=row.version,
        killed=row.killed,
        late=row.late,
        revoked=row.revoked,
        finished_at=row.finished_at,
    )


_SWEEP = Reading(sweeps, _sweep, by="scope")
