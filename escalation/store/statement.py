"""A statement of SQLAlchemy Core, compiled once for each database and run by the driver itself.

SQLAlchemy builds the SQL and knows the types; running it through SQLAlchemy's asynchronous engine
would cost several times what the driver needs.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Dialect, Table, bindparam
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.pysqlite import dialect as pysqlite_dialect
from sqlalchemy.sql import ColumnElement, visitors
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.expression import BindParameter
from sqlalchemy.sql.selectable import Select
from sqlalchemy.types import TypeEngine

from escalation.store.tenancy import OfTenantInPostgresql, OfTenantInSqlite

#: One row as the driver gives it.
Raw: TypeAlias = Sequence[Any]
#: One row as a named tuple of the statement's columns: ``row.id``.
Row: TypeAlias = Any
Values: TypeAlias = Mapping[str, Any]
Construct: TypeAlias = Select[Any] | UpdateBase
_Converter: TypeAlias = Callable[[Any], Any]

DIALECTS: Mapping[str, Dialect] = {
    "postgresql": asyncpg_dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped
    "sqlite": pysqlite_dialect(),
}
DIALECTS["postgresql"].statement_compiler = OfTenantInPostgresql
DIALECTS["sqlite"].statement_compiler = OfTenantInSqlite


class Prepared:
    """One statement as one driver takes it."""

    def __init__(self, statement: Construct, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = compiled.string
        #: Of its parameters, in order.
        self.names = tuple(compiled.positiontup or ())
        self._pick = picker(self.names)
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._encoders = _positions(
            compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in self.names
        )
        columns = _columns(statement)
        self._named = _named_tuple([column.key or "" for column in columns])
        self._decoders = _positions(
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        )

    def arguments(self, values: Values) -> Sequence[Any]:
        """Return *values* by name in the statement's order, as the driver takes them."""
        picked = self._pick({**self._fixed, **values} if self._fixed else values)
        if not self._encoders:
            return picked
        arguments = list(picked)
        for position, encode in self._encoders:
            arguments[position] = encode(arguments[position])
        return arguments

    def rows(self, rows: Sequence[Raw]) -> Sequence[Row]:
        """Return the driver's *rows* with names, and as the statement's types say."""
        if not self._decoders:
            return list(map(self._named, rows))
        return [self._decode(row) for row in rows]

    def _decode(self, row: Raw) -> Row:
        decoded = list(row)
        for position, decode in self._decoders:
            decoded[position] = decode(decoded[position])
        return self._named(decoded)


class Statement:
    """One statement, in the words of each database."""

    def __init__(self, statement: Construct, *, for_sqlite: Construct | None = None) -> None:
        self._statements: Mapping[str, Construct] = {
            "postgresql": statement,
            "sqlite": statement if for_sqlite is None else for_sqlite,
        }
        self._prepared: dict[str, Prepared] = {}
        elements = list(visitors.iterate(statement))
        #: The tables it looks at or changes.
        self.tables = frozenset(element.name for element in elements if isinstance(element, Table))
        #: Whether it changes anything.
        self.writes = any(isinstance(element, UpdateBase) for element in elements)

    def prepared(self, dialect: str) -> Prepared:
        """Return it as *dialect* takes it."""
        found = self._prepared.get(dialect)
        if found is None:
            found = self._prepared[dialect] = Prepared(self._statements[dialect], DIALECTS[dialect])
        return found


def parameter(name: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """Return the parameter *name*."""
    return bindparam(name, type_=type_, required=True)


def picker(names: Sequence[str]) -> Callable[[Values], Sequence[Any]]:
    """Return what picks the values of *names*, in their order, out of values by name."""
    match names:
        case ():
            return lambda _: ()
        case (only,):
            return lambda values: (values[only],)
        case _:
            return itemgetter(*names)


def _columns(statement: Construct) -> Iterable[ColumnElement[Any]]:
    if isinstance(statement, Select):
        return list(statement.selected_columns)
    return list(statement.exported_columns)


def _positions(converters: Iterable[_Converter | None]) -> Sequence[tuple[int, _Converter]]:
    return [(index, convert) for index, convert in enumerate(converters) if convert is not None]


def _named_tuple(names: Sequence[str]) -> Callable[[Raw], Row]:
    # As fast to make as a tuple, and its columns are read by name; what has none is the only one.
    row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024  # its columns are known only now
    make: Callable[[Raw], Row] = row._make
    return make
