"""The audit record, in a database. Rows are only ever added; triggers refuse anything else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    and_,
    func,
    literal_column,
    not_,
    null,
    or_,
    select,
)

from escalation.audit import ChainHash, Entry, Event, Link, Seal, Stored, in_order
from escalation.commitment import Disclosure
from escalation.errors import Unreadable
from escalation.ids import EventId
from escalation.store import record_rows as rows_as
from escalation.store.change import Insertion
from escalation.store.lookup import Lookup
from escalation.store.session import Session
from escalation.store.set_aside import not_aside
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import (
    Name,
    audit_events,
    audit_links,
    audit_notes,
    audit_seals,
    audit_texts,
    audit_unlinked,
    grants,
    requests,
)

#: How many links are read at once on a walk. A parameter would be planned as a tenth of the record.
_STRIDE: ColumnElement[int] = literal_column("1000")
#: PostgreSQL's advisory lock of the one who links events.
_HOLD_KEY = 0x616E_646F_6E01
#: How many of those that nothing can link are named at a time.
_NAMED = 10
_NO_LINK = "it waits for a link, and can be given none"
_LIMIT = parameter("limit", Integer())
_AFTER = parameter("after", BigInteger())
_WAITING = audit_unlinked.c.position.label("waiting")
_BEFORE = audit_links.alias("before")
_OF_EVENT = audit_links.c.event == audit_events.c.id
_IN_LINE = audit_unlinked.c.position == audit_events.c.position

_ADD = Insertion(audit_events)
_ADD_TEXT = Insertion(audit_texts)
_TEXTS = Lookup(audit_texts, audit_texts.c.event)
#: Of what waits for a link, that which none can be given: its event has one, or a key that is no text.
_STUCK = or_(audit_links.c.seq.is_not(None), rows_as.NO_KEY)
_NOT_STUCK = and_(audit_links.c.seq.is_(None), not_(rows_as.NO_KEY))


def _waiting(condition: ColumnElement[bool]) -> Statement:
    return rows_as.statement(
        lambda event: (
            select(*event)
            .join(audit_unlinked, _IN_LINE)
            .outerjoin(audit_links, _OF_EVENT)
            .where(condition)
            .order_by(audit_unlinked.c.position)
            .limit(_LIMIT)
        )
    )


_UNLINKED = _waiting(_NOT_STUCK)
_NEVER_LINKED = _waiting(and_(_STUCK, not_aside(audit_events, audit_events.c.id)))
_GET = rows_as.statement(lambda event: select(*event).where(audit_events.c.id == parameter("id", Name)))
_IS_NEVER_LINKED = Statement(
    select(audit_unlinked.c.position)
    .join(audit_events, _IN_LINE)
    .outerjoin(audit_links, _OF_EVENT)
    .where(audit_events.c.id == parameter("id", Name), _STUCK)
)
_COUNT_UNLINKED = Statement(select(func.count()).select_from(audit_unlinked))
_HOLD = Statement(select(func.pg_try_advisory_xact_lock(_HOLD_KEY)))
_LAST_LINK = Statement(select(audit_links).order_by(audit_links.c.seq.desc()).limit(1))
_HASH_AT = Statement(select(audit_links.c.hash).where(audit_links.c.seq == parameter("seq", BigInteger())))
_ADD_LINK = Insertion(audit_links)
_ADD_SEAL = Insertion(audit_seals)
_LAST_SEAL = Statement(select(audit_seals).order_by(audit_seals.c.seq.desc()).limit(1))
_SEALS = Statement(select(audit_seals).order_by(audit_seals.c.seq))
_ADD_NOTE = Insertion(audit_notes)
_LAST_NOTE = Statement(select(audit_notes).order_by(audit_notes.c.seq.desc()).limit(1))
_WALK = rows_as.statement(
    lambda event: (
        select(*event, *rows_as.LINK, null().label("before"), null().label("waiting"))
        .select_from(audit_links)
        .outerjoin(audit_events, _OF_EVENT)
        .where(audit_links.c.seq > _AFTER)
        .order_by(audit_links.c.seq)
        .limit(_STRIDE)
    )
)
_NEXT = (
    select(audit_events.c.position)
    .where(audit_events.c.position > _AFTER)
    .order_by(audit_events.c.position)
    .limit(_STRIDE)
    .subquery("next")
)
#: Every event by position: that which has no link is looked for, and cannot be found by an index.
_BESIDE = rows_as.statement(
    lambda event: (
        select(*event, *rows_as.LINK, null().label("before"), _WAITING)
        .select_from(audit_events)
        .join(_NEXT, _NEXT.c.position == audit_events.c.position)
        .outerjoin(audit_links, _OF_EVENT)
        .outerjoin(audit_unlinked, _IN_LINE)
        .order_by(audit_events.c.position)
    )
)
_GRANT_OF = Statement(select(grants.c.id).where(grants.c.request == parameter("request", Name)))
_FOLLOW_OF = Statement(select(requests.c.follow).where(requests.c.id == parameter("request", Name)))


@cache
def _page(filters: frozenset[str]) -> Statement:
    def build(event: Sequence[ColumnElement[Any]]) -> Select[Any]:
        page = (
            select(*event, *rows_as.LINK, _BEFORE.c.hash.label("before"), _WAITING)
            .select_from(audit_events)
            .outerjoin(audit_links, _OF_EVENT)
            .outerjoin(_BEFORE, _BEFORE.c.seq == audit_links.c.seq - literal_column("1"))
            .outerjoin(audit_unlinked, _IN_LINE)
            .order_by(audit_events.c.position.desc())
            .limit(_LIMIT)
        )
        if "agent" in filters:
            page = page.where(audit_events.c.agent == parameter("agent", Name))
        if "subject" in filters:
            page = page.where(audit_events.c.subject == parameter("subject", Name))
        return page

    return rows_as.statement(build)


class SqlRecord:
    """The record of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, event: Event, texts: Sequence[Disclosure] = ()) -> None:
        """Add *event*, and the *texts* that it commits to."""
        self._session.later(_ADD, rows_as.values_of_event(event))
        for text in texts:
            self._session.later(_ADD_TEXT, rows_as.values_of_text(text))

    async def unlinked(self, limit: int) -> Sequence[Stored]:
        """
        Return what waits for a link, oldest first; a row that is no event as well, as it stands.

        What nothing can link is left out, and named: it must not stand in the way of what comes after it.
        """
        for row in await self._session.rows(_NEVER_LINKED, {"limit": _NAMED}):
            self._odd(rows_as.stored(row), _NO_LINK)
        return [self._stored(row) for row in await self._session.rows(_UNLINKED, {"limit": limit})]

    async def get(self, event: EventId) -> Stored | None:
        """Return the event; raise ``Unreadable`` if its row is none, or waits for what it cannot be given."""
        row = await self._session.row(_GET, {"id": event})
        if row is None:
            return None
        found = self._stored(row)
        if (problem := found.problem()) is not None:
            raise Unreadable(audit_events.name, found.id, problem)
        if await self._session.value(_IS_NEVER_LINKED, {"id": event}) is not None:
            raise Unreadable(audit_events.name, found.id, _NO_LINK)
        return found

    async def hold(self) -> bool:
        """Become the only one who links events until this transaction ends; False if another is."""
        if self._session.exclusive:
            return True
        return bool(await self._session.value(_HOLD))

    async def last_link(self) -> Link | None:
        row = await self._session.row(_LAST_LINK)
        return None if row is None else rows_as.link(row)

    async def hash_at(self, seq: int) -> ChainHash | None:
        """Return the hash of link *seq*; none if the chain ends before it."""
        found: ChainHash | None = await self._session.value(_HASH_AT, {"seq": seq})
        return found

    async def add_links(self, links: Sequence[Link]) -> None:
        for link in links:
            values = {"seq": link.seq, "event": link.event, "hash": link.hash, "position": link.position}
            self._session.later(_ADD_LINK, values)

    async def add_seal(self, seal: Seal) -> None:
        self._session.later(_ADD_SEAL, {"seq": seal.seq, "hash": seal.hash, "at": seal.at})

    async def last_seal(self) -> Seal | None:
        row = await self._session.row(_LAST_SEAL)
        return None if row is None else rows_as.seal(row)

    async def seals(self) -> Sequence[Seal]:
        return [rows_as.seal(row) for row in await self._session.rows(_SEALS)]

    async def add_note(self, seal: Seal) -> None:
        """Remember that *seal* was noted outside, at its instant."""
        self._session.later(_ADD_NOTE, {"seq": seal.seq, "hash": seal.hash, "at": seal.at})

    async def last_note(self) -> Seal | None:
        """Return the last seal that was noted outside, and when."""
        row = await self._session.row(_LAST_NOTE)
        return None if row is None else rows_as.seal(row)

    async def walk(self) -> AsyncIterator[Entry]:
        """Yield every link in order, with its event and texts if those still exist."""
        seq = 0
        while rows := await self._session.rows(_WALK, {"after": seq}):
            seq = rows[-1].seq
            for entry in await self._entries(rows):
                yield entry
            # SQLite never waits, and a long record must not keep everybody else waiting.
            await asyncio.sleep(0)

    async def walk_beside(self) -> AsyncIterator[Entry]:
        """Yield every event that has no link, by position, and whether it waits for one."""
        # A row may have been put before the first one.
        position = -(2**63)
        while rows := await self._session.rows(_BESIDE, {"after": position}):
            position = rows[-1].position
            for entry in await self._entries([row for row in rows if row.seq is None]):
                yield entry
            await asyncio.sleep(0)

    async def count_unlinked(self) -> int:
        return int(await self._session.value(_COUNT_UNLINKED))

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Entry]:
        """Return the newest events of an agent or about a subject: the chain's order, then the unlinked."""
        found: dict[int, Row] = {}
        async for each in self._what_became_of(subject):
            filters = {"agent": agent, "subject": each}
            statement = _page(frozenset(name for name, value in filters.items() if value is not None))
            rows = await self._session.rows(statement, {**filters, "limit": limit})
            found |= {row.position: row for row in rows}
        newest = [found[position] for position in sorted(found)[-limit:]]
        return in_order(await self._entries(newest))

    async def _entries(self, rows: Sequence[Row]) -> list[Entry]:
        texts: dict[str, list[Disclosure]] = {}
        for found in await self._session.among(_TEXTS, [row.id for row in rows if isinstance(row.id, str)]):
            texts.setdefault(found.event, []).append(rows_as.text(found))
        return [rows_as.entry(row, texts) for row in rows]

    def _stored(self, row: Row) -> Stored:
        found = rows_as.stored(row)
        if (problem := found.problem()) is not None:
            self._odd(found, problem)
        return found

    def _odd(self, found: Stored, problem: str) -> None:
        # Its key is told in alarms, which hold no NUL.
        key = found.id.replace("\0", "")
        self._session.unreadable.add(Unreadable(audit_events.name, key, problem))

    async def _what_became_of(self, subject: str | None) -> AsyncIterator[str | None]:
        # One by one: asked about a list of them, PostgreSQL may prefer to read the whole record.
        yield subject
        while subject is not None:
            if (granted := await self._session.value(_GRANT_OF, {"request": subject})) is not None:
                yield granted
            subject = await self._session.value(_FOLLOW_OF, {"request": subject})
            if subject is not None:
                yield subject
