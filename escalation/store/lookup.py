"""Rows found by a key: by one, or in one statement by as many keys as are asked for."""

import json
from collections.abc import Callable, Collection, Hashable, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any, TypeAlias

from sqlalchemy import Column, ColumnElement, Select, Table, and_, any_, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import NULLTYPE, Text, TypeDecorator

from escalation.store.arrays import rows_of, transposed
from escalation.store.statement import Row, Statement, Values, parameter

#: Of one column the value itself, of several the tuple of them.
Key: TypeAlias = Hashable


class Lock(Enum):
    """How rows are held until the end of the transaction."""

    SHARED = "shared"  #: Others may share them, and nobody changes them.
    ALONE = "alone"


class Lookup(Statement):
    """
    The rows of *table* whose columns *by* have the values given; *only* those that fulfil a condition.

    With *lock* they are held, and taken in the order of their keys: in the same order everywhere, so
    that nobody waits in a circle. *order* tells rows of one key apart; *also* are columns beside theirs.
    """

    def __init__(
        self,
        table: Table,
        *by: Column[Any],
        only: ColumnElement[bool] | None = None,
        order: Column[Any] | None = None,
        lock: Lock | None = None,
        also: Sequence[ColumnElement[Any]] = (),
    ) -> None:
        self.by = tuple(column.key for column in by)
        one = select(table).where(*(column == parameter(column.key, column.type) for column in by))
        many = _by_one(table, by[0]) if len(by) == 1 else _by_several(table, by)
        many = many.order_by(*by)
        if also:
            one, many = one.add_columns(*also), many.add_columns(*also)
        if only is not None:
            one, many = one.where(only), many.where(only)
        if order is not None:
            one, many = one.order_by(order), many.order_by(order)
        if lock is not None:
            shared = lock is Lock.SHARED
            one = one.with_for_update(read=shared)
            many = many.with_for_update(read=shared, of=table)
        super().__init__(one)
        #: The same for many keys at once.
        self.many = Statement(many)
        #: Reads the key of a row.
        self.key_of: Callable[[Row], Key] = attrgetter(*self.by)

    def key(self, values: Values) -> Key:
        """Return the key among *values* by name."""
        return values[self.by[0]] if len(self.by) == 1 else tuple(values[name] for name in self.by)

    def values_of_one(self, key: Any) -> dict[str, Any]:
        """Return what the statement for one *key* takes, by name."""
        return dict(zip(self.by, (key,) if len(self.by) == 1 else key, strict=True))

    def values_of_many(self, keys: Sequence[Any]) -> dict[str, Any]:
        """Return what PostgreSQL's statement for many *keys* takes, by name: one array a column."""
        columns = [keys] if len(self.by) == 1 else transposed(keys, len(self.by))
        return dict(zip(self.by, columns, strict=True))


def _by_one(table: Table, column: Column[Any]) -> Select[Any]:
    return select(table).where(Among(column, column.key))


def _by_several(table: Table, by: Sequence[Column[Any]]) -> Select[Any]:
    # Only PostgreSQL is ever asked so: nowhere else do several ask at once.
    given = rows_of({column.key: column.type for column in by})
    return select(table).join(given, and_(*(column == given.c[column.key] for column in by)))


class _Json(TypeDecorator[Collection[str]]):
    """Several names as one JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[str] | None, dialect: Any) -> str:  # noqa: ARG002
        return json.dumps(list(value or ()))


class Among(ColumnElement[Any]):
    """Whether *column* is one of the names in the parameter *name*, however many they are."""

    inherit_cache = False
    # Called a boolean, SQLite would compare it to 1, and use no index for it.
    type = NULLTYPE

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.name = name


@compiles(Among, "postgresql")
def _among_in_postgresql(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    names = parameter(element.name, postgresql.ARRAY(Text))
    return compiler.process(element.column == any_(names), **options)


@compiles(Among, "sqlite")
def _among_in_sqlite(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    values = func.json_each(parameter(element.name, _Json())).table_valued("value")
    return compiler.process(element.column.in_(select(values.c.value)), **options)
