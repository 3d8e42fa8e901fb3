"""
The record: what happened, chained so that nobody can change it unseen.

Each event is one row, written in the transaction of the change it tells of. Every few seconds
the events that arrived are linked: link *n* hashes link *n − 1* together with its event. A seal
names the last link; whoever noted a seal's hash somewhere else can prove by it, offline, that
nothing before it was edited, inserted, deleted, reordered or cut off.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import NewType

from escalation.action import Json, canonical
from escalation.ids import EventId

ChainHash = NewType("ChainHash", str)

#: What the first link is chained to.
GENESIS = ChainHash("0" * 64)
#: An event's data, in bytes.
_MAX_DATA = 512 * 1024


class EventName(Enum):
    """Everything that is worth a line in the record."""

    REQUEST_ASKED = "request.asked"
    REQUEST_DELIVERED = "request.delivered"
    REQUEST_ACKNOWLEDGED = "request.acknowledged"
    REQUEST_CLIMBED = "request.climbed"
    DECISION_MADE = "decision.made"
    REQUEST_APPROVED = "request.approved"
    REQUEST_APPROVED_WITH_EDITS = "request.approved_with_edits"
    REQUEST_ANSWERED = "request.answered"
    REQUEST_REJECTED = "request.rejected"
    REQUEST_TIMED_OUT = "request.timed_out"
    REQUEST_UNDELIVERABLE = "request.undeliverable"
    REQUEST_CANCELLED = "request.cancelled"
    REQUEST_SUPERSEDED = "request.superseded"
    REQUEST_KILLED = "request.killed"
    REQUEST_ASKED_AGAIN = "request.asked_again"
    GRANT_GRANTED = "grant.granted"
    GRANT_CLAIMED = "grant.claimed"
    GRANT_SUCCEEDED = "grant.succeeded"
    GRANT_FAILED = "grant.failed"
    GRANT_UNKNOWN = "grant.unknown"
    GRANT_EXPIRED = "grant.expired"
    GRANT_REVOKED = "grant.revoked"
    SWITCH_STOPPED = "switch.stopped"
    SWITCH_RESUMED = "switch.resumed"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    CONFIGURATION_LOADED = "configuration.loaded"
    INGRESS_REFUSED = "ingress.refused"
    ROW_SET_ASIDE = "row.set_aside"
    ROW_RELEASED = "row.released"


@dataclass(frozen=True, slots=True)
class UnknownName:
    """The name of an event that another version wrote: it is linked and shown like any other."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    id: EventId
    at: datetime
    name: EventName | UnknownName
    actor: str  #: ``person:salma``, ``agent:bank-reconciliation``, ``clock``, ``slack``, ``operator:cli``.
    subject: str  #: The id of what it happened to.
    agent: str | None  #: Whose business it is, for queries.
    data: str  #: The rest, as canonical JSON.

    def text(self) -> str:
        """Return the canonical text that is hashed."""
        return canonical(
            {
                "actor": self.actor,
                "agent": self.agent,
                "at": instant(self.at),
                "data": self.data,
                "id": self.id,
                "name": self.name.value,
                "subject": self.subject,
            },
            # Quoted once more, data grows to twice its bytes at most; a line that could be
            # written but not sealed would hold up the chain for ever.
            limit=3 * _MAX_DATA,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadEvent:
    """
    An event that cannot be read, as the text of what stands in its row.

    It is linked like any other. Left out, it would hold up the chain for ever, or leave a gap that
    nobody could tell from a deletion; and what it is linked by still shows whether its row was changed.
    """

    id: EventId
    stored: str

    def text(self) -> str:
        """Return the text that is hashed."""
        return self.stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An event's place in the chain."""

    seq: int  #: 1, 2, 3, … without gaps.
    event: EventId
    hash: ChainHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The head of the chain at one moment."""

    seq: int  #: Of the last link it covers.
    hash: ChainHash
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The chain is whole."""

    events: int
    head: Seal | None
    unsealed: int = 0  #: Events written since the last seal, not chained yet.


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The chain is not whole, and where."""

    seq: int
    why: str


def instant(at: datetime) -> str:
    """Return *at* as the record writes it: UTC, microseconds, ``Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def data(values: Mapping[str, Json]) -> str:
    """Return *values* as the canonical text of an event's data, without what is not known."""
    return canonical({key: value for key, value in values.items() if value is not None}, limit=_MAX_DATA)


def chain(head: ChainHash, seq: int, event: Event | UnreadEvent) -> ChainHash:
    """Return the hash of link *seq*, which puts *event* after *head*."""
    return ChainHash(hashlib.sha256(f"{head}\n{seq}\n{event.text()}".encode()).hexdigest())


def link(events: Iterable[Event | UnreadEvent], *, after: Link | None) -> list[Link]:
    """Return the links of *events*, in order, following *after*."""
    seq, head = (0, GENESIS) if after is None else (after.seq, after.hash)
    links = []
    for event in events:
        seq += 1
        head = chain(head, seq, event)
        links.append(Link(seq=seq, event=event.id, hash=head))
    return links


class Verifier:
    """Walks the chain once, in order, and finds the first place where it is not whole."""

    def __init__(self, seals: Iterable[Seal], *, noted: Seal | None = None) -> None:
        self._seals = sorted((*seals, *([noted] if noted else [])), key=lambda seal: seal.seq)
        self._next_seal = 0
        self._seq = 0
        self._hash = GENESIS

    def feed(self, link: Link, event: Event | UnreadEvent | None) -> Broken | None:
        """Return where it breaks if *link* (with its *event*, if that still exists) does not follow."""
        expected = self._seq + 1
        if link.seq != expected:
            return Broken(seq=expected, why=f"link {expected} is missing; the next one is {link.seq}")
        if event is None:
            return Broken(seq=expected, why=f"event {link.event} was deleted")
        if event.id != link.event or chain(self._hash, expected, event) != link.hash:
            return Broken(seq=expected, why=f"event {event.id} or its link was changed")
        self._seq, self._hash = expected, link.hash
        return self._check_seals()

    def finish(self, *, unsealed: int) -> Verified | Broken:
        """Return the verdict after the last link; *unsealed* events were not linked yet."""
        if self._next_seal < len(self._seals):
            seal = self._seals[self._next_seal]
            return Broken(
                seq=self._seq + 1, why=f"the record ends at {self._seq}, but a seal covers {seal.seq} events"
            )
        return Verified(events=self._seq, head=self._seals[-1] if self._seals else None, unsealed=unsealed)

    def _check_seals(self) -> Broken | None:
        while self._next_seal < len(self._seals) and self._seals[self._next_seal].seq == self._seq:
            if self._seals[self._next_seal].hash != self._hash:
                return Broken(seq=self._seq, why=f"the chain at {self._seq} is not the one that was sealed")
            self._next_seal += 1
        return None
