"""What every use case needs, and the few things all of them do."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from traceback import extract_tb
from typing import Literal

from escalation import audit, notice
from escalation.action import Json, canonical
from escalation.audit import Event, EventName
from escalation.authority import Account, Person
from escalation.configuration import Configuration
from escalation.errors import StoreError
from escalation.grant import Grant
from escalation.ids import AgentName, EventId, Ids, IngressId, OutboxId, PersonId
from escalation.ports import Ingress, Kills, Notice, Outgoing, Store, Topic, Transaction, Wakeups, never
from escalation.reason import Reason, Refused
from escalation.request import Request

#: Bytes of who did something, to what, and whose business it was.
_LONGEST_NAMES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The outside, behind its ports."""

    store: Store
    ids: Ids
    wakeups: Wakeups
    configuration: Callable[[], Configuration]  #: What is in force now.
    kill: Kills = never
    closing: asyncio.Event = field(default_factory=asyncio.Event)  #: Set when the process ends.


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A verified click, command or form from Slack: who, and which signed request carried it."""

    account: Account
    fingerprint: str
    what: str  #: Such as ``request:approve``.


@dataclass(frozen=True, slots=True)
class Clicker:
    """The person behind a click that is stored and counts."""

    person: Person
    ingress: IngressId


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """Writes what a use case leaves behind: events for the record, messages for the outbox."""

    core: Core
    tx: Transaction
    actor: str

    async def note(self, name: EventName, subject: str, *, agent: str | None = None, **data: Json) -> None:
        """Add an event to the record. Raises ``InvalidAction`` for one that could never be sealed."""
        # The data is checked by its canonical form. One line that cannot be linked would hold up the
        # sealing of all that follow, for ever.
        canonical([self.actor, subject, agent], limit=_LONGEST_NAMES)
        event = Event(
            id=EventId(self.core.ids.new("evt")),
            at=self.tx.now,
            name=name,
            actor=self.actor,
            subject=subject,
            agent=agent,
            data=audit.data(data),
        )
        await self.tx.record.add(event)

    async def refuse(self, refused: Refused, subject: str, *, agent: str | None = None, what: str) -> Refused:
        """Add the refusal to the record and return it."""
        reason, detail = refused.reason.value, refused.detail or None
        await self.note(
            EventName.INGRESS_REFUSED, subject, agent=agent, what=what, reason=reason, detail=detail
        )
        return refused

    async def card(self, request: Request) -> None:
        """Have the card of *request* posted, or brought up to date; where a rule decided, there is none."""
        if request.terms.approvers:
            await self._queue(Notice.CARD, request.channel, request, "{}")

    async def thread(self, request: Request, note: notice.Note) -> None:
        """Have *note* said in the card's thread; where a rule decided, there is none."""
        if request.terms.approvers:
            await self._queue(Notice.THREAD, request.channel, request, notice.body(note))

    async def direct(self, person: PersonId, note: notice.Note, request: Request | None = None) -> None:
        """Have *person* told."""
        await self._queue(Notice.DIRECT, f"@{person}", request, notice.body(note))

    async def alert(self, note: notice.Note, request: Request | None = None) -> None:
        """Have the alerts channel told."""
        channel = self.core.configuration().alerts_channel
        await self._queue(Notice.ALERT, channel, request, notice.body(note))

    async def seal(self, note: notice.Sealed) -> None:
        """Have the audit channel told, if there is one."""
        channel = self.core.configuration().audit_channel
        if channel is not None:
            await self._queue(Notice.SEAL, channel, None, notice.body(note))

    async def _queue(self, what: Notice, lane: str, request: Request | None, body: str) -> None:
        outgoing = Outgoing(
            id=OutboxId(self.core.ids.new("out")),
            notice=what,
            lane=lane,
            request=None if request is None else request.id,
            body=body,
            at=self.tx.now,
            not_before=self.tx.now,
        )
        await self.tx.outbox.add(outgoing)


def by_person(core: Core, tx: Transaction, person: PersonId) -> Clerk:
    """Return the clerk of what *person* does."""
    return Clerk(core=core, tx=tx, actor=f"person:{person}")


def by_agent(core: Core, tx: Transaction, agent: AgentName) -> Clerk:
    """Return the clerk of what *agent* does."""
    return Clerk(core=core, tx=tx, actor=f"agent:{agent}")


def by_us(core: Core, tx: Transaction, which: Literal["clock", "courier", "sealer", "operator"]) -> Clerk:
    """Return the clerk of what Andon does by itself, or at the command line."""
    return Clerk(core=core, tx=tx, actor=which)


async def take_in(core: Core, tx: Transaction, click: Click, subject: str) -> Clicker | Refused | None:
    """Store *click* and return who clicked; nothing if this very click was stored before.

    An account that belongs to nobody is refused, and that is on the record.
    """
    person = core.configuration().directory.whose(click.account)
    ingress = Ingress(
        id=IngressId(core.ids.new("ing")),
        fingerprint=click.fingerprint,
        person=None if person is None else person.id,
        what=click.what,
        at=tx.now,
    )
    if not await tx.inbox.add(ingress):
        return None
    if person is None:
        stranger = f"account:{click.account.workspace}/{click.account.user}"
        clerk = Clerk(core=core, tx=tx, actor=stranger)
        return await clerk.refuse(Refused(Reason.UNKNOWN_PERSON), subject, what=click.what)
    return Clicker(person, ingress.id)


async def save(tx: Transaction, thing: Request | Grant) -> None:
    """Save *thing*, which this transaction holds locked."""
    saved = await tx.requests.save(thing) if isinstance(thing, Request) else await tx.grants.save(thing)
    if not saved:
        raise StoreError(f"{thing.id} changed although it was locked; nothing was written")


async def wake(core: Core, *topics: str) -> None:
    """After the commit: wake who waits for *topics*, and the engine."""
    for topic in (*topics, Topic.OUTBOX):
        await core.wakeups.wake(topic)


def where(error: BaseException) -> list[str]:
    """Return the innermost places that *error* came through, for a log that must not quote its message."""
    return [f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-3:]]


def seconds_until(at: datetime, now: datetime) -> float:
    """Return how many seconds *at* is away, never less than none."""
    return max(0.0, (at - now).total_seconds())
