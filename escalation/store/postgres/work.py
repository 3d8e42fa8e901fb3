"""
What several transactions that share a commit ask of the database, merged into fewer statements.

    Look(lookup, keys)       ─▶ one statement for all the keys: ``= ANY``, or a join with ``unnest``
    Insert(insertion, row)   ─▶ one statement for all the rows, telling which of them it inserted
    Write(later)             ─▶ one statement for all the changes of everybody
    Fetch(statement, tenant) ─▶ the statement once: who asks the same gets the same answer
    other Fetch, Execute, Hold ─▶ each by itself

Values and pure functions: nothing here talks to a database.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from escalation.store.change import Arguments, Change, Insertion
from escalation.store.lookup import Key, Lookup
from escalation.store.session import Later
from escalation.store.statement import Row, Statement, Values
from escalation.store.tenancy import TENANT


@dataclass(frozen=True, slots=True)
class Look:
    """The rows of some keys; answered by those rows, in the order of their keys."""

    lookup: Lookup
    keys: Sequence[Key]


@dataclass(frozen=True, slots=True)
class Insert:
    """Rows to insert at once; answered by the primary keys of those that were."""

    insertion: Insertion
    rows: Sequence[Arguments]


@dataclass(frozen=True, slots=True)
class Write:
    """Changes that were saved up."""

    later: Later


@dataclass(frozen=True, slots=True)
class Fetch:
    """Any other question; answered by its rows."""

    statement: Statement
    values: Values


@dataclass(frozen=True, slots=True)
class Execute:
    """Any other change; answered by the number of rows it touched."""

    statement: Statement
    values: Values


@dataclass(frozen=True, slots=True)
class Hold:
    """A table to be held until the end."""

    table: str


Work: TypeAlias = Look | Insert | Write | Fetch | Execute | Hold


@dataclass(slots=True)
class Trip:
    """Work of several, which goes to the database as one; *parts* are whose work it was made of."""

    work: Work
    parts: list[int] = field(default_factory=list)


def plan(works: Sequence[Work]) -> list[Trip]:
    """Merge *works*, which nobody minds in which order they are done."""
    alike: dict[object, list[int]] = {}
    for number, work in enumerate(works):
        alike.setdefault(_likeness(work), []).append(number)
    return [Trip(_merged([works[number] for number in parts]), parts) for parts in alike.values()]


def shares(works: Sequence[Work], answer: Any) -> Sequence[Any]:
    """Return what *answer*, to *works* merged, is to each of them."""
    if len(works) == 1:
        return [answer]
    match works[0]:
        case Look(lookup=lookup):
            return _by_key(lookup, works, answer)
        case _:
            return [answer] * len(works)  # who inserted knows its own row by its key


def _likeness(work: Work) -> object:
    match work:
        case Look(lookup=statement) | Insert(insertion=statement):
            return statement
        case Fetch(statement=statement, values=values) if values.keys() == {TENANT}:
            return statement
        case Write():
            return Write
        case _:
            return id(work)


def _merged(works: Sequence[Any]) -> Work:
    first: Work = works[0]
    if len(works) == 1:
        return first
    match first:
        case Look(lookup=lookup):
            return Look(lookup, list({key for work in works for key in work.keys}))
        case Insert(insertion=insertion):
            return Insert(insertion, [row for work in works for row in work.rows])
        case Fetch():
            return first
        case _:
            return Write(together([work.later for work in works]))


def together(laters: Sequence[Later]) -> Later:
    """Return all the changes of *laters*: each one's rows in the order in which they came."""
    found: dict[Change, list[Arguments]] = {}
    for later in laters:
        for change, rows in later.items():
            found.setdefault(change, []).extend(rows)
    return found


def _by_key(lookup: Lookup, works: Sequence[Any], rows: Sequence[Row]) -> list[list[Row]]:
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault(lookup.key_of(row), []).append(row)
    # Keys of one work are asked for once each, in any order; their rows come in the keys' order.
    return [[row for key in sorted(work.keys) for row in found.get(key, ())] for work in works]
