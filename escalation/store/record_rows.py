"""The record's rows as entries: read so that no row, whatever it holds, ends in an error."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, Text, cast, false, func, literal_column, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from escalation.audit import Entry, Event, Link, Seal, Stored
from escalation.commitment import Disclosure
from escalation.ids import EventId
from escalation.store.reading import Damaged
from escalation.store.statement import Row, Statement
from escalation.store.tables import audit_events, audit_links

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT = audit_events.c.at
_REST = [column for column in audit_events.columns if column.name != "at"]
#: Microseconds since 1970 as the row has them: a driver that made an instant of them could fail.
_RAW_AT: Mapping[str, ColumnElement[Any]] = {
    "postgresql": cast(func.trunc(func.extract("epoch", _AT) * 1_000_000), Text).label("at"),
    "sqlite": type_coerce(_AT, Text()).label("at"),
}


class _NoKey(ColumnElement[bool]):
    """Whether an event's key is no text. SQLite keeps whatever somebody writes there."""

    inherit_cache = True
    type = Boolean()


@compiles(_NoKey, "sqlite")
def _no_key_in_sqlite(_: _NoKey, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(func.typeof(audit_events.c.id) != literal_column("'text'"), **options)


@compiles(_NoKey, "postgresql")
def _no_key_in_postgresql(_: _NoKey, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(false(), **options)


NO_KEY = _NoKey()
#: A link beside an event, whose columns have the same names.
LINK = [
    audit_links.c.seq,
    audit_links.c.event,
    audit_links.c.hash,
    audit_links.c.position.label("linked_position"),
]


def statement(build: Callable[[Sequence[ColumnElement[Any]]], Select[Any]]) -> Statement:
    """Return the statement that *build* makes of the columns of an event."""
    return Statement(build([*_REST, _RAW_AT["postgresql"]]), for_sqlite=build([*_REST, _RAW_AT["sqlite"]]))


def values_of_event(event: Event) -> dict[str, Any]:
    """Return the row of *event*."""
    return {
        "id": event.id,
        "at": event.at,
        "name": event.name.value,
        "actor": event.actor,
        "subject": event.subject,
        "agent": event.agent,
        "data": event.data,
    }


def stored(row: Row) -> Stored:
    """Return the event in *row*."""
    at = _instant(row.at)
    return Stored(
        position=row.position,
        id=EventId(_as_text(row.id)),
        at=at,
        name=_as_text(row.name),
        actor=_as_text(row.actor),
        subject=_as_text(row.subject),
        agent=None if row.agent is None else _as_text(row.agent),
        data=_as_text(row.data),
        no_instant=None if at is not None else _as_text(row.at),
    )


def entry(row: Row, texts: Mapping[str, Sequence[Disclosure]]) -> Entry:
    """Return the link, the event and the *texts* of *row*, as far as there are any."""
    return Entry(
        event=None if row.id is None else stored(row),
        link=None if row.seq is None else linked(row),
        before=row.before,
        waits=row.waiting is not None,
        texts=tuple(texts.get(row.id, ())),
    )


def linked(row: Row) -> Link:
    """Return the link beside the event in *row*."""
    return Link(seq=row.seq, event=row.event, hash=row.hash, position=row.linked_position)


def link(row: Row) -> Link:
    """Return the link that *row* is."""
    return Link(seq=row.seq, event=row.event, hash=row.hash, position=row.position)


def seal(row: Row) -> Seal:
    """Return the seal in *row*."""
    return Seal(seq=row.seq, hash=row.hash, at=row.at)


def values_of_text(text: Disclosure) -> dict[str, Any]:
    """Return the row of *text*."""
    return {"event": text.event, "field": text.field, "salt": text.salt, "text": text.text}


def text(row: Row) -> Disclosure:
    """Return the text in *row*."""
    salt, words = _as_text(row.salt), _as_text(row.text)
    return Disclosure(event=row.event, field=_as_text(row.field), salt=salt, text=words)


def _as_text(value: object) -> str:
    # A text in the database, or else in words with a NUL, which is in no event's text.
    match value:
        case str():
            return value
        case Damaged(stored=stored):
            return _as_text(stored)
        case bytes():
            return f"\0bytes {value.hex()}"
        case _:
            return f"\0{type(value).__name__} {value}"


def _instant(microseconds: object) -> datetime | None:
    if not isinstance(microseconds, int | str):
        return None
    try:
        return _EPOCH + timedelta(microseconds=int(microseconds))
    except (ValueError, OverflowError):
        return None
