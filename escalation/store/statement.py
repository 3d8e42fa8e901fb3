"""A statement of SQLAlchemy Core, compiled once for each database and run by the driver itself.

SQLAlchemy builds the SQL and knows the types; running it through SQLAlchemy's asynchronous engine
would cost several times what the driver needs.
"""

import json
from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Column, Dialect, Table, TextClause, any_, bindparam, false, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.dialects.sqlite.pysqlite import dialect as pysqlite_dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement, visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.expression import BindParameter
from sqlalchemy.sql.selectable import Select
from sqlalchemy.types import NULLTYPE, Text, TypeDecorator, TypeEngine

#: One row as the driver gives it.
Raw: TypeAlias = Sequence[Any]
#: One row as a named tuple of the statement's columns: ``row.id``.
Row: TypeAlias = Any
Values: TypeAlias = Mapping[str, Any]
Construct: TypeAlias = Select[Any] | UpdateBase
_Fields: TypeAlias = dict[str, BindParameter[Any]]
_Fill: TypeAlias = Callable[[Sequence[_Fields]], UpdateBase]
_Converter: TypeAlias = Callable[[Any], Any]

DIALECTS: Mapping[str, Dialect] = {
    "postgresql": asyncpg_dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy left it untyped
    "sqlite": pysqlite_dialect(),
}


class Prepared:
    """One statement as one driver takes it."""

    def __init__(self, statement: Construct, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self.sql = compiled.string
        #: Of its parameters, in order.
        self.names = tuple(compiled.positiontup or ())
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._encoders = _positions(
            compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in self.names
        )
        columns = _columns(statement)
        self._named = _named_tuple([column.key or "" for column in columns])
        self._decoders = _positions(
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns
        )

    @property
    def takes_all_from_outside(self) -> bool:
        """Whether it has no values of its own."""
        return not self._fixed

    def arguments(self, values: Values) -> Sequence[Any]:
        """Return *values* by name in the statement's order, as the driver takes them."""
        fixed = self._fixed
        arguments = [values[name] if name in values else fixed[name] for name in self.names]
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

    @property
    def change(self) -> UpdateBase:
        """PostgreSQL's words for it, to build a larger change on; raises ``TypeError`` for a question."""
        change = self._statements["postgresql"]
        if not isinstance(change, UpdateBase):
            raise TypeError(f"{change} changes nothing")
        return change

    def prepared(self, dialect: str) -> Prepared:
        """Return it as *dialect* takes it."""
        found = self._prepared.get(dialect)
        if found is None:
            found = self._prepared[dialect] = Prepared(self._statements[dialect], DIALECTS[dialect])
        return found


class Insertion(Statement):
    """The insertion of one whole row, but for what the database fills in; or of several at once."""

    def __init__(self, table: Table, *, in_postgresql: _Fill, in_sqlite: _Fill) -> None:
        row = _row(table)
        super().__init__(in_postgresql([row]), for_sqlite=in_sqlite([row]))
        self._table = table
        self._fill = in_postgresql

    def of_rows(self, prefixes: Sequence[str]) -> UpdateBase:
        """Return PostgreSQL's insertion of one row for each of *prefixes*, before its parameters' names."""
        return self._fill([_row(self._table, prefix) for prefix in prefixes])


def insert(table: Table) -> Insertion:
    """Return the insertion of a row into *table*."""
    return Insertion(
        table,
        in_postgresql=lambda rows: postgresql.insert(table).values(rows).inline(),
        in_sqlite=lambda rows: sqlite.insert(table).values(rows).inline(),
    )


def insert_or_hold(table: Table, columns: Sequence[str], *, where: TextClause) -> Insertion:
    """Return the insertion of a row that, where *columns* conflict, holds the row that is there.

    Until the end of the transaction nobody else changes that row, nor takes it as it was before.
    """
    same = {columns[0]: table.c[columns[0]]}
    return Insertion(
        table,
        in_postgresql=lambda rows: (
            postgresql.insert(table)
            .values(rows)
            # Where nothing is to be changed the row is held all the same.
            .on_conflict_do_update(index_elements=columns, index_where=where, set_=same, where=false())
        ),
        # There, nobody else writes meanwhile.
        in_sqlite=lambda rows: (
            sqlite.insert(table)
            .values(rows)
            .on_conflict_do_nothing(index_elements=columns, index_where=where)
        ),
    )


def insert_unless_there(
    table: Table, columns: Sequence[str], *, where: TextClause | None = None
) -> Insertion:
    """Return the insertion of a row that does nothing where *columns* conflict."""
    return Insertion(
        table,
        in_postgresql=lambda rows: (
            postgresql.insert(table)
            .values(rows)
            .on_conflict_do_nothing(index_elements=columns, index_where=where)
        ),
        in_sqlite=lambda rows: (
            sqlite.insert(table)
            .values(rows)
            .on_conflict_do_nothing(index_elements=columns, index_where=where)
        ),
    )


def insert_or_replace(table: Table, key: str) -> Statement:
    """Return the insertion of one row that takes the place of the row with the same *key*."""
    row = _row(table)
    in_postgresql, in_sqlite = postgresql.insert(table).values(row), sqlite.insert(table).values(row)
    others = [column.key for column in table.columns if column.key != key]
    return Statement(
        in_postgresql.on_conflict_do_update(
            index_elements=[key], set_={name: in_postgresql.excluded[name] for name in others}
        ),
        for_sqlite=in_sqlite.on_conflict_do_update(
            index_elements=[key], set_={name: in_sqlite.excluded[name] for name in others}
        ),
    )


def parameter(name: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
    """Return the parameter *name*."""
    return bindparam(name, type_=type_, required=True)


class _Json(TypeDecorator[Collection[str]]):
    """Several names as one JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> str:  # noqa: ARG002
        return json.dumps(list(value or ()))


class Among(ColumnElement[Any]):
    """Whether *column* is one of the names in the parameter *name*, however many they are."""

    inherit_cache = False
    # Called a boolean, SQLite would compare it to 1, and use no index for it.
    type = NULLTYPE

    def __init__(self, column: Column[Any], name: str) -> None:
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


def _row(table: Table, prefix: str = "") -> _Fields:
    columns = (column for column in table.columns if column.identity is None)
    return {column.key: parameter(f"{prefix}{column.key}", column.type) for column in columns}


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
