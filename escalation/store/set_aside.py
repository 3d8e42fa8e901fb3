"""What is set aside, in a database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    ScalarSelect,
    Table,
    delete,
    func,
    literal_column,
    select,
)

from escalation.ports import Aside
from escalation.store.change import Conflict, Insertion
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Name, set_aside

_ADD = Insertion(set_aside, Conflict(columns=["tenant", "kind", "id"]))
_ALL = Statement(
    select(set_aside)
    .order_by(set_aside.c.at, set_aside.c.kind, set_aside.c.id)
    .limit(parameter("limit", Integer()))
)
_OF = Statement(select(set_aside).where(set_aside.c.id == parameter("id", Name)).order_by(set_aside.c.kind))
_REMOVE = Statement(
    delete(set_aside).where(
        set_aside.c.kind == parameter("this_kind", Name), set_aside.c.id == parameter("this_id", Name)
    )
)


class SqlSetAside:
    """What is set aside, in one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, aside: Aside) -> bool:
        """Set it aside; return False if it is so already."""
        values = {"kind": aside.kind, "id": aside.id, "why": aside.why, "at": aside.at}
        return await self._session.insert(_ADD, values)

    async def all(self, limit: int) -> Sequence[Aside]:
        """Return what is set aside, the oldest first."""
        return [_aside(row) for row in await self._session.rows(_ALL, {"limit": limit})]

    async def of(self, id_: str) -> Sequence[Aside]:
        """Return what of this key is set aside, of whichever table."""
        return [_aside(row) for row in await self._session.rows(_OF, {"id": id_})]

    async def remove(self, aside: Aside) -> bool:
        """Release it; return False if it is not set aside any more."""
        return await self._session.run(_REMOVE, {"this_kind": aside.kind, "this_id": aside.id}) == 1


def _aside(row: Row) -> Aside:
    return Aside(kind=row.kind, id=row.id, why=row.why, at=row.at)


def not_aside(table: Table, key: Column[Any]) -> ColumnElement[bool]:
    """Return the condition that a row of *table*, known by its *key*, is not set aside."""
    # As a value, and unlike another one: PostgreSQL would join what merely has to exist, takes a value for
    # hardly ever missing, and either way would give up the index that it ought to walk.
    kind = func.coalesce(_of(set_aside.c.kind, table, key), literal_column("''"))
    return kind != literal_column(f"'{table.name}'")


def why_aside(table: Table, key: Column[Any]) -> ColumnElement[Any]:
    """Return the column ``aside``: why a row of *table* is set aside, if it is."""
    return _of(set_aside.c.why, table, key).label("aside")


def aside_since(table: Table, key: Column[Any]) -> ColumnElement[Any]:
    """Return the column ``aside_at``: since when a row of *table* is set aside, if it is."""
    return _of(set_aside.c.at, table, key).label("aside_at")


def _of(column: Column[Any], table: Table, key: Column[Any]) -> ScalarSelect[Any]:
    this_kind = set_aside.c.kind == literal_column(f"'{table.name}'")
    return select(column).where(this_kind, set_aside.c.id == key).scalar_subquery()
