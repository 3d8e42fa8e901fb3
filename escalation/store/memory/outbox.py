"""What is still to be said in Slack, in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from escalation.ids import OutboxId, RequestId
from escalation.ports import Again, Doubt, Folded, OutboxKind, Outgoing, Place, Turn
from escalation.store.memory.cards import CARDS
from escalation.store.memory.requests import REQUESTS
from escalation.store.memory.set_aside import is_aside
from escalation.store.memory.view import Table, View

UNSENT: Table[OutboxId, Outgoing] = Table()
#: When what was said was.
SENT: Table[OutboxId, Place] = Table()
#: Until when each of the messages that do so holds its lane.
_HELD: Table[OutboxId, datetime] = Table()
_ASIDE: Table[OutboxId, Outgoing] = Table()
_WAITING_CARDS: Table[RequestId, OutboxId] = Table()


@dataclass(frozen=True, slots=True)
class _Told:
    """What a summary tells of in its place."""

    outgoing: Outgoing
    into: OutboxId


FOLDED: Table[OutboxId, _Told] = Table()


class MemoryOutbox:
    """The outbox of one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, outgoing: Outgoing) -> None:
        """Queue it; a card that waits unsent for the same request already is enough, and takes this turn."""
        if outgoing.kind is OutboxKind.CARD and outgoing.request is not None:
            waiting = self._view[UNSENT].get(self._view[_WAITING_CARDS].get(outgoing.request) or outgoing.id)
            if waiting is not None:
                self._view[UNSENT].put(waiting.id, replace(waiting, turn=outgoing.turn))
                return
            self._view[_WAITING_CARDS].put(outgoing.request, outgoing.id)
        self._view[UNSENT].add(outgoing.id, outgoing)

    async def take(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[Outgoing]:
        """Return what may be sent at *now*, by its turn, and hide it from others for *lease*."""
        taken = [
            replace(head, not_before=now + lease, attempts=head.attempts + 1)
            for head in sorted(self._heads(now), key=_in_turn)[:limit]
        ]
        for outgoing in taken:
            self._view[UNSENT].put(outgoing.id, outgoing)
            self._view[_HELD].put(outgoing.id, outgoing.not_before)
            # Its card is being drawn: what changes from now on needs a row of its own.
            self._waits_no_more(outgoing)
        return taken

    async def done(self, outgoing: OutboxId, at: datetime) -> None:
        """Note that it was said at *at*."""
        found = self._view[UNSENT].get(outgoing)
        if found is None:
            return
        self._view[UNSENT].drop(outgoing)
        self._view[SENT].put(outgoing, Place(at=at, id=outgoing))
        self._view[_HELD].drop(outgoing)
        self._waits_no_more(found)

    async def retry(self, outgoing: OutboxId, again: Again) -> None:
        """Try it again, as *again* says; until then its lane waits, unless it waits alone."""
        found = self._view[UNSENT].get(outgoing)
        if found is None:
            return
        tried = replace(found, not_before=again.not_before, cleared=again.cleared, error=again.error)
        self._view[UNSENT].put(outgoing, tried)
        self._view[_HELD].drop(outgoing)
        if not again.alone:
            self._view[_HELD].put(outgoing, again.not_before)

    async def foldable(self, lane: str, limit: int, *, now: datetime) -> Sequence[OutboxId]:
        """Return what waits in *lane* about requests that ended before their card was ever posted."""
        cards = [each for each in self._unsent() if _is_card_in_doubt(each)]
        doubtful = {each.request for each in cards if not _is_under_way(each, now)}
        waiting = (each for each in self._unsent() if each.lane == lane and each.request not in doubtful)
        found = [each for each in waiting if self._is_foldable(each)]
        return [each.id for each in sorted(found, key=_in_turn)[:limit]]

    async def card_in_doubt(
        self, request: RequestId, *, now: datetime, beside: OutboxId | None = None
    ) -> Doubt | None:
        """Return what is known of a card of *request* that may stand without our having heard of it."""
        cards = (each for each in self._unsent() if each.request == request and each.id != beside)
        doubtful = [each for each in cards if _is_card_in_doubt(each)]
        first = min(doubtful, key=lambda each: each.at, default=None)
        return None if first is None else Doubt(since=first.at, under_way=_is_under_way(first, now))

    async def summary_of(self, lane: str) -> OutboxId | None:
        """Return the summary that waits in *lane*, tried or not."""
        waiting = (each for each in self._unsent() if each.turn is Turn.SUMMARY)
        return next((each.id for each in waiting if each.lane == lane), None)

    async def fold(self, outgoing: OutboxId, *, into: OutboxId, at: datetime) -> None:
        """Note that the summary *into* tells of it."""
        found = self._view[UNSENT].get(outgoing)
        if found is not None:
            self._view[FOLDED].put(outgoing, _Told(found, into))
            await self.done(outgoing, at)

    async def folded(self, into: OutboxId, *, limit: int) -> Folded | None:
        """Return what the summary *into* tells of, with *limit* of the requests; none if nothing."""
        told = [each.outgoing for each in self._view[FOLDED].values() if each.into == into]
        if not told:
            return None
        first: dict[RequestId, datetime] = {}
        for each in told:
            if each.request is not None:
                first[each.request] = min(first.get(each.request, each.at), each.at)
        return Folded(
            count=len(first),
            first_at=min(each.at for each in told),
            last_at=max(each.at for each in told),
            requests=tuple(sorted(first, key=lambda request: (first[request], request))[:limit]),
        )

    async def count_asks(self) -> int:
        """Return how many requests wait for their card to be posted."""
        return len({each.request for each in self._unsent() if each.turn is Turn.ASK})

    async def refused(self, limit: int) -> Sequence[Outgoing]:
        """Return up to *limit* messages that were tried and are not taken yet, the oldest first."""
        tried = (each for each in self._unsent() if each.error is not None)
        return sorted(tried, key=lambda each: (each.at, each.id))[:limit]

    async def waits(self, lane: str, kind: OutboxKind) -> bool:
        """Return whether something of *kind* is still to be said in *lane*."""
        return any(each.lane == lane and each.kind is kind for each in self._unsent())

    async def set_aside(self, outgoing: OutboxId, at: datetime) -> None:
        """Take it out of its lane, unsaid."""
        found = self._view[UNSENT].get(outgoing)
        if found is not None:
            await self.done(outgoing, at)
            self._view[_ASIDE].put(outgoing, found)

    async def bring_back(self, outgoing: OutboxId, *, not_before: datetime) -> Outgoing | None:
        """Put what was set aside back into its lane, or into the summary that waits there."""
        found = self._view[_ASIDE].get(outgoing)
        if found is None:
            return None
        self._view[_ASIDE].drop(outgoing)
        into = await self.summary_of(found.lane) if found.turn is Turn.SUMMARY else None
        if into is not None:
            for told in [each for each in self._view[FOLDED].values() if each.into == outgoing]:
                self._view[FOLDED].put(told.outgoing.id, replace(told, into=into))
            return found
        self._view[SENT].drop(outgoing)
        self._view[UNSENT].put(outgoing, replace(found, not_before=not_before))
        return found

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which the first in turn of a lane may be sent."""
        firsts = {each.lane: each.not_before for each in sorted(self._unsent(), key=_in_turn, reverse=True)}
        return min((firsts | self._held()).values(), default=None)

    def _unsent(self) -> Iterator[Outgoing]:
        return self._view[UNSENT].values()

    def _held(self) -> dict[str, datetime]:
        held: dict[str, datetime] = {}
        for outgoing in self._unsent():
            until = self._view[_HELD].get(outgoing.id)
            if until is not None:
                held[outgoing.lane] = max(held.get(outgoing.lane, until), until)
        return held

    def _heads(self, now: datetime) -> list[Outgoing]:
        # One lane is sent in order: while one of it is under way or was told to wait, the rest waits too.
        held, heads = self._held(), dict[str, Outgoing]()
        for outgoing in self._unsent():
            if outgoing.not_before > now or held.get(outgoing.lane, now) > now:
                continue
            head = heads.get(outgoing.lane)
            if head is None or _in_turn(outgoing) < _in_turn(head):
                heads[outgoing.lane] = outgoing
        return list(heads.values())

    def _is_foldable(self, outgoing: Outgoing) -> bool:
        if outgoing.request is None or outgoing.turn not in {Turn.ASK, Turn.NEWS}:
            return False
        request = self._view[REQUESTS].get(outgoing.request)
        ended = request is not None and request.state.is_settled
        ended = ended and not is_aside(self._view, "requests", outgoing.request)
        doubtful = outgoing.attempts != outgoing.cleared
        return ended and not doubtful and self._view[CARDS].get(outgoing.request) is None

    def _waits_no_more(self, outgoing: Outgoing) -> None:
        if outgoing.request and self._view[_WAITING_CARDS].get(outgoing.request) == outgoing.id:
            self._view[_WAITING_CARDS].drop(outgoing.request)


def _is_card_in_doubt(outgoing: Outgoing) -> bool:
    return outgoing.kind is OutboxKind.CARD and outgoing.attempts > outgoing.cleared


def _is_under_way(outgoing: Outgoing, now: datetime) -> bool:
    first = outgoing.error is None and outgoing.attempts == outgoing.cleared + 1
    return first and outgoing.not_before > now


def _in_turn(outgoing: Outgoing) -> tuple[Turn, datetime, OutboxId]:
    return outgoing.turn, outgoing.at, outgoing.id
