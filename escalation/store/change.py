"""
What happens to one row, or to many at once.

SQLite runs a change row by row. PostgreSQL takes any number of rows in one statement, as arrays: so
the changes of a transaction, and of those that share its commit, cost one trip over the network.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from itertools import count
from typing import Any, TypeAlias

from sqlalchemy import Table, TextClause, false, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import dml
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.types import TypeEngine

from escalation.store.arrays import rows_of
from escalation.store.statement import DIALECTS, Construct, Prepared, Statement, Values, parameter, picker
from escalation.store.tenancy import TENANT

Fields: TypeAlias = Mapping[str, TypeEngine[Any]]
#: A row's values, in the order of a change's names.
Arguments: TypeAlias = Sequence[Any]
#: The same by name, as expressions: parameters, or the columns of a table of them.
Given: TypeAlias = Mapping[str, Any] | ReadOnlyColumnCollection[str, Any]


class Change(Statement, ABC):
    """What happens to the row that its values name; *fields* are those values and their types."""

    _numbers = count()
    #: Whether the row must be there as it is expected, or else the whole transaction fails.
    exact = False

    def __init__(self, fields: Fields, *, for_sqlite: Construct) -> None:
        self.number = next(self._numbers)  #: Sorts changes: in one order everywhere.
        self.names = tuple(fields)
        #: Picks a row's arguments out of values by name.
        self.pick: Callable[[Values], Arguments] = picker(self.names)
        self._fields = fields
        (one,) = self.each([""])
        super().__init__(one, for_sqlite=for_sqlite)

    @abstractmethod
    def each(self, prefixes: Sequence[str]) -> Sequence[dml.UpdateBase]:
        """Return PostgreSQL's statements for a row of parameters after each of *prefixes*."""

    @abstractmethod
    def many(self, prefix: str = "") -> dml.UpdateBase:
        """Return PostgreSQL's statement for many rows: arrays named like the fields, after *prefix*."""

    def distinct(self, rows: Sequence[Arguments]) -> Sequence[Arguments]:
        """Return *rows* without those that one statement must not hold beside each other."""
        return rows


class Otherwise(Enum):
    """What an insertion does where there is such a row already."""

    SKIP = "skip"  #: Nothing.
    HOLD = "hold"  #: Hold that row until the end: nobody else changes it, nor takes it as it was.
    REPLACE = "replace"
    RENEW = "renew"  #: Give that row the new one's *renewed* columns, and hold it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Where a row is one too many, and what is done then."""

    columns: Sequence[str]
    where: TextClause | None = None
    then: Otherwise = Otherwise.SKIP
    renewed: Sequence[str] = ()


