"""The kill switches, in a database: one row per scope."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from sqlalchemy import Integer, or_, select, update

from escalation.errors import InvalidConfiguration, StoreError, Unreadable
from escalation.ports import Unreadables
from escalation.store.change import Conflict, Insertion
from escalation.store.lookup import Lock, Lookup
from escalation.store.reading import Misread, Reading
from escalation.store.session import Session
from escalation.store.set_aside import aside_since, not_aside, why_aside
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Name, switches
from escalation.switch import Scope, Stop, Switch, in_doubt
from escalation.switch import scope as scope_of

_CHANGING = ("stopped_by", "stopped_at", "reason", "version")
_THIS = switches.c.scope == parameter("this", Name)

_AND_WHY_ASIDE = (why_aside(switches, switches.c.scope), aside_since(switches, switches.c.scope))

_ENSURE = Insertion(switches, Conflict(columns=["tenant", "scope"]))
#: In one order everywhere, so that two claims and a stop never wait for each other in a circle.
_SHARE = Lookup(switches, switches.c.scope, lock=Lock.SHARED, also=_AND_WHY_ASIDE)
_THE_ONE = Lookup(switches, switches.c.scope, also=_AND_WHY_ASIDE)
_SAVE = Statement(
    update(switches)
    .where(_THIS, switches.c.version == parameter("before", Integer()))
    .values({name: parameter(name, switches.c[name].type) for name in _CHANGING})
)
#: Also what holds a part of a stop, and what is set aside: nobody can tell that these run.
_NOT_RUNNING = (
    select(switches, *_AND_WHY_ASIDE)
    .where(
        or_(
            *(switches.c[name].is_not(None) for name in ("stopped_at", "stopped_by", "reason")),
            ~not_aside(switches, switches.c.scope),
        )
    )
    .order_by(switches.c.scope)
)
_STOPPED = Statement(_NOT_RUNNING)
#: Whether or not something is stopped, it takes the table's shared lock, and moving a switch takes
#: the table alone: so what it does not find does not come either until the transaction ends.
_SHARE_STOPPED = Statement(_NOT_RUNNING.with_for_update(read=True, of=switches))


class SqlSwitches:
    """The switches of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def ensure(self, scopes: Collection[Scope]) -> None:
        """Insert a running switch for each scope that has none."""
        for scope in sorted(scopes, key=str):
            await self._session.insert(_ENSURE, {"scope": str(scope), **_moving(Switch(scope=scope))})

    async def share(self, scopes: Collection[Scope]) -> Sequence[Switch]:
        """Return the switches of *scopes* and keep all of them from moving until this transaction ends.

        A switch that is missing is inserted, running: a row that is not there cannot be held.
        """
        names = {str(scope) for scope in scopes}
        rows = await self._session.among(_SHARE, names)
        if len(rows) < len(names):
            await self.ensure(scopes)
            rows = await self._session.among(_SHARE, names)
        if len(rows) < len(names):
            raise StoreError("a switch is missing, and it could not be inserted")
        return [self._or_stopped(row) for row in rows]

    async def share_stopped(self) -> Sequence[Switch]:
        """Return what is stopped, first stop first, and keep every switch from moving until the end."""
        return self._all_stopped(await self._session.rows(_SHARE_STOPPED))

    async def lock(self, scope: Scope) -> Switch | None:
        """Return the switch and keep others from reading it for a claim, or moving it."""
        await self._session.hold(switches)
        row = await self._session.row(_THE_ONE, {"scope": str(scope)})
        return None if row is None else _SWITCH.one(row, self._met)

    async def save(self, switch: Switch) -> bool:
        """Write *switch* over version ``switch.version - 1``; return False if that is not there."""
        before = {"this": str(switch.scope), "before": switch.version - 1}
        return await self._session.run(_SAVE, {**before, **_moving(switch)}) == 1

    async def stopped(self) -> Sequence[Switch]:
        """Return what is stopped, first stop first; also what nobody can tell to be running."""
        return self._all_stopped(await self._session.rows(_STOPPED))

    def _all_stopped(self, rows: Sequence[Row]) -> Sequence[Switch]:
        # A scope that this version does not know covers nothing that it could hold: it is only named.
        known = [row for row in rows if _is_scope(row.scope) or _SWITCH.readable([row], self._met)]
        return sorted(map(self._or_stopped, known), key=_first_stop_first)

    @property
    def _met(self) -> Unreadables:
        return self._session.unreadable

    def _or_stopped(self, row: Row) -> Switch:
        try:
            return _SWITCH.one(row, self._met)
        except Unreadable:
            version = row.version if isinstance(row.version, int) else 1
            # One instant for all who ask: what was due before it timed out, what was due later is killed.
            since = row.aside_at if isinstance(row.aside_at, datetime) else self._session.now
            return in_doubt(scope_of(row.scope), since=since, version=version)


def _first_stop_first(switch: Switch) -> tuple[datetime, str]:
    at = datetime.max.replace(tzinfo=UTC) if switch.stop is None else switch.stop.at
    return at, str(switch.scope)


def _is_scope(stored: object) -> bool:
    try:
        return isinstance(stored, str) and scope_of(stored) is not None
    except InvalidConfiguration:
        return False


def _moving(switch: Switch) -> dict[str, object]:
    stop = switch.stop
    return {
        "stopped_by": stop.by if stop else None,
        "stopped_at": stop.at if stop else None,
        "reason": stop.reason if stop else None,
        "version": switch.version,
    }


def _switch(row: Row) -> Switch:
    if len({value is None for value in (row.stopped_by, row.stopped_at, row.reason)}) > 1:
        raise Misread("stopped_by", "does not fit to the rest of the stop")
    stop = None if row.stopped_at is None else Stop(by=row.stopped_by, at=row.stopped_at, reason=row.reason)
    return Switch(scope=scope_of(row.scope), stop=stop, version=row.version)


_SWITCH = Reading(switches, _switch, by="scope")
