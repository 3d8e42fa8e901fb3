"""The kill switches, in a database: one row per scope."""

from collections.abc import Collection, Sequence

from sqlalchemy import Integer, select, update

from escalation.errors import StoreError
from escalation.store.change import Conflict, Insertion
from escalation.store.lookup import Lock, Lookup
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
_FIRST_STOP_FIRST = (
    select(switches)
    .where(switches.c.stopped_at.is_not(None))
    .order_by(switches.c.stopped_at, switches.c.scope)
)
_STOPPED = Statement(_FIRST_STOP_FIRST)
#: Whether or not something is stopped, it takes the table's shared lock, and moving a switch takes
#: the table alone: so what it does not find does not come either until the transaction ends.
_SHARE_STOPPED = Statement(_FIRST_STOP_FIRST.with_for_update(read=True))


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
        return [_switch(row) for row in rows]

    async def share_stopped(self) -> Sequence[Switch]:
        """Return what is stopped, first stop first, and keep every switch from moving until the end."""
        return [_switch(row) for row in await self._session.rows(_SHARE_STOPPED)]

    async def lock(self, scope: Scope) -> Switch | None:
        """Return the switch and keep others from reading it for a claim, or moving it."""
        await self._session.hold(switches)
        row = await self._session.row(_THE_ONE, {"scope": str(scope)})
        return None if row is None else _switch(row)

    async def save(self, switch: Switch) -> bool:
        """Write *switch* over version ``switch.version - 1``; return False if that is not there."""
        before = {"this": str(switch.scope), "before": switch.version - 1}
        return await self._session.run(_SAVE, {**before, **_moving(switch)}) == 1

    async def stopped(self) -> Sequence[Switch]:
        """Return what is stopped, first stop first."""
        return [_switch(row) for row in await self._session.rows(_STOPPED)]


def _moving(switch: Switch) -> dict[str, object]:
    stop = switch.stop
    return {
        "stopped_by": stop.by if stop else None,
        "stopped_at": stop.at if stop else None,
        "reason": stop.reason if stop else None,
        "version": switch.version,
    }


def _switch(row: Row) -> Switch:
    stop = None if row.stopped_at is None else Stop(by=row.stopped_by, at=row.stopped_at, reason=row.reason)
    return Switch(scope=scope_of(row.scope), stop=stop, version=row.version)
