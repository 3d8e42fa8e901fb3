"""What is still to be said in Slack, in a database.

One lane is sent in order, one message at a time: of those that are due, the first in turn. While it is
under way, or waits because Slack said so, it holds the lane, and the rest of the lane waits too.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    Text,
    Update,
    and_,
    any_,
    func,
    literal_column,
    not_,
    select,
    text,
    update,
)

from escalation import notice
from escalation.ids import OutboxId, RequestId
from escalation.ports import Again, Doubt, Folded, OutboxKind, Outgoing, Turn
from escalation.request import State
from escalation.store.change import Conflict, Insertion, Otherwise, RowUpdate
from escalation.store.reading import Damaged, Misread, Reading, known
from escalation.store.session import Session
from escalation.store.set_aside import not_aside
from escalation.store.statement import Row, Statement, parameter
from escalation.store.tables import Instant, Name, cards, outbox, requests

_KINDS = {kind.value: kind for kind in OutboxKind}
_TURNS = {turn.value: turn for turn in Turn}
#: What a request is in that ended, as far as this version knows.
_ENDED: list[ColumnElement[str]] = [literal_column(f"'{state.value}'") for state in State if state.is_settled]
_UNSENT = outbox.c.sent_at.is_(None)
_NOW = parameter("now", Instant)
_LANE = parameter("lane", Name)
_LIMIT = parameter("limit", Integer())
_ONE: ColumnElement[int] = literal_column("1")  # a parameter would be planned as a tenth of all rows
_IN_TURN = (outbox.c.turn, outbox.c.at, outbox.c.id)

# The lanes that have something unsent, one step of the index each: never a walk over all rows.
_FIRST = select(func.min(outbox.c.lane).label("lane")).where(_UNSENT).cte("lanes", recursive=True)
_NEXT = select(func.min(outbox.c.lane)).where(_UNSENT, outbox.c.lane > _FIRST.c.lane).scalar_subquery()
_LANES = _FIRST.union_all(select(_NEXT).where(_FIRST.c.lane.is_not(None)))


def _in_lane(query: Select[Any]) -> ScalarSelect[Any]:
    return query.where(_UNSENT, outbox.c.lane == _LANES.c.lane).correlate(_LANES).scalar_subquery()


_HELD_UNTIL = _in_lane(select(func.max(outbox.c.held_until)).where(outbox.c.held_until.is_not(None)))
_HEAD = _in_lane(select(outbox.c.id).where(outbox.c.not_before <= _NOW).order_by(*_IN_TURN).limit(_ONE))
_HEADS = (
    select(_HEAD.label("id"))
    .select_from(_LANES)
    .where(_LANES.c.lane.is_not(None), func.coalesce(_HELD_UNTIL <= _NOW, literal_column("true")))
)
_DUE_AT = _in_lane(select(outbox.c.not_before).order_by(*_IN_TURN).limit(_ONE))
_NEXT_DUE_AT = Statement(
    select(func.min(func.coalesce(_HELD_UNTIL, _DUE_AT)))
    .select_from(_LANES)
    .where(_LANES.c.lane.is_not(None))
)

_ADD = Insertion(outbox)
_ADD_CARD = Insertion(
    outbox,
    Conflict(
        columns=["request"],
        where=text("sent_at IS NULL AND attempts = 0 AND notice = 'card'"),
        then=Otherwise.RENEW,
        renewed=["turn"],
    ),
)


def _take(heads: ColumnElement[bool]) -> Update:
    picked = (
        select(outbox.c.id)
        .where(heads, _UNSENT, outbox.c.not_before <= _NOW)
        .order_by(*_IN_TURN)
        .limit(_LIMIT)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    until = parameter("leased_until", Instant)
    return (
        update(outbox)
        .where(outbox.c.id.in_(select(picked.c.id)))
        .values(not_before=until, held_until=until, attempts=outbox.c.attempts + 1)
        .returning(outbox)
    )


_IS_HEAD = outbox.c.id.in_(_HEADS)
#: The same for PostgreSQL, which would rather read the whole table than look up a hundred rows.
_IS_ONE_OF_HEADS = outbox.c.id == any_(func.array(_HEADS.scalar_subquery()))
_TAKE = Statement(_take(_IS_ONE_OF_HEADS), for_sqlite=_take(_IS_HEAD))
_DONE = RowUpdate(
    lambda given: update(outbox).where(outbox.c.id == given["outgoing"]).values(sent_at=given["sent_at"]),
    {"outgoing": Name, "sent_at": Instant},
)
_RETRY = RowUpdate(
    lambda given: (
        update(outbox)
        .where(outbox.c.id == given["outgoing"], _UNSENT)
        .values({name: given[name] for name in ("not_before", "held_until", "error", "cleared")})
    ),
    {
        "outgoing": Name,
        "not_before": Instant,
        "held_until": Instant,
        "error": Text(),
        "cleared": Integer(),
    },
)
# Looked up for each row of the lane by its key: joined, all requests there ever were might be read.
_STATE = select(requests.c.state).where(requests.c.id == outbox.c.request).scalar_subquery()
_CARD = select(cards.c.request).where(cards.c.request == outbox.c.request).scalar_subquery()
_CARDS = outbox.alias("cards_of_it")
_DOUBTFUL = (
    _CARDS.c.sent_at.is_(None),
    _CARDS.c.kind == literal_column(f"'{OutboxKind.CARD.value}'"),
    _CARDS.c.attempts > _CARDS.c.cleared,
)
# In the hands of somebody who has not failed with it: what ended before it was taken is not posted.
_UNDER_WAY = and_(
    _CARDS.c.error.is_(None), _CARDS.c.attempts == _CARDS.c.cleared + _ONE, _CARDS.c.not_before > _NOW
)
_DOUBT = (
    select(_CARDS.c.id).where(_CARDS.c.request == outbox.c.request, *_DOUBTFUL, not_(_UNDER_WAY)).limit(_ONE)
)
_CARD_IN_DOUBT = Statement(
    select(_CARDS.c.at, _UNDER_WAY.label("under_way"))
    .where(
        _CARDS.c.request == parameter("request", Name),
        *_DOUBTFUL,
        _CARDS.c.id != parameter("beside", Name),
    )
    .order_by(_CARDS.c.at)
    .limit(_ONE)
)
_FOLDABLE = Statement(
    select(outbox.c.id)
    .where(
        _UNSENT,
        outbox.c.lane == _LANE,
        outbox.c.turn.in_([literal_column(str(turn.value)) for turn in (Turn.ASK, Turn.NEWS)]),
        outbox.c.attempts == outbox.c.cleared,
        _STATE.in_(_ENDED),
        not_aside(requests, outbox.c.request),
        _CARD.is_(None),
        _DOUBT.scalar_subquery().is_(None),
    )
    .order_by(*_IN_TURN)
    .limit(_LIMIT)
    .with_for_update(of=outbox, skip_locked=True)
)
_SUMMARY_OF = Statement(
    select(outbox.c.id)
    .where(
        _UNSENT,
        outbox.c.lane == _LANE,
        outbox.c.turn == literal_column(str(Turn.SUMMARY.value)),
    )
    .with_for_update()
)
_FOLD = RowUpdate(
    lambda given: (
        update(outbox)
        .where(outbox.c.id == given["outgoing"], _UNSENT)
        .values(sent_at=given["sent_at"], summary=given["summary"])
    ),
    {"outgoing": Name, "sent_at": Instant, "summary": Name},
)
_INTO = outbox.c.summary == parameter("into", Name)
_SPAN = (
    func.count(outbox.c.request.distinct()).label("count"),
    func.min(outbox.c.at).label("first_at"),
    func.max(outbox.c.at).label("last_at"),
)
_FOLDED = Statement(select(*list[ColumnElement[Any]](_SPAN)).where(_INTO))
_FOLDED_REQUESTS = Statement(
    select(outbox.c.request)
    .where(_INTO)
    .group_by(outbox.c.request)
    .order_by(func.min(outbox.c.at), outbox.c.request)
    .limit(_LIMIT)
)
_COUNTED: Select[Any] = select(func.count(outbox.c.request.distinct()))
_COUNT_ASKS = Statement(_COUNTED.where(_UNSENT, outbox.c.turn == literal_column(str(Turn.ASK.value))))
_REFUSED = Statement(
    select(outbox)
    .where(_UNSENT, outbox.c.error.is_not(None))
    .order_by(outbox.c.at, outbox.c.id)
    .limit(parameter("limit", Integer()))
)
_WAITS = Statement(
    select(outbox.c.id)
    .where(_UNSENT, outbox.c.lane == _LANE, outbox.c.kind == parameter("kind", Name))
    .limit(_ONE)
)

_GET = Statement(select(outbox).where(outbox.c.id == parameter("outgoing", Name)).with_for_update())
_TELL_INSTEAD = Statement(
    update(outbox).where(outbox.c.summary == parameter("of", Name)).values(summary=parameter("into", Name))
)
_BRING_BACK = Statement(
    update(outbox)
    .where(outbox.c.id == parameter("outgoing", Name))
    .values(sent_at=None, held_until=None, not_before=parameter("not_before", Instant))
    .returning(outbox)
)


class SqlOutbox:
    """The outbox of one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, outgoing: Outgoing) -> None:
        """
        Queue it; a card that waits unsent for the same request already is enough, and takes this turn.

        That card is held until we commit: drawn before, it would show what was before.
        """
        self._session.later(
            _ADD_CARD if outgoing.kind is OutboxKind.CARD else _ADD,
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
                "turn": outgoing.turn.value,
                "cleared": outgoing.cleared,
                "held_until": None,
                "summary": None,
            },
        )

    async def take(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[Outgoing]:
        """Return what may be sent at *now*, by its turn, and hide it from others for *lease*."""
        values = {"now": now, "leased_until": now + lease, "limit": limit}
        rows = await self._session.rows(_TAKE, values)
        taken = _OUTGOING.readable(rows, self._session.unreadable)
        return sorted(taken, key=lambda outgoing: (outgoing.turn, outgoing.at, outgoing.id))

    async def done(self, outgoing: OutboxId, at: datetime) -> None:
        """Note that it was said at *at*."""
        self._session.later(_DONE, {"outgoing": outgoing, "sent_at": at})

    async def retry(self, outgoing: OutboxId, again: Again) -> None:
        """Try it again, as *again* says; until then its lane waits, unless it waits alone."""
        values = {
            "outgoing": outgoing,
            "not_before": again.not_before,
            "held_until": None if again.alone else again.not_before,
            "error": again.error,
            "cleared": again.cleared,
        }
        self._session.later(_RETRY, values)

    async def foldable(self, lane: str, limit: int, *, now: datetime) -> Sequence[OutboxId]:
        """Return what waits in *lane* about requests that ended before their card was ever posted."""
        values = {"lane": lane, "limit": limit, "now": now}
        return [row.id for row in await self._session.rows(_FOLDABLE, values)]

    async def card_in_doubt(
        self, request: RequestId, *, now: datetime, beside: OutboxId | None = None
    ) -> Doubt | None:
        """Return what is known of a card of *request* that may stand without our having heard of it."""
        values = {"request": request, "beside": beside or "", "now": now}
        row = await self._session.row(_CARD_IN_DOUBT, values)
        return None if row is None else Doubt(since=self._told(row.at), under_way=bool(row.under_way))

    async def summary_of(self, lane: str) -> OutboxId | None:
        """Return the summary that waits in *lane*, and hold it."""
        found: OutboxId | None = await self._session.value(_SUMMARY_OF, {"lane": lane})
        return found

    async def fold(self, outgoing: OutboxId, *, into: OutboxId, at: datetime) -> None:
        """Note that the summary *into* tells of it."""
        self._session.later(_FOLD, {"outgoing": outgoing, "sent_at": at, "summary": into})

    async def folded(self, into: OutboxId, *, limit: int) -> Folded | None:
        """Return what the summary *into* tells of, with *limit* of the requests; none if nothing."""
        row = await self._session.row(_FOLDED, {"into": into})
        if row is None or not row.count:
            return None
        found = await self._session.rows(_FOLDED_REQUESTS, {"into": into, "limit": limit})
        return Folded(
            count=row.count,
            first_at=self._told(row.first_at),
            last_at=self._told(row.last_at),
            requests=tuple(each.request for each in found),
        )

    async def count_asks(self) -> int:
        """Return how many requests wait for their card to be posted."""
        return int(await self._session.value(_COUNT_ASKS) or 0)

    async def refused(self, limit: int) -> Sequence[Outgoing]:
        """Return up to *limit* messages that were tried and are not taken yet, the oldest first."""
        rows = await self._session.rows(_REFUSED, {"limit": limit})
        return _OUTGOING.readable(rows, self._session.unreadable)

    async def waits(self, lane: str, kind: OutboxKind) -> bool:
        """Return whether something of *kind* is still to be said in *lane*."""
        return await self._session.row(_WAITS, {"lane": lane, "kind": kind.value}) is not None

    async def set_aside(self, outgoing: OutboxId, at: datetime) -> None:
        """Take it out of its lane, unsaid."""
        await self.done(outgoing, at)

    async def bring_back(self, outgoing: OutboxId, *, not_before: datetime) -> Outgoing | None:
        """
        Put what was set aside back into its lane; raise ``Unreadable`` if it still cannot be read.

        A summary that would stand beside another hands over what it tells of instead.
        """
        row = await self._session.row(_GET, {"outgoing": outgoing})
        if row is None:
            return None
        found = _OUTGOING.one(row, self._session.unreadable)
        into = await self.summary_of(found.lane) if found.turn is Turn.SUMMARY else None
        if into not in {None, found.id}:
            await self._session.run(_TELL_INSTEAD, {"of": found.id, "into": into})
            return found
        back = await self._session.row(_BRING_BACK, {"outgoing": outgoing, "not_before": not_before})
        return None if back is None else _OUTGOING.one(back, self._session.unreadable)

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which the first in turn of a lane may be sent."""
        found: datetime | Damaged | None = await self._session.value(_NEXT_DUE_AT)
        # What is due at no instant that this version can tell is met when it is taken.
        return None if isinstance(found, Damaged) else found

    def _told(self, at: datetime | Damaged) -> datetime:
        return self._session.now if isinstance(at, Damaged) else at


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
        turn=known(_TURNS, row.turn, "turn"),
        attempts=row.attempts,
        cleared=row.cleared,
        error=row.error,
    )


_OUTGOING = Reading(outbox, _outgoing)
