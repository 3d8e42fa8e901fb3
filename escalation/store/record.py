"""The audit record, in a database. Rows are only ever added; triggers refuse anything else."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cache

from sqlalchemy import BigInteger, Integer, func, literal_column, select

from escalation.audit import Event, Link, Seal
from escalation.store import rows as convert
from escalation.store.session import Session
from escalation.store.statement import Statement, insert, parameter
from escalation.store.tables import (
    Name,
    audit_events,
    audit_links,
    audit_seals,
    audit_unlinked,
    grants,
    requests,
)

#: How many links are read at once on a walk.
_STRIDE = 1000
#: PostgreSQL's advisory lock of the one who links events.
_HOLD_KEY = 0x616E_646F_6E01
_LIMIT = parameter("limit", Integer())
_EVENT = [column for column in audit_events.columns if column.name != "position"]

_ADD = insert(audit_events)
_UNLINKED = Statement(
    select(*_EVENT)
    .join(audit_unlinked, audit_unlinked.c.position == audit_events.c.position)
    .order_by(audit_unlinked.c.position)
    .limit(_LIMIT)
)
_COUNT_UNLINKED = Statement(select(func.count()).select_from(audit_unlinked))
_HOLD = Statement(select(func.pg_try_advisory_xact_lock(_HOLD_KEY)))
_LAST_LINK = Statement(select(audit_links).order_by(audit_links.c.seq.desc()).limit(1))
_ADD_LINK = insert(audit_links)
_ADD_SEAL = insert(audit_seals)
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
        self._session.later(_ADD, convert.values_of_event(event))

    async def unlinked(self, limit: int) -> Sequence[Event]:
        """Return events without a link, oldest first."""
        return [convert.event_of(row) for row in await self._session.rows(_UNLINKED, {"limit": limit})]

    async def hold(self) -> bool:
        """Become the only one who links events until this transaction ends; False if another is."""
        if self._session.exclusive:
            return True
        row = await self._session.row(_HOLD)
        return bool(row and row[0])

    async def last_link(self) -> Link | None:
        row = await self._session.row(_LAST_LINK)
        return None if row is None else Link(seq=row[0], event=row[1], hash=row[2])

    async def add_links(self, links: Sequence[Link]) -> None:
        for link in links:
            self._session.later(_ADD_LINK, {"seq": link.seq, "event": link.event, "hash": link.hash})

    async def add_seal(self, seal: Seal) -> None:
        self._session.later(_ADD_SEAL, {"seq": seal.seq, "hash": seal.hash, "at": seal.at})

    async def last_seal(self) -> Seal | None:
        row = await self._session.row(_LAST_SEAL)
        return None if row is None else Seal(seq=row[0], hash=row[1], at=row[2])

    async def seals(self) -> Sequence[Seal]:
        return [Seal(seq=row[0], hash=row[1], at=row[2]) for row in await self._session.rows(_SEALS)]

    async def walk(self) -> AsyncIterator[tuple[Link, Event | None]]:
        """Yield every link in order, with its event if that still exists."""
        seq = 0
        while rows := await self._session.rows(_WALK, {"after": seq}):
            for row in rows:
                seq = row[0]
                event = None if row[3] is None else convert.event_of(row[3:])
                yield Link(seq=seq, event=row[1], hash=row[2]), event
            # SQLite never waits, and a long record must not keep everybody else waiting.
            await asyncio.sleep(0)

    async def count_unlinked(self) -> int:
        row = await self._session.row(_COUNT_UNLINKED)
        return int(row[0]) if row else 0

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Event]:
        """Return the newest events, the oldest of them first, of an agent or about a subject."""
        found: dict[int, Event] = {}
        async for each in self._what_became_of(subject):
            filters = {"agent": agent, "subject": each}
            statement = _page(frozenset(name for name, value in filters.items() if value is not None))
            rows = await self._session.rows(statement, {**filters, "limit": limit})
            found |= {row[-1]: convert.event_of(row[:-1]) for row in rows}
        return [found[position] for position in sorted(found)[-limit:]]

    async def _what_became_of(self, subject: str | None) -> AsyncIterator[str | None]:
        # One by one: asked about a list of them, PostgreSQL may prefer to read the whole record.
        yield subject
        while subject is not None:
            if (granted := await self._session.row(_GRANT_OF, {"request": subject})) is not None:
                yield granted[0]
            row = await self._session.row(_FOLLOW_OF, {"request": subject})
            subject = None if row is None else row[0]
            if subject is not None:
                yield subject
