"""The fence, in a database: the only row of its table, made by the migration."""

from sqlalchemy import update

from escalation.errors import StoreError
from escalation.ports.fence import InForce
from escalation.store import schema
from escalation.store.lookup import Lock, Lookup
from escalation.store.reading import Reading
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Name, fence

_THE_ROW = {"name": "fence"}
_READ = Lookup(fence, fence.c.name)
_SHARE = Lookup(fence, fence.c.name, lock=Lock.SHARED)
_VALUES = ("version", "seq", "refused", "epoch", "frozen", "record")
_SAVE = Statement(
    update(fence)
    .where(fence.c.name == parameter("this", Name))
    .values({name: parameter(name, fence.c[name].type) for name in _VALUES})
)


class SqlFence:
    """The fence as one transaction sees it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._shared: InForce | None = None

    async def read(self) -> InForce:
        """Return what it says, holding nothing."""
        return await self._find(_READ)

    async def share(self) -> InForce:
        """Return what it says and keep it from changing until this transaction ends."""
        if self._shared is None:
            self._shared = await self._find(_SHARE)
        return self._shared

    async def lock(self) -> InForce:
        """Return what it says; until this transaction ends nobody else decides by it or changes it."""
        await self._session.hold(fence)
        return await self._find(_READ)

    async def save(self, in_force: InForce) -> None:
        """Have it say *in_force*; this transaction holds it alone."""
        values = {
            "this": _THE_ROW["name"],
            "version": in_force.version,
            "seq": in_force.seq,
            "refused": in_force.refused,
            "epoch": in_force.epoch,
            "frozen": in_force.frozen,
            "record": in_force.record,
        }
        self._shared = None
        if await self._session.run(_SAVE, values) != 1:
            raise StoreError("the fence has no row")

    async def _find(self, lookup: Lookup) -> InForce:
        row = await self._session.row(lookup, _THE_ROW)
        if row is None:
            raise StoreError("the fence has no row")
        schema.compare(row.schema)
        return _FENCE.one(row, self._session.unreadable)


def _in_force(row: Row) -> InForce:
    return InForce(
        version=row.version,
        seq=row.seq,
        refused=row.refused,
        epoch=row.epoch,
        frozen=row.frozen,
        record=row.record,
    )


_FENCE = Reading(fence, _in_force, by="name")
