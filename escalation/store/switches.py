"""The kill switches, in a database: one row per scope."""

from collections.abc import Collection, Sequence

from sqlalchemy import Integer, select, update

from escalation.errors import InvalidConfiguration, StoreError, Unreadable
from escalation.ids import PersonId
from escalation.ports import Unreadables
from escalation.store.change import Conflict, Insertion
from escalation.store.lookup import Lock, Lookup
from escalation.store.reading import Misread, Reading
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Name, switches
from escalation.switch import Scope, Stop, Switch
from escalation.switch import scope as scope_of

_CHANGING = ("stopped_by", "stopped_at", "reason", "version")
_THIS = switches.c.scope == parameter("this", Name)

_ENSURE = Insertion(switches, Conflict(columns=["scope"]))
#: In one order everywhere, so that two claims and a stop never wait for each other in a circle.
_SHARE = Lookup(switches, switches.c.scope, lock=Lock.SHARED)
_THE_ONE = Lookup(switches, switches.c.scope)
_SAVE = Statement(
    update(switches)
    .where(_THIS, switches.c.version == parameter("before", Integer()))
    .values({name: parameter(name, switches.c[name].type) for name in _CHANGING})
)
_STOPPED = Statement(select(switches).where(switches.c.stopped_at.is_not(None)).order_by(switches.c.scope))


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
        """Return the switches that are stopped, by scope."""
        rows = await self._session.rows(_STOPPED)
        # A scope that this version does not know covers nothing that it could hold: it is only named.
        named = [row for row in rows if _is_scope(row.scope) or _SWITCH.readable([row], self._met)]
        return [self._or_stopped(row) for row in named]

    @property
    def _met(self) -> Unreadables:
        return self._session.unreadable

    def _or_stopped(self, row: Row) -> Switch:
        # Nobody can tell whether it was let go of: what it covers stands still until somebody can.
        try:
            return _SWITCH.one(row, self._met)
        except Unreadable:
            stop = Stop(by=PersonId("nobody"), at=self._session.now, reason="its switch cannot be read")
            return Switch(scope=scope_of(row.scope), stop=stop)


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
