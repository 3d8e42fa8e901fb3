"""
Changes of several tables as one statement of PostgreSQL.

Few rows are its parameters, value by value: its shape is what one use case leaves behind. Many rows
are arrays, whose length changes no shape; but the driver takes longer over an array than over a value.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from sqlalchemy import CTE, ColumnElement, func, literal_column, select
from sqlalchemy.sql.dml import UpdateBase

from escalation.errors import StoreError
from escalation.store.arrays import transposed
from escalation.store.change import Arguments, Change
from escalation.store.session import Later
from escalation.store.statement import DIALECTS, Prepared
from escalation.store.tenancy import TENANT

#: Up to so many rows are few.
_FEW = 16
#: Rows change by change.
_Rows: TypeAlias = Sequence[Sequence[Arguments]]


class _Statement(Protocol):
    sql: str

    def arguments(self, rows: _Rows, tenant: str) -> Sequence[Any]:
        """Return *rows* and their *tenant* as the statement takes them."""
        ...


class Batch:
    """The changes of *later*, all of one *tenant*, as a statement and its arguments."""

    def __init__(self, later: Later, tenant: str) -> None:
        changes = sorted(later, key=lambda change: change.number)
        rows = [change.distinct(later[change]) for change in changes]
        shape = tuple((change, len(each)) for change, each in zip(changes, rows, strict=True))
        few = sum(count for _, count in shape) <= _FEW
        statement: _Statement = _few_rows(shape) if few else _many_rows(tuple(changes))
        self._expected = sum(count for change, count in shape if change.exact)
        self.sql = statement.sql
        self.arguments = statement.arguments(rows, tenant)

    def check(self, counts: Sequence[int]) -> None:
        """Raise ``StoreError`` unless each exact change found its row: *counts* is what was answered."""
        if sum(counts) != self._expected:
            raise StoreError("a row was changed by somebody else meanwhile; nothing was written")


class _FewRows:
    """One statement for changes of so many rows each."""

    def __init__(self, shape: Sequence[tuple[Change, int]]) -> None:
        places: dict[str, tuple[int, int, int]] = {}  # of each parameter: change, row and name
        parts: list[tuple[Change, UpdateBase]] = []
        for number, (change, count) in enumerate(shape):
            prefixes = [f"p{number}_{row}_" for row in range(count)]
            parts += [(change, statement) for statement in change.each(prefixes)]
            for row, prefix in enumerate(prefixes):
                places |= {f"{prefix}{name}": (number, row, at) for at, name in enumerate(change.names)}
        prepared = _joined(parts)
        self.sql = prepared.sql
        self._places = [None if name == TENANT else places[name] for name in prepared.names]

    def arguments(self, rows: _Rows, tenant: str) -> Sequence[Any]:
        """Return *rows* and their *tenant* as the statement takes them."""
        return [tenant if place is None else rows[place[0]][place[1]][place[2]] for place in self._places]


class _ManyRows:
    """One statement for changes of any number of rows."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._widths = [len(change.names) for change in changes]
        places = {
            f"p{number}_{name}": (number, at)
            for number, change in enumerate(changes)
            for at, name in enumerate(change.names)
        }
        prepared = _joined([(change, change.many(f"p{number}_")) for number, change in enumerate(changes)])
        self.sql = prepared.sql
        self._places = [None if name == TENANT else places[name] for name in prepared.names]

    def arguments(self, rows: _Rows, tenant: str) -> Sequence[Any]:
        """Return *rows* and their *tenant* as the statement takes them."""
        columns = [transposed(each, width) for each, width in zip(rows, self._widths, strict=True)]
        return [tenant if place is None else columns[place[0]][place[1]] for place in self._places]


#: There are few shapes: what use cases leave behind.
_few_rows = lru_cache(maxsize=512)(_FewRows)
_many_rows = lru_cache(maxsize=512)(_ManyRows)


def _joined(parts: Sequence[tuple[Change, UpdateBase]]) -> Prepared:
    riders: list[CTE] = []
    counts: list[ColumnElement[Any]] = []
    for number, (change, statement) in enumerate(parts):
        if change.exact:
            part = statement.returning(literal_column("1")).cte(f"part_{number}")
            counts.append(select(func.count()).select_from(part).scalar_subquery().label(f"count_{number}"))
        else:
            riders.append(statement.cte(f"part_{number}"))
    return Prepared(select(*counts or [literal_column("0")]).add_cte(*riders), DIALECTS["postgresql"])
