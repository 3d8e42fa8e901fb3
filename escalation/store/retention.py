"""Removes what was kept for its term, in a database: by an index, and no more than one batch at a time."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from escalation.ids import RequestId
from escalation.ports import Place, Removed
from escalation.retention import Kept
from escalation.store.lookup import Among
from escalation.store.reading import last_place
from escalation.store.session import Session
from escalation.store.set_aside import not_aside
from escalation.store.statement import Statement, parameter
from escalation.store.tables import (
    Instant,
    Name,
    audit_events,
    audit_texts,
    cards,
    config_versions,
    decisions,
    fence,
    grants,
    inbox,
    outbox,
    removals,
    requests,
    rungs,
)

#: PostgreSQL's advisory lock of the one who removes.
_HOLD_KEY = 0x616E_646F_6E04
_ONE: ColumnElement[int] = literal_column("1")
_LIMIT = parameter("limit", Integer())
_BEFORE = parameter("before", Instant)
_BEHIND = tuple_(parameter("at", Instant), parameter("id", Name))

_HOLD = Statement(select(func.pg_try_advisory_xact_lock(_HOLD_KEY)))
_FIRST_TEXT = (
    select(audit_texts.c.event)
    .order_by(audit_texts.c.event, audit_texts.c.field)
    .limit(_ONE)
    .scalar_subquery()
)
_OLDEST = Statement(
    select(
        *(
            query.scalar_subquery().label(kept.value)
            for kept, query in {
                Kept.REQUESTS: select(func.min(requests.c.settled_at)),
                Kept.CLICKS: select(func.min(inbox.c.at)),
                Kept.MESSAGES: select(func.min(outbox.c.sent_at)),
                Kept.WORDS: select(audit_events.c.at).where(audit_events.c.id == _FIRST_TEXT),
                Kept.CONFIGURATIONS: select(func.min(config_versions.c.loaded_at)).where(
                    config_versions.c.body != literal_column("''")
                ),
            }.items()
        )
    )
)
_UNSAID = Statement(
    select(outbox.c.request).where(Among(outbox.c.request, "ids"), outbox.c.sent_at.is_(None)).distinct()
)
_STORED = Statement(select(requests.c.id).where(Among(requests.c.id, "ids")))
_CLICKS_OF = Statement(select(decisions.c.ingress).where(Among(decisions.c.request, "ids")))
#: In the order in which rows refer to each other; decisions go only while their request is named here.
_REMOVE = (
    Statement(
        insert(removals).from_select(
            ["tenant", "request"],
            select(requests.c.tenant, requests.c.id).where(Among(requests.c.id, "ids")),
        )
    ),
    *(
        Statement(delete(table).where(Among(table.c.request, "ids")))
        for table in (decisions, grants, rungs, cards)
    ),
    Statement(delete(requests).where(Among(requests.c.id, "ids"))),
    Statement(delete(removals)),
)
_DECIDED: Select[Any] = select(_ONE).where(decisions.c.ingress == inbox.c.id).limit(_ONE)
_OLD_CLICKS = Statement(
    select(inbox.c.id, inbox.c.at)
    .where(inbox.c.at < _BEFORE, tuple_(inbox.c.at, inbox.c.id) > _BEHIND)
    .order_by(inbox.c.at, inbox.c.id)
    .limit(_LIMIT)
)
_REMOVE_CLICKS = Statement(
    delete(inbox).where(Among(inbox.c.id, "ids"), inbox.c.at < _BEFORE, _DECIDED.scalar_subquery().is_(None))
)
_summary = outbox.alias("told_by")
_TELLS = select(_ONE).where(_summary.c.id == outbox.c.summary, _summary.c.sent_at.is_(None)).limit(_ONE)
_OLD_MESSAGES = Statement(
    select(outbox.c.id, outbox.c.sent_at, _TELLS.scalar_subquery().label("needed"))
    .where(
        outbox.c.sent_at < _BEFORE,
        tuple_(outbox.c.sent_at, outbox.c.id) > _BEHIND,
        not_aside(outbox, outbox.c.id),
    )
    .order_by(outbox.c.sent_at, outbox.c.id)
    .limit(_LIMIT)
)
_REMOVE_MESSAGES = Statement(delete(outbox).where(Among(outbox.c.id, "ids")))
# Events have ids in the order of time: of the first texts all are old, or none but a few are.
_FIRST = (
    select(audit_texts.c.event, audit_texts.c.field)
    .order_by(audit_texts.c.event, audit_texts.c.field)
    .limit(_LIMIT)
    .subquery("first")
)
_ERASE = Statement(
    delete(audit_texts).where(
        tuple_(audit_texts.c.event, audit_texts.c.field).in_(
            select(_FIRST.c.event, _FIRST.c.field)
            .join(audit_events, audit_events.c.id == _FIRST.c.event)
            .where(audit_events.c.at < _BEFORE)
        )
    )
)
_later = config_versions.alias("later")
_REPLACED_AT = (
    select(func.min(_later.c.loaded_at))
    .where(_later.c.loaded_at > config_versions.c.loaded_at)
    .correlate(config_versions)
    .scalar_subquery()
)
_IN_FORCE = select(fence.c.version).scalar_subquery()
_OLDEST_ASKED = select(requests.c.asked_at).order_by(requests.c.id).limit(_ONE).scalar_subquery()
_NO_LONGER_NEEDED = (
    select(config_versions.c.version)
    .where(
        config_versions.c.body != literal_column("''"),
        config_versions.c.loaded_at < _BEFORE,
        _REPLACED_AT < _BEFORE,
        or_(_OLDEST_ASKED.is_(None), _REPLACED_AT <= _OLDEST_ASKED),
        or_(_IN_FORCE.is_(None), config_versions.c.version != _IN_FORCE),
    )
    .order_by(config_versions.c.loaded_at)
    .limit(_LIMIT)
)
_FORGET = Statement(
    update(config_versions).where(config_versions.c.version.in_(_NO_LONGER_NEEDED)).values(body="")
)


class SqlRetention:
    """What one transaction removes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def hold(self) -> bool:
        """Become the only one who removes until this transaction ends; False if another is."""
        return self._session.exclusive or bool(await self._session.value(_HOLD))

    async def oldest(self) -> Mapping[Kept, datetime]:
        """Return since when the oldest of each kind is kept, if there is any."""
        [row] = await self._session.rows(_OLDEST)
        found = {kept: getattr(row, kept.value) for kept in Kept}
        return {kept: at for kept, at in found.items() if isinstance(at, datetime)}

    async def unsaid(self, requests: Collection[RequestId]) -> Collection[RequestId]:
        """Return those of *requests* that something still to be said is about."""
        return {row.request for row in await self._session.rows(_UNSAID, {"ids": list(requests)})}

    async def stored(self, requests: Collection[RequestId]) -> Collection[RequestId]:
        """Return those of *requests* that are there."""
        return {row.id for row in await self._session.rows(_STORED, {"ids": list(requests)})}

    async def remove_requests(self, requests: Collection[RequestId], *, clicks_before: datetime) -> None:
        """Remove *requests* and what belongs to them; of the clicks under their decisions the older ones."""
        ids = {"ids": list(requests)}
        clicks = [row.ingress for row in await self._session.rows(_CLICKS_OF, ids)]
        for statement in _REMOVE:
            await self._session.run(statement, ids)
        await self._session.run(_REMOVE_CLICKS, {"ids": clicks, "before": clicks_before})

    async def remove_clicks(self, before: datetime, *, behind: Place, limit: int) -> Removed:
        """Remove clicks of *before* then that no decision stands on, looking at up to *limit*."""
        values = {"before": before, "at": behind.at, "id": behind.id, "limit": limit}
        rows = await self._session.rows(_OLD_CLICKS, values)
        count = await self._session.run(_REMOVE_CLICKS, {"ids": [row.id for row in rows], "before": before})
        up_to = last_place([(row.at, row.id) for row in rows], behind)
        return Removed(count=count, looked_at=len(rows), up_to=up_to)

    async def remove_messages(self, before: datetime, *, behind: Place, limit: int) -> Removed:
        """Remove what was sent *before* then, looking at up to *limit*; not what a summary still tells of."""
        values = {"before": before, "at": behind.at, "id": behind.id, "limit": limit}
        rows = await self._session.rows(_OLD_MESSAGES, values)
        ids = [row.id for row in rows if row.needed is None]
        count = await self._session.run(_REMOVE_MESSAGES, {"ids": ids}) if ids else 0
        up_to = last_place([(row.sent_at, row.id) for row in rows], behind)
        return Removed(count=count, looked_at=len(rows), up_to=up_to)

    async def erase_words(self, before: datetime, *, limit: int) -> int:
        """Erase up to *limit* texts of events of *before* then, the oldest first; return how many."""
        return await self._session.run(_ERASE, {"before": before, "limit": limit})

    async def forget_configurations(self, before: datetime, *, limit: int) -> int:
        """Empty the files of versions replaced *before* then and before the oldest request was asked."""
        return await self._session.run(_FORGET, {"before": before, "limit": limit})
