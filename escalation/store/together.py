"""Several small changes as one statement of PostgreSQL: one trip over the network instead of one each."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy.sql.dml import UpdateBase

from escalation.store.statement import DIALECTS, Insertion, Prepared, Statement

#: More rows than this are not small: they go as one batch a statement.
MOST = 16
Arguments: TypeAlias = Sequence[Any]


class Together:
    """Some insertions, and at most one other change that carries them, in one statement."""

    def __init__(self, insertions: Sequence[tuple[Insertion, int]], carrier: Statement | None) -> None:
        parts: list[UpdateBase] = []
        places: dict[str, tuple[int, int, int]] = {}  # of each parameter: part, row and argument
        for number, (insertion, count) in enumerate(insertions):
            prefixes = [f"p{number}_{row}_" for row in range(count)]
            parts.append(insertion.of_rows(prefixes))
            for row, prefix in enumerate(prefixes):
                places |= {f"{prefix}{name}": (number, row, at) for at, name in enumerate(_names(insertion))}
        if carrier is not None:
            places |= {name: (len(parts), 0, at) for at, name in enumerate(_names(carrier))}
        last = parts.pop() if carrier is None else carrier.change
        riders = [part.cte(f"part_{number}") for number, part in enumerate(parts)]
        prepared = Prepared(last.add_cte(*riders), DIALECTS["postgresql"])
        self.sql = prepared.sql
        self._places = [places[name] for name in prepared.names]

    def arguments(self, rows: Sequence[Sequence[Arguments]]) -> Arguments:
        """Return the arguments of all *rows*, part by part, in this statement's order."""
        return [rows[part][row][at] for part, row, at in self._places]


#: There are few shapes: what one use case leaves behind.
together = lru_cache(maxsize=512)(Together)


def can_carry(statement: Statement) -> bool:
    """Return whether insertions can ride on *statement*: a change of one row that it names."""
    return not isinstance(statement, Insertion) and statement.prepared("postgresql").takes_all_from_outside


def _names(statement: Statement) -> Sequence[str]:
    return statement.prepared("postgresql").names
