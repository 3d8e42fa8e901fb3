"""What the core needs from outside: a store, a courier, wake-ups and a place to break on purpose."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol, TypeAlias, TypeVar

from escalation.audit import Event, Link, Seal
from escalation.grant import Grant
from escalation.ids import AgentName, GrantId, IngressId, KeyId, OutboxId, PersonId, RequestId
from escalation.ladder import Rung
from escalation.request import Request, State
from escalation.switch import Scope, Switch

# --- values that are only stored ---------------------------------------------------------------


T = TypeVar("T")


class OutboxKind(Enum):
    """What an outbox row asks the courier to do."""

    CARD = "card"  #: Show the request's card as it stands now: post it, or bring it up to date.
    THREAD = "thread"  #: Say something in the card's thread.
    DIRECT = "direct"  #: Tell one person.
    ALERT = "alert"  #: Tell the alerts channel.
    SEAL = "seal"  #: Note a seal in the audit channel.


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One thing to say in Slack, written in the transaction of the change it tells of."""

    id: OutboxId
    kind: OutboxKind
    lane: str  #: The channel (or ``@person``): one lane is sent in order, one message at a time.
    request: RequestId | None
    body: str  #: What to say, as canonical JSON; a card's body is empty and drawn when it is sent.
    at: datetime  #: When it was written.
    not_before: datetime  #: When to try, or to try again.
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """One verified click, command or form, stored before it may decide anything."""

    id: IngressId
    fingerprint: str  #: Of the signed request; the same one again is the same click.
    person: PersonId | None
    what: str  #: Such as ``request:approve``.
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Where a request's card stands in Slack."""

    request: RequestId
    channel: str
    ts: str  #: Slack's proof that it was posted.


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rung of one request: when it was planned and when it happened."""

    request: RequestId
    rung: Rung
    planned_at: datetime
    actual_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """A request with what belongs to it."""

    request: Request
    grant: Grant | None = None
    card: Card | None = None  #: Where it stands in Slack.
    original: Request | None = None  #: The request that this one edits.
    steps: Sequence[Step] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An agent's key. Only its hash is kept."""

    id: KeyId
    agent: AgentName
    hash: str  #: SHA-256 of the key, in hex.
    created_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which part of a list."""

    limit: int
    after: RequestId | None = None  #: Older than this one.


# --- the store -----------------------------------------------------------------------------------


class Requests(Protocol):
    """The requests."""

    async def add(self, request: Request) -> bool:
        """Insert *request*; return False (and change nothing) if its agent's key is taken."""
        ...

    async def get(self, request: RequestId) -> Request | None: ...

    async def lock(self, request: RequestId) -> Request | None:
        """Return it and keep others from changing it until this transaction ends."""
        ...

    async def by_key(self, agent: AgentName, key: str) -> Request | None: ...

    async def save(self, request: Request) -> bool:
        """Write *request* over version ``request.version - 1``; return False if that is not there."""
        ...

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Request]:
        """Return the pending requests due at *now*, oldest first, skipping those others hold."""
        ...

    async def lock_pending(self, scope: Scope) -> Sequence[Request]:
        """Return every pending request that a stop of *scope* covers, waiting for those others hold."""
        ...

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which a request is due."""
        ...

    async def page(
        self, page: Page, *, agent: AgentName | None = None, states: Collection[State] = ()
    ) -> Sequence[Request]:
        """Return requests, newest first; no states means all of them."""
        ...

    async def most_urgent(self, limit: int) -> Sequence[Request]:
        """Return what is pending, soonest deadline first."""
        ...

    async def decided_by(self, person: PersonId, limit: int) -> Sequence[Request]:
        """Return what *person* decided, newest first."""
        ...


class Grants(Protocol):
    """The grants."""

    async def add(self, grant: Grant) -> None: ...

    async def get(self, grant: GrantId) -> Grant | None: ...

    async def lock(self, grant: GrantId) -> Grant | None: ...

    async def of(self, request: RequestId) -> Grant | None: ...

    async def save(self, grant: Grant) -> bool:
        """Write *grant* over version ``grant.version - 1``; return False if that is not there."""
        ...

    async def lock_due(self, now: datetime, limit: int) -> Sequence[Grant]: ...

    async def lock_unclaimed(self, scope: Scope) -> Sequence[Grant]:
        """Return every grant not yet claimed that a stop of *scope* covers."""
        ...

    async def next_due_at(self) -> datetime | None: ...


class Switches(Protocol):
    """The kill switches: one row per scope, so that a stop and a claim exclude each other."""

    async def ensure(self, scopes: Collection[Scope]) -> None:
        """Insert a running switch for each scope that has none."""
        ...

    async def share(self, scopes: Collection[Scope]) -> Sequence[Switch]:
        """Return the switches of *scopes* and keep all of them from moving until this transaction ends."""
        ...

    async def lock(self, scope: Scope) -> Switch | None:
        """Return the switch and keep others from reading it for a claim, or moving it."""
        ...

    async def save(self, switch: Switch) -> bool: ...

    async def stopped(self) -> Sequence[Switch]: ...


class Outbox(Protocol):
    """What is still to be said in Slack."""

    async def add(self, outgoing: Outgoing) -> None:
        """Queue it; a card that waits unsent for the same request already is enough."""
        ...

    async def take(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[Outgoing]:
        """Return what may be sent at *now*, oldest first, and hide it from others for *lease*."""
        ...

    async def done(self, outgoing: OutboxId, at: datetime) -> None: ...

    async def retry(self, outgoing: OutboxId, *, not_before: datetime, error: str) -> None: ...

    async def next_due_at(self) -> datetime | None: ...


class Cards(Protocol):
    """Where cards stand."""

    async def get(self, request: RequestId) -> Card | None: ...

    async def put(self, card: Card) -> None:
        """Remember *card*, in place of an older one of the same request."""
        ...


class Inbox(Protocol):
    """What people clicked."""

    async def add(self, ingress: Ingress) -> bool:
        """Store it; return False if the same signed click was stored before."""
        ...


class Steps(Protocol):
    """The rungs that were climbed."""

    async def add(self, step: Step) -> None: ...

    async def of(self, request: RequestId) -> Sequence[Step]: ...


class Keys(Protocol):
    """The agents' keys."""

    async def add(self, key: Key) -> None: ...

    async def by_hash(self, hash_: str) -> Key | None:
        """Return the key, unless it was revoked."""
        ...

    async def all(self) -> Sequence[Key]: ...

    async def revoke(self, key: KeyId, at: datetime) -> bool: ...