class Insertion(Change):
    """The insertion of a whole row, but for what the database fills in."""

    def __init__(self, table: Table, conflict: Conflict | None = None) -> None:
        self._table = table
        self._conflict = conflict
        fields = {column.key: column.type for column in table.columns if column.identity is None}
        row = _parameters(fields)
        super().__init__(fields, for_sqlite=_on_conflict(sqlite.insert(table).values(row).inline(), conflict))

    def each(self, prefixes: Sequence[str]) -> Sequence[postgresql.Insert]:
        """Return one statement of PostgreSQL for a row of parameters after each of *prefixes*."""
        rows = [_parameters(self._fields, prefix) for prefix in prefixes]
        return [_on_conflict(postgresql.insert(self._table).values(rows).inline(), self._conflict)]

    def many(self, prefix: str = "") -> postgresql.Insert:
        """Return PostgreSQL's statement for many rows."""
        given = rows_of(self._fields, prefix=prefix)
        columns = [self._table.c[name] for name in self._fields]
        rows = select(*(given.c[name] for name in self._fields))
        found: postgresql.Insert = _on_conflict(
            postgresql.insert(self._table).from_select(columns, rows), self._conflict
        )
        return found

    @cached_property
    def asking_one(self) -> Prepared:
        """PostgreSQL's statement for one row, telling its primary key if it was inserted."""
        (one,) = self.each([""])
        return Prepared(one.returning(*self._table.primary_key.columns), DIALECTS["postgresql"])

    @cached_property
    def asking_many(self) -> Prepared:
        """PostgreSQL's statement for many rows, telling the primary keys of those that were inserted."""
        return Prepared(self.many().returning(*self._table.primary_key.columns), DIALECTS["postgresql"])

    @cached_property
    def key_of(self) -> Callable[[Arguments], Arguments]:
        """Reads the primary key of a row's arguments."""
        return self._reader([column.key for column in self._table.primary_key.columns])

    def distinct(self, rows: Sequence[Arguments]) -> Sequence[Arguments]:
        """
        Return one row for each place that it can take, in the order of those places.

        One order everywhere: of those who wait for a row of each other, nobody waits in a circle.
        """
        if self._conflict is None:
            return rows
        first_wins = self._conflict.then is not Otherwise.REPLACE
        taken = {self._place_of(row): row for row in (reversed(rows) if first_wins else rows)}
        return [taken[place] for place in sorted(taken, key=str)]

    @cached_property
    def _place_of(self) -> Callable[[Arguments], Arguments]:
        read, key_of = self._reader([] if self._conflict is None else self._conflict.columns), self.key_of

        def place_of(row: Arguments) -> Arguments:
            place = read(row)
            # NULLs are never equal: a row with one conflicts with none, and stands for itself.
            return ("", *key_of(row)) if None in place else place

        return place_of

    def _reader(self, names: Sequence[str]) -> Callable[[Arguments], Arguments]:
        places = [self.names.index(name) for name in names]
        return lambda row: tuple(row[place] for place in places)


class RowUpdate(Change):
    """
    A change that *build* makes of the values *fields*.

    An *exact* one finds the row that it changes, or else the whole transaction fails.
    """

    def __init__(
        self, build: Callable[[Given], dml.Update | dml.Delete], fields: Fields, *, exact: bool = False
    ) -> None:
        self._build = build
        self.exact = exact
        super().__init__(fields, for_sqlite=build(_parameters(fields)))

    def each(self, prefixes: Sequence[str]) -> Sequence[dml.Update | dml.Delete]:
        """Return a statement for the row of parameters after each of *prefixes*."""
        return [self._build(_parameters(self._fields, prefix)) for prefix in prefixes]

    def many(self, prefix: str = "") -> dml.Update | dml.Delete:
        """Return PostgreSQL's statement for many rows."""
        return self._build(rows_of(self._fields, prefix=prefix).c)


def _parameters(fields: Fields, prefix: str = "") -> dict[str, Any]:
    return {name: parameter(f"{prefix}{name}", type_) for name, type_ in fields.items()}


def _on_conflict(insert: Any, conflict: Conflict | None) -> Any:
    # Both dialects say it alike, but have no type for it in common.
    if conflict is None:
        return insert
    at: dict[str, Any] = {"index_elements": conflict.columns, "index_where": conflict.where}
    others = [column for column in insert.table.columns if column.key not in conflict.columns]
    # Ids are nobody's secret: who names the row of another tenant changes nothing of it.
    mine = insert.table.c[TENANT] == insert.excluded[TENANT]
    match conflict.then:
        case Otherwise.REPLACE:
            new = {column.name: insert.excluded[column.key] for column in others}
            return insert.on_conflict_do_update(**at, set_=new, where=mine)
        case Otherwise.RENEW:
            renewed = {insert.table.c[name].name: insert.excluded[name] for name in conflict.renewed}
            return insert.on_conflict_do_update(**at, set_=renewed, where=mine)
        case Otherwise.HOLD if isinstance(insert, postgresql.Insert):
            same = {name: insert.table.c[name] for name in conflict.columns}
            # Where nothing is to be changed the row is held all the same.
            return insert.on_conflict_do_update(**at, set_=same, where=false())
        case _:
            # In SQLite nobody else writes meanwhile: there is nobody to hold it against.
            return insert.on_conflict_do_nothing(**at)
