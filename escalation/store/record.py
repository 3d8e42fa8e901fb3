"""The audit record, in a database. Rows are only ever added; triggers refuse anything else."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Integer, func, literal_column, select

from escalation.action import Json
from escalation.audit import Event, EventName, Link, Seal, UnknownName, UnreadEvent, instant
from escalation.errors import Unreadable
from escalation.ids import EventId
from escalation.store.change import Insertion
from escalation.store.reading import Damaged, Reading
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import (
    Name,
    audit_events,
    audit_links,
    audit_seals,
    audit_unlinked,
    grants,
    requests,
)

_NAMES = {name.value: name for name in EventName}
#: How many links are read at once on a walk.
_STRIDE = 1000
#: PostgreSQL's advisory lock of the one who links events.
_HOLD_KEY = 0x616E_646F_6E01
#: Characters of an event that can be linked whatever they are.
_SURELY_FITS = 64 * 1024
_LIMIT = parameter("limit", Integer())
_EVENT = [column for column in audit_events.columns if column.name != "position"]

_ADD = Insertion(audit_events)
_UNLINKED = Statement(
    select(*_EVENT)
    .join(audit_unlinked, audit_unlinked.c.position == audit_events.c.position)
    .order_by(audit_unlinked.c.position)
    .limit(_LIMIT)
)
_GET = Statement(select(*_EVENT).where(audit_events.c.id == parameter("id", Name)))
_COUNT_UNLINKED = Statement(select(func.count()).select_from(audit_unlinked))
_HOLD = Statement(select(func.pg_try_advisory_xact_lock(_HOLD_KEY)))
_LAST_LINK = Statement(select(audit_links).order_by(audit_links.c.seq.desc()).limit(1))
_ADD_LINK = Insertion(audit_links)
_ADD_SEAL = Insertion(audit_seals)
_LAST_SEAL = Statement(select(audit_seals).order_by(audit_seals.c.seq.desc()).limit(1))
_SEALS = Statement(select(audit_seals).order_by(audit_seals.c.seq))
_WALK = Statement(
    select(audit_links, *_EVENT)
    .outerjoin(audit_events, audit_events.c.id == audit_links.c.event)
    .where(audit_links.c.seq > parameter("after", BigInteger()))
    .order_by(audit_links.c.seq)
    .limit(literal_column(str(_STRIDE)))  # a parameter would be planned as a tenth of the record
)
_GRANT_OF = Statement(select(grants.c.id).where(grants.c.request == parameter("request", Name)))
_FOLLOW_OF = Statement(select(requests.c.follow).where(requests.c.id == parameter("request", Name)))


@cache
def _page(filters: frozenset[str]) -> Statement:
    page = select(*_EVENT, audit_events.c.position).order_by(audit_events.c.position.desc()).limit(_LIMIT)
    if "agent" in filters:
        page = page.where(audit_events.c.agent == parameter("agent", Name))
    if "subject" in filters:
        page = page.where(audit_events.c.subject == parameter("subject", Name))
    return Statement(page)


class SqlRecord:
    """The record of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, event: Event) -> None:
        self._session.later(_ADD, _values(event))

    async def unlinked(self, limit: int) -> Sequence[Event | UnreadEvent]:
        """Return events without a link, oldest first; one that cannot be read, by what stands in its row."""
        return [self._event(row) for row in await self._session.rows(_UNLINKED, {"limit": limit})]

    async def get(self, event: EventId) -> Event | None:
        """Return the event, or raise ``Unreadable``."""
        row = await self._session.row(_GET, {"id": event})
        return None if row is None else _EVENT_OF.one(row, self._session.unreadable)

    async def hold(self) -> bool:
        """Become the only one who links events until this transaction ends; False if another is."""
        if self._session.exclusive:
            return True
        return bool(await self._session.value(_HOLD))

    async def last_link(self) -> Link | None:
        row = await self._session.row(_LAST_LINK)
        return None if row is None else _link(row)

    async def add_links(self, links: Sequence[Link]) -> None:
        for link in links:
            self._session.later(_ADD_LINK, {"seq": link.seq, "event": link.event, "hash": link.hash})

    async def add_seal(self, seal: Seal) -> None:
        self._session.later(_ADD_SEAL, {"seq": seal.seq, "hash": seal.hash, "at": seal.at})

    async def last_seal(self) -> Seal | None:
        row = await self._session.row(_LAST_SEAL)
        return None if row is None else _seal(row)

    async def seals(self) -> Sequence[Seal]:
        return [_seal(row) for row in await self._session.rows(_SEALS)]

    async def walk(self) -> AsyncIterator[tuple[Link, Event | UnreadEvent | None]]:
        """Yield every link in order, with its event if that still exists."""
        seq = 0
        while rows := await self._session.rows(_WALK, {"after": seq}):
            for row in rows:
                seq = row.seq
                yield _link(row), None if row.id is None else self._event(row)
            # SQLite never waits, and a long record must not keep everybody else waiting.
            await asyncio.sleep(0)

    async def count_unlinked(self) -> int:
        return int(await self._session.value(_COUNT_UNLINKED))

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Event]:
        """Return the newest events, the oldest of them first, of an agent or about a subject."""
        found: dict[int, Event] = {}
        async for each in self._what_became_of(subject):
            filters = {"agent": agent, "subject": each}
            statement = _page(frozenset(name for name, value in filters.items() if value is not None))
            rows = await self._session.rows(statement, {**filters, "limit": limit})
            for row in rows:
                for event in _EVENT_OF.readable([row], self._session.unreadable):
                    found[row.position] = event
        return [found[position] for position in sorted(found)[-limit:]]

    def _event(self, row: Row) -> Event | UnreadEvent:
        try:
            return _EVENT_OF.one(row, self._session.unreadable)
        except Unreadable:
            return _unread(row)

    async def _what_became_of(self, subject: str | None) -> AsyncIterator[str | None]:
        # One by one: asked about a list of them, PostgreSQL may prefer to read the whole record.
        yield subject
        while subject is not None:
            if (granted := await self._session.value(_GRANT_OF, {"request": subject})) is not None:
                yield granted
            subject = await self._session.value(_FOLLOW_OF, {"request": subject})
            if subject is not None:
                yield subject


