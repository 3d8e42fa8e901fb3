"""Writes what a use case leaves behind: changed rows, events for the record, messages for the outbox."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from escalation import audit, notice
from escalation.action import canonical
from escalation.audit import Event, EventName
from escalation.commitment import Value, commit, written
from escalation.errors import StoreError
from escalation.grant import Grant
from escalation.ids import AgentName, EventId, OutboxId, PersonId
from escalation.ports import OutboxKind, Outgoing, Transaction, Turn
from escalation.reason import Refused
from escalation.request import Request
from escalation.service.context import Core

#: Bytes of who did something, to what, and whose business it was.
_LONGEST_NAMES = 4096
#: Characters of an id or a name that can always be sealed if it is printable ASCII.
_PLAIN_NAME = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """What one actor does in one transaction."""

    core: Core
    tx: Transaction
    actor: str

    async def add(self, successor: Request) -> None:
        """Insert *successor*, which has no idempotency key that another request could have."""
        if not await self.tx.requests.add(successor):
            raise StoreError(f"{successor.id} was not stored; nothing was written")

    async def save(self, thing: Request | Grant) -> None:
        """Save *thing*, which this transaction holds locked."""
        rows = self.tx.requests if isinstance(thing, Request) else self.tx.grants
        if not await rows.save(thing):  # type: ignore[arg-type]  # each row goes to its own table
            raise StoreError(f"{thing.id} changed although it was locked; nothing was written")

    async def record(
        self,
        name: EventName,
        subject: str,
        *,
        agent: str | None = None,
        at: datetime | None = None,
        **data: Value,
    ) -> None:
        """
        Add an event to the record; of what is ``written`` in *data* it holds commitments only.

        *at*: the instant that a row has of it. The transaction's own, where that is left out, moves on
        when a statement had to wait.

        Raises ``InvalidAction`` for one that could never be sealed.
        """
        # The data is checked by its canonical form. One event that cannot be linked would hold up the
        # sealing of all that follow, for ever.
        if not all(_is_plain(text) for text in (self.actor, subject, agent or "")):
            canonical([self.actor, subject, agent], limit=_LONGEST_NAMES)
        id_ = EventId(self.core.ids.new("evt"))
        values, texts = commit(id_, data, salt=self.core.ids.secret)
        event = Event(
            id=id_,
            at=at or self.tx.now,
            name=name,
            actor=self.actor,
            subject=subject,
            agent=agent,
            data=audit.data(values),
        )
        await self.tx.record.add(event, texts)

    async def refuse(self, refused: Refused, subject: str, *, agent: str | None = None, what: str) -> Refused:
        """Add the refusal to the record and return it."""
        # The detail may quote what an agent sent.
        reason, detail = refused.reason.value, written(refused.detail or None)
        await self.record(
            EventName.INGRESS_REFUSED, subject, agent=agent, what=what, reason=reason, detail=detail
        )
        return refused

    async def card(self, request: Request) -> None:
        """Have the card of *request* posted, or brought up to date; where a rule decided, there is none."""
        if request.terms.approvers:
            await self._queue(OutboxKind.CARD, request.channel, request)

    async def thread(self, request: Request, told: notice.Notice) -> None:
        """Have *told* said in the card's thread; where a rule decided, there is none."""
        if request.terms.approvers:
            await self._queue(OutboxKind.THREAD, request.channel, request, told)

    async def direct(self, person: PersonId, told: notice.Notice, request: Request | None = None) -> None:
        """Have *person* told."""
        await self._queue(OutboxKind.DIRECT, f"@{person}", request, told)

    async def alert(self, told: notice.Notice, request: Request | None = None) -> None:
        """Have the alerts channel told."""
        channel = self.core.configuration().alerts_channel
        await self._queue(OutboxKind.ALERT, channel, request, told)

    async def seal(self, told: notice.Sealed) -> None:
        """Have the audit channel told, if there is one."""
        channel = self.core.configuration().audit_channel
        if channel is not None:
            await self._queue(OutboxKind.SEAL, channel, None, told)

    async def summary(self, lane: str) -> OutboxId:
        """Have *lane* told in one message what is folded into it, and return its id."""
        others = OutboxKind.ALERT if lane == self.core.configuration().alerts_channel else OutboxKind.THREAD
        kind = OutboxKind.DIRECT if lane.startswith("@") else others
        return await self._queue(kind, lane, None, notice.NeverShown())

    async def _queue(
        self, kind: OutboxKind, lane: str, request: Request | None, told: notice.Notice | None = None
    ) -> OutboxId:
        outgoing = Outgoing(
            id=OutboxId(self.core.ids.new("out")),
            kind=kind,
            lane=lane,
            request=None if request is None else request.id,
            body="{}" if told is None else notice.body(told),
            at=self.tx.now,
            not_before=self.tx.now,
            turn=_turn(kind, request, told),
        )
        await self.tx.outbox.add(outgoing)
        return outgoing.id


def _turn(kind: OutboxKind, request: Request | None, told: notice.Notice | None) -> Turn:
    if isinstance(told, notice.NeverShown):
        return Turn.SUMMARY
    if kind in {OutboxKind.ALERT, OutboxKind.DIRECT}:
        # That nobody decided is news of a request, and many such news are one.
        return Turn.NEWS if isinstance(told, notice.Unanswered | notice.BackupCalled) else Turn.ALARM
    waits = request is not None and not request.state.is_settled and request.delivered_at is None
    return Turn.ASK if waits and kind is OutboxKind.CARD else Turn.NEWS


def _is_plain(text: str) -> bool:
    # Nearly every id and name is; what is not is checked in full.
    return len(text) < _PLAIN_NAME and text.isascii() and text.isprintable()


def by_person(core: Core, tx: Transaction, person: PersonId) -> Clerk:
    """Return the clerk of what *person* does."""
    return _clerk(core, tx, f"person:{person}")


def by_agent(core: Core, tx: Transaction, agent: AgentName) -> Clerk:
    """Return the clerk of what *agent* does."""
    return _clerk(core, tx, f"agent:{agent}")


def by_us(
    core: Core,
    tx: Transaction,
    which: Literal["clock", "courier", "sealer", "sweeper", "operator", "doctor", "keeper"],
) -> Clerk:
    """Return the clerk of what Andon does by itself, or at the command line."""
    return _clerk(core, tx, which)


def _clerk(core: Core, tx: Transaction, actor: str) -> Clerk:
    # What one actor does in one transaction is done by one configuration.
    return Clerk(core=core.by(core.configuration()), tx=tx, actor=actor)
