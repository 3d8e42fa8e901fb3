"""The fence, in a database: one row a tenant, made when its first configuration is put in force."""

from collections.abc import Sequence

from sqlalchemy import column, insert, literal_column, select, table, update

from escalation.errors import StoreError
from escalation.ports.fence import InForce
from escalation.store import schema
from escalation.store.lookup import Lock, Lookup
from escalation.store.reading import Reading
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Name, fence
from escalation.store.tenancy import TENANT

_THE_ROW = {"name": "fence"}
_READ = Lookup(fence, fence.c.name)
_SHARE = Lookup(fence, fence.c.name, lock=Lock.SHARED)
#: The schema is the whole database's, whoever its rows belong to.
_REVISION = Statement(select(column("version_num", Name)).select_from(table("alembic_version")))
_ADD = Statement(
    insert(fence).values(
        tenant=parameter(TENANT, Name),
        name=parameter("name", Name),
        seq=parameter("seq", fence.c.seq.type),
        schema=parameter("schema", Name),
    )
)
_ANYBODYS = table("fence", column("tenant", Name), column("version", Name))
#: The one question that is about the others: whoever serves a new workspace has to know that they are there.
_OTHERS = Statement(
    select(_ANYBODYS.c.tenant)
    .where(_ANYBODYS.c.tenant != parameter(TENANT, Name), _ANYBODYS.c.version.is_not(None))
    .order_by(_ANYBODYS.c.tenant)
    .limit(literal_column("10"))
)
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

    async def others(self) -> Sequence[str]:
        """Return up to ten other tenants of this database for whom a configuration is in force."""
        return [row.tenant for row in await self._session.rows(_OTHERS)]

    async def lock(self) -> InForce:
        """Return what it says; until this transaction ends nobody else decides by it or changes it."""
        await self._session.hold(fence)
        if await self._session.row(_READ, _THE_ROW) is None:
            revision = await self._session.value(_REVISION)
            schema.compare(revision)
            await self._session.run(_ADD, {**_THE_ROW, "seq": InForce().seq, "schema": revision})
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
            # Nothing was ever put in force for this tenant: nothing is decided, so nothing has to be held.
            schema.compare(await self._session.value(_REVISION))
            return InForce()
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
