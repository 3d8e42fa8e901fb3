"""
Turns rows into values, in one place; a row that this version cannot read is named, and harms no other.

    row ──shape──▶ make ──▶ value
      ╲────────────╲──────▶ ``Unreadable``: its table, its key, and why; never what stands in it
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Table

from escalation.errors import EscalationError, Unreadable
from escalation.ports import Place, Unreadables
from escalation.store.statement import Row

T = TypeVar("T")
E = TypeVar("E")

#: What a row that is damaged, or of a newer version, makes of those who read it.
_MISREADINGS = (
    *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError),
    EscalationError,
)
_SAID = {str: "is no text", int: "is no number", datetime: "is no instant that this version can tell"}


class Damaged:
    """Stands where a value cannot even be decoded; it never shows what is stored there."""

    def __init__(self, stored: object) -> None:
        self.stored = stored


class Misread(ValueError):
    """A column that makes no sense to this version."""

    def __init__(self, column: str, problem: str) -> None:
        super().__init__(f"{column} {problem}")


class Shape:
    """The types that the columns of *table* have; those the database fills in are left out."""

    def __init__(self, table: Table) -> None:
        columns = [column for column in table.columns if column.identity is None]
        self._pick = attrgetter(*(column.key for column in columns))
        self._expected = [(column.key, column.type.python_type, bool(column.nullable)) for column in columns]
        # A row costs one look at the types of its values: there are few different shapes.
        self._known: set[tuple[type, ...]] = set()

    def check(self, row: Row) -> None:
        """Raise ``Misread`` unless each column of *row* has a type that it may have."""
        shape = tuple(map(type, self._pick(row)))
        if shape not in self._known:
            for found, (column, expected, nullable) in zip(shape, self._expected, strict=True):
                if found is type(None) and not nullable:
                    raise Misread(column, "is missing")
                if found not in {expected, type(None)}:
                    raise Misread(column, _SAID[expected])
            self._known.add(shape)


class Reading(Generic[T]):
    """How a row of *table*, known *by* a column, becomes a value: by *make*, from rows beside it as well."""

    def __init__(self, table: Table, make: Callable[..., T], *, by: str = "id") -> None:
        self._kind = table.name
        self._shape = Shape(table)
        self._make = make
        self._key = attrgetter(by)

    def one(self, row: Row, met: Unreadables, *beside: Sequence[Row]) -> T:
        """Return the value of *row*; raise ``Unreadable``, which *met* then knows as well."""
        # A row that is set aside was met before, and is not read until it is released.
        if (why := getattr(row, "aside", None)) is not None:
            raise Unreadable(self._kind, self._id(row), why)
        try:
            self._shape.check(row)
            return self._make(row, *beside)
        except _MISREADINGS as error:
            unreadable = Unreadable(self._kind, self._id(row), _why(error))
            met.add(unreadable)
            raise unreadable from error

    def readable(
        self, rows: Iterable[Row], met: Unreadables, beside: Callable[[Row], Sequence[Row]] | None = None
    ) -> list[T]:
        """Return the values of those *rows* that can be read; *met* then knows the others."""
        values = []
        for row in rows:
            try:
                values.append(self.one(row, met, *(() if beside is None else (beside(row),))))
            except Unreadable:
                continue
        return values

    def _id(self, row: Row) -> str:
        id_ = self._key(row)
        return id_ if isinstance(id_, str) else "(its key cannot be read)"


def known(values: Mapping[Any, E], stored: Any, column: str) -> E:
    """Return what *stored* in *column* stands for; raise ``Misread`` for what another version wrote."""
    found = values.get(stored)
    if found is None:
        raise Misread(column, "is none that this version knows")
    return found


def decoded(text: str, column: str, type_: type[E]) -> E:
    """Return the JSON *text* of *column*, which is a *type_*, or raise ``Misread``."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Misread(column, "is not JSON") from error
    if not isinstance(value, type_):
        raise Misread(column, "is not what this version writes there")
    return value


def last_place(places: Sequence[tuple[Any, Any]], before: Place) -> Place:
    """Return the last of *places* that can be told; the one *before* them if none can."""
    told = [(at, id_) for at, id_ in places if isinstance(at, datetime) and isinstance(id_, str)]
    return Place(at=told[-1][0], id=told[-1][1]) if told else before


def _why(error: Exception) -> str:
    # The message of any other error may quote what is stored.
    return str(error) if isinstance(error, Misread) else f"it makes no sense ({type(error).__name__})"
