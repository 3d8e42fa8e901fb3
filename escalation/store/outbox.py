"""What is still to be said in Slack, in a database.

One lane is sent in order, one message at a time: only its oldest unsent row, its head, is ever
taken. While the head is under way or waits for its next attempt, the rest of the lane waits too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    Update,
    any_,
    func,
    literal_column,
    select,
    text,
    update,
)

from escalation import notice
from escalation.ids import OutboxId
from escalation.ports import OutboxKind, Outgoing
from escalation.store.change import Conflict, Insertion, Otherwise, RowUpdate
from escalation.store.reading import Misread, Reading, known
from escalation.store.session import Session
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, outbox

_KINDS = {kind.value: kind for kind in OutboxKind}
_UNSENT = outbox.c.sent_at.is_(None)

# The lanes that have something unsent, one step of the index each: never a walk over all rows.
_FIRST = select(func.min(outbox.c.lane).label("lane")).where(_UNSENT).cte("lanes", recursive=True)
_NEXT = select(func.min(outbox.c.lane)).where(_UNSENT, outbox.c.lane > _FIRST.c.lane).scalar_subquery()
_LANES = _FIRST.union_all(select(_NEXT).where(_FIRST.c.lane.is_not(None)))
_HEAD = (
    select(outbox.c.id)
    .where(_UNSENT, outbox.c.lane == _LANES.c.lane)
    .order_by(outbox.c.at, outbox.c.id)
    .limit(literal_column("1"))  # a parameter would be planned as a tenth of all rows
    .correlate(_LANES)
    .scalar_subquery()
)
_HEADS = select(_HEAD.label("id")).select_from(_LANES).where(_LANES.c.lane.is_not(None))

_ADD = Insertion(outbox)
_ADD_CARD = Insertion(
    outbox,
    Conflict(
        columns=["request"],
        where=text("sent_at IS NULL AND attempts = 0 AND notice = 'card'"),
        then=Otherwise.HOLD,
    ),
)


def _take(heads: ColumnElement[bool]) -> Update:
    picked = (
        select(outbox.c.id)
        .where(heads, _UNSENT, outbox.c.not_before <= parameter("now", Instant))
        .order_by(outbox.c.at, outbox.c.id)
        .limit(parameter("limit", Integer()))
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    return (
        update(outbox)
        .where(outbox.c.id.in_(select(picked.c.id)))
        .values(not_before=parameter("leased_until", Instant), attempts=outbox.c.attempts + 1)
        .returning(outbox)
    )


def _next_due_at(heads: ColumnElement[bool]) -> Select[Any]:
    return select(func.min(outbox.c.not_before)).where(heads)


_IS_HEAD = outbox.c.id.in_(_HEADS)
#: The same for PostgreSQL, which would rather read the whole table than look up a hundred rows.
_IS_ONE_OF_HEADS = outbox.c.id == any_(func.array(_HEADS.scalar_subquery()))
_TAKE = Statement(_take(_IS_ONE_OF_HEADS), for_sqlite=_take(_IS_HEAD))
_NEXT_DUE_AT = Statement(_next_due_at(_IS_ONE_OF_HEADS), for_sqlite=_next_due_at(_IS_HEAD))
_DONE = RowUpdate(
    lambda given: update(outbox).where(outbox.c.id == given["outgoing"]).values(sent_at=given["sent_at"]),
    {"outgoing": Name, "sent_at": Instant},
)
_RETRY = RowUpdate(
    lambda given: (
        update(outbox)
        .where(outbox.c.id == given["outgoing"], _UNSENT)
        .values(not_before=given["not_before"], error=given["error"])
    ),
    {"outgoing": Name, "not_before": Instant, "error": Text()},
)

_BRING_BACK = Statement(
    update(outbox)
    .where(outbox.c.id == parameter("outgoing", Name))
    .values(sent_at=None, not_before=parameter("not_before", Instant))
    .returning(outbox)
)


class SqlOutbox:
    """The outbox of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cards: set[str | None] = set()

    async def add(self, outgoing: Outgoing) -> None:
        """
        Queue it; a card that waits unsent for the same request already is enough.

        That card is held until we commit: drawn before, it would show what was before.
        """
        is_card = outgoing.kind is OutboxKind.CARD
        if is_card and outgoing.request in self._cards:
            return
        if is_card:
            self._cards.add(outgoing.request)
        self._session.later(
            _ADD_CARD if is_card else _ADD,
            {
                "id": outgoing.id,
                "kind": outgoing.kind.value,
                "lane": outgoing.lane,
                "request": outgoing.request,
                "body": outgoing.body,
                "at": outgoing.at,
                "not_before": outgoing.not_before,
                "attempts": outgoing.attempts,
                "sent_at": None,
                "error": None,
            },
        )

    async def take(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[Outgoing]:
        """Return what may be sent at *now*, oldest first, and hide it from others for *lease*."""
        values = {"now": now, "leased_until": now + lease, "limit": limit}
        rows = await self._session.rows(_TAKE, values)
        taken = _OUTGOING.readable(rows, self._session.unreadable)
        return sorted(taken, key=lambda outgoing: (outgoing.at, outgoing.id))

    async def done(self, outgoing: OutboxId, at: datetime) -> None:
        """Note that it was said at *at*."""
        self._session.later(_DONE, {"outgoing": outgoing, "sent_at": at})

    async def retry(self, outgoing: OutboxId, *, not_before: datetime, error: str) -> None:
        """Try it again from *not_before* on."""
        values = {"outgoing": outgoing, "not_before": not_before, "error": error}
        self._session.later(_RETRY, values)

    async def set_aside(self, outgoing: OutboxId, at: datetime) -> None:
        """Take it out of its lane, unsaid."""
        await self.done(outgoing, at)

    async def bring_back(self, outgoing: OutboxId, *, not_before: datetime) -> Outgoing | None:
        """Put what was set aside back into its lane; raise ``Unreadable`` if it still cannot be read."""
        row = await self._session.row(_BRING_BACK, {"outgoing": outgoing, "not_before": not_before})
        return None if row is None else _OUTGOING.one(row, self._session.unreadable)

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which something may be sent."""
        found: datetime | None = await self._session.value(_NEXT_DUE_AT)
        return found


def _outgoing(row: Row) -> Outgoing:
    kind = known(_KINDS, row.kind, "notice")
    if kind is not OutboxKind.CARD and not notice.is_known(row.body):
        raise Misread("body", "is no notice that this version knows")
    return Outgoing(
        id=row.id,
        kind=kind,
        lane=row.lane,
        request=row.request,
        body=row.body,
        at=row.at,
        not_before=row.not_before,
        attempts=row.attempts,
    )


_OUTGOING = Reading(outbox, _outgoing)
