"""Many rows as parameters of one statement of PostgreSQL: an array a column, taken apart by ``unnest``."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import TableValuedAlias, column, func
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import String, Text, TypeEngine

from escalation.store.statement import DIALECTS, parameter


def rows_of(fields: Mapping[str, TypeEngine[Any]], *, prefix: str = "") -> TableValuedAlias:
    """Return a table of the rows whose columns are the parameters named like *fields*, after *prefix*."""
    arrays = (parameter(f"{prefix}{name}", postgresql.ARRAY(_plain(type_))) for name, type_ in fields.items())
    columns = (column(name, type_) for name, type_ in fields.items())
    name = f"{prefix}given"
    return func.unnest(*arrays).table_valued(*columns, name=name).render_derived(name=name)


def _plain(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    dialect = DIALECTS["postgresql"]
    found = type_.dialect_impl(dialect)
    if found.bind_processor(dialect) is not None:
        raise TypeError(f"the driver does not take {type_!r} as it is")
    # The order of a column's values is the column's affair: a parameter has none.
    return Text() if isinstance(found, String) else found


def transposed(rows: Sequence[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Return *rows* of *width* values column by column."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