def _values(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at,
        "name": event.name.value,
        "actor": event.actor,
        "subject": event.subject,
        "agent": event.agent,
        "data": event.data,
    }


def _event(row: Row) -> Event:
    event = Event(
        id=row.id,
        at=row.at,
        name=_NAMES.get(row.name) or UnknownName(row.name),
        actor=row.actor,
        subject=row.subject,
        agent=row.agent,
        data=row.data,
    )
    whole = "".join((row.name, row.actor, row.subject, row.agent or "", row.data))
    if len(whole) > _SURELY_FITS or "\0" in whole:
        event.text()  # raises for what has no text to be linked by
    return event


_EVENT_OF = Reading(audit_events, _event)


def _unread(row: Row) -> UnreadEvent:
    stored = {column.key: _as_stored(getattr(row, column.key)) for column in _EVENT}
    return UnreadEvent(id=row.id, stored=json.dumps(stored, sort_keys=True))


def _as_stored(value: object) -> Json:
    match value:
        case Damaged(stored=stored):
            return {"damaged": _as_stored(stored)}
        case bytes():
            return {"bytes": value.hex()}
        case datetime():
            return instant(value)
        case None | str() | int() | float():
            return value
        case _:
            return {"type": type(value).__name__}


def _link(row: Row) -> Link:
    return Link(seq=row.seq, event=row.event, hash=row.hash)


def _seal(row: Row) -> Seal:
    return Seal(seq=row.seq, hash=row.hash, at=row.at)