class Record(Protocol):
    """The audit record. Rows are only ever added."""

    async def add(self, event: Event) -> None: ...

    async def unlinked(self, limit: int) -> Sequence[Event]:
        """Return events without a link, oldest first."""
        ...

    async def hold(self) -> bool:
        """Become the only one who links events until this transaction ends; False if another is."""
        ...

    async def last_link(self) -> Link | None: ...

    async def add_links(self, links: Sequence[Link]) -> None: ...

    async def add_seal(self, seal: Seal) -> None: ...

    async def last_seal(self) -> Seal | None: ...

    async def seals(self) -> Sequence[Seal]: ...

    def walk(self) -> AsyncIterator[tuple[Link, Event | None]]:
        """Yield every link in order, with its event if that still exists."""
        ...

    async def count_unlinked(self) -> int: ...

    async def page(self, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Event]:
        """
        Return the newest events, the oldest of them first, of an agent or about a subject.

        About a request is what became of it too: the events of what it was edited or asked again
        into, and of their grants.
        """
        ...


class Configurations(Protocol):
    """Every configuration that was ever in force."""

    async def add(self, version: str, *, at: datetime, body: str) -> bool:
        """Remember it as the one in force; return False if it is so already."""
        ...


class Transaction(Protocol):
    """One commit. It takes effect as a whole when its block ends, or not at all."""

    @property
    def now(self) -> datetime:
        """The instant of this transaction, by the store's clock."""
        ...

    @property
    def requests(self) -> Requests: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def switches(self) -> Switches: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def cards(self) -> Cards: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def steps(self) -> Steps: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def record(self) -> Record: ...
    @property
    def configurations(self) -> Configurations: ...


#: What is done in one transaction.
UseCase: TypeAlias = Callable[[Transaction], Awaitable[T]]


class Store(Protocol):
    """The database, or its twin in memory."""

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that may change things; commit at the end of the block, or roll back."""
        ...

    async def transact(self, use_case: UseCase[T], *, touches: Collection[str]) -> T:
        """
        Run *use_case* in a transaction that it may share with others, and return its answer once committed.

        *touches* names what it changes: it shares a commit with no other that touches any of the same.
        It takes effect as a whole or not at all, whatever becomes of its neighbours, and it may be
        run a second time: its only effects are those of its transaction.
        """
        ...

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that changes nothing."""
        ...

    async def check(self) -> None:
        """Raise ``StoreError`` unless the database answers and its schema is the one we know."""
        ...

    async def close(self) -> None: ...


# --- the rest ------------------------------------------------------------------------------------


class Waiter(Protocol):
    """One who waits."""

    async def wait(self, seconds: float) -> None:
        """Return once the topic was woken since the last return (or the start); or after *seconds*."""
        ...


class Wakeups(Protocol):
    """Wakes whoever waits for something. It may lose a call at any time; waiters read again anyway.

    A topic is a request's id, or one of the names in ``Topic``.
    """

    async def wake(self, topic: str) -> None:
        """Tell every waiter of *topic*, in every replica. Never raises: it is a nudge, not a promise."""
        ...

    def wake_all_here(self) -> None:
        """Tell every waiter in this process, whatever it waits for."""
        ...

    def listen(self, topic: str) -> AbstractAsyncContextManager[Waiter]:
        """OutboxKind every wake-up of *topic* during the block."""
        ...

    async def close(self) -> None: ...


class Topic:
    """What an engine waits for."""

    OUTBOX = "outbox"  #: Something is to be said in Slack.


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Slack took it."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TryLater:
    """It may work later."""

    why: str
    after: timedelta | None = None  #: What Slack asked for, if it did.


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """It will never work: the channel is archived, gone, or not ours."""

    why: str


Delivery = Delivered | TryLater | Impossible


class Courier(Protocol):
    """Carries an outbox row to Slack."""

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        """Say *outgoing* in Slack, drawing what it is *about* as it stands now."""
        ...


class Kills(Protocol):
    """Named places where a test may kill the process. In production they do nothing."""

    def __call__(self, point: str) -> None: ...


def never(point: str) -> None:
    """Let the process live."""
