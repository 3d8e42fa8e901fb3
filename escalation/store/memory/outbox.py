"""What is still to be said in Slack, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from escalation.ids import OutboxId, RequestId
from escalation.ports import OutboxKind, Outgoing
from escalation.store.memory.view import Table, View

_UNSENT: Table[OutboxId, Outgoing] = Table()
_ASIDE: Table[OutboxId, Outgoing] = Table()
_WAITING_CARDS: Table[RequestId, OutboxId] = Table()


class MemoryOutbox:
    """The outbox of one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, outgoing: Outgoing) -> None:
        """Queue it; a card that waits unsent for the same request already is enough."""
        if outgoing.kind is OutboxKind.CARD and outgoing.request is not None:
            if self._view[_WAITING_CARDS].get(outgoing.request) is not None:
                return
            self._view[_WAITING_CARDS].put(outgoing.request, outgoing.id)
        self._view[_UNSENT].add(outgoing.id, outgoing)

    async def take(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[Outgoing]:
        """Return what may be sent at *now*, oldest first, and hide it from others for *lease*."""
        due = [head for head in self._heads() if head.not_before <= now]
        taken = [
            replace(head, not_before=now + lease, attempts=head.attempts + 1)
            for head in sorted(due, key=_age)[:limit]
        ]
        for outgoing in taken:
            self._view[_UNSENT].put(outgoing.id, outgoing)
            # Its card is being drawn: what changes from now on needs a row of its own.
            if outgoing.request and self._view[_WAITING_CARDS].get(outgoing.request) == outgoing.id:
                self._view[_WAITING_CARDS].drop(outgoing.request)
        return taken

    async def done(self, outgoing: OutboxId, at: datetime) -> None:  # noqa: ARG002  # what was said is forgotten here
        """Note that it was said at *at*."""
        found = self._view[_UNSENT].get(outgoing)
        if found is None:
            return
        self._view[_UNSENT].drop(outgoing)
        if found.request and self._view[_WAITING_CARDS].get(found.request) == outgoing:
            self._view[_WAITING_CARDS].drop(found.request)

    async def retry(self, outgoing: OutboxId, *, not_before: datetime, error: str) -> None:  # noqa: ARG002  # nobody reads it here
        """Try it again from *not_before* on."""
        found = self._view[_UNSENT].get(outgoing)
        if found is not None:
            self._view[_UNSENT].put(outgoing, replace(found, not_before=not_before))

    async def set_aside(self, outgoing: OutboxId, at: datetime) -> None:
        """Take it out of its lane, unsaid."""
        found = self._view[_UNSENT].get(outgoing)
        if found is not None:
            await self.done(outgoing, at)
            self._view[_ASIDE].put(outgoing, found)

    async def bring_back(self, outgoing: OutboxId, *, not_before: datetime) -> Outgoing | None:
        """Put what was set aside back into its lane."""
        found = self._view[_ASIDE].get(outgoing)
        if found is None:
            return None
        self._view[_ASIDE].drop(outgoing)
        self._view[_UNSENT].put(outgoing, replace(found, not_before=not_before))
        return found

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which something may be sent."""
        return min((head.not_before for head in self._heads()), default=None)

    def _heads(self) -> list[Outgoing]:
        # One lane is sent in order: while its head waits or is under way, the rest waits too.
        heads: dict[str, Outgoing] = {}
        for outgoing in self._view[_UNSENT].values():
            head = heads.get(outgoing.lane)
            if head is None or _age(outgoing) < _age(head):
                heads[outgoing.lane] = outgoing
        return list(heads.values())


def _age(outgoing: Outgoing) -> tuple[datetime, OutboxId]:
    return outgoing.at, outgoing.id
