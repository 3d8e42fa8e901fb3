"""
Removes what was kept for its term, batch by batch, each a small transaction that leaves an event behind.

    a kind ──batch──▶ the next batch from where it came to ──▶ nothing more ──▶ the next kind

One process at a time does it. What is removed is told in the record: how much, of before when, and of
requests which ones, so that replaying the record gives the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from escalation.audit import EventName, instant
from escalation.configuration import Retention
from escalation.ids import RequestId
from escalation.ports import Place, Transaction, UseCase
from escalation.retention import Kept, may_go
from escalation.service.context import Core
from escalation.service.steps.clerk import by_us
from escalation.service.steps.fence import by_the_one_in_force

#: How many rows one batch looks at; a request comes with some ten others.
BATCH = 500
BATCH_OF_REQUESTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one batch came to."""

    count: int  #: How many it removed.
    up_to: Place  #: Where the next one goes on.
    is_last: bool  #: Whether nothing more is old enough.


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What may have been kept for its term at an instant; whether any of it may go is for a batch to say."""

    at: datetime
    kinds: Sequence[Kept]


async def due(core: Core) -> Due:
    """Return what is due now."""
    async with core.store.read() as tx:
        terms, oldest = core.configuration().retention, await tx.retention.oldest()
        limits = {kept: _term(terms, kept) for kept in oldest}
        kinds = [kept for kept, term in limits.items() if term is not None and oldest[kept] < tx.now - term]
        return Due(at=tx.now, kinds=kinds)


async def remove(core: Core, kept: Kept, *, at: datetime, behind: Place) -> Batch:
    """Remove a batch of what was *kept* for its term *at* that instant, from *behind* there on."""

    def begin(core: Core) -> UseCase[Batch]:
        async def in_transaction(tx: Transaction) -> Batch:
            term = _term(core.configuration().retention, kept)
            if term is None or not await tx.retention.hold():
                return Batch(count=0, up_to=behind, is_last=True)
            return await _Batch(core=core, tx=tx, kept=kept, at=at, term=term).remove(behind)

        return in_transaction

    return await by_the_one_in_force(core, begin, touches=None)


def _term(terms: Retention, kept: Kept) -> timedelta | None:
    match kept:
        case Kept.REQUESTS | Kept.CONFIGURATIONS:
            return terms.requests
        case Kept.CLICKS:
            return terms.clicks
        case Kept.MESSAGES:
            return terms.messages
        case Kept.WORDS:
            return terms.words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    core: Core
    tx: Transaction
    kept: Kept
    at: datetime
    term: timedelta

    async def remove(self, behind: Place) -> Batch:
        """Remove it, and record that."""
        retention, before = self.tx.retention, self.at - self.term
        match self.kept:
            case Kept.REQUESTS:
                return await self._requests(behind)
            case Kept.CLICKS:
                removed = await retention.remove_clicks(before, behind=behind, limit=BATCH)
            case Kept.MESSAGES:
                removed = await retention.remove_messages(before, behind=behind, limit=BATCH)
            case Kept.WORDS:
                return await self._first(await retention.erase_words(before, limit=BATCH))
            case Kept.CONFIGURATIONS:
                return await self._first(await retention.forget_configurations(before, limit=BATCH))
        await self._record(removed.count)
        return Batch(count=removed.count, up_to=removed.up_to, is_last=removed.looked_at < BATCH)

    async def _requests(self, behind: Place) -> Batch:
        tx, before = self.tx, self.at - self.term
        looked = await tx.requests.lock_settled(before, behind=behind, limit=BATCH_OF_REQUESTS)
        ids = [request.id for request in looked.found]
        grants = await tx.grants.among(ids)
        unsaid = await tx.retention.unsaid(ids)
        stored = await tx.retention.stored([each.follow for each in looked.found if each.follow is not None])
        going = [
            request.id
            for request in looked.found
            if may_go(request, grants.get(request.id), before=before, unsaid=unsaid, stored=stored)
        ]
        if going:
            clicks_before = self.at - self.core.configuration().retention.clicks
            await tx.retention.remove_requests(going, clicks_before=clicks_before)
        await self._record(len(going), requests=going)
        return Batch(count=len(going), up_to=looked.up_to, is_last=looked.count < BATCH_OF_REQUESTS)

    async def _first(self, count: int) -> Batch:
        # What is removed is never met again: the next batch begins at the first row there is.
        await self._record(count)
        return Batch(count=count, up_to=Place(), is_last=count == 0)

    async def _record(self, count: int, requests: Sequence[RequestId] = ()) -> None:
        if count:
            await by_us(self.core, self.tx, "keeper").record(
                EventName.ROWS_REMOVED,
                self.kept.value,
                count=count,
                before=instant(self.at - self.term),
                days=self.term // timedelta(days=1),
                requests=list(requests) or None,
            )
