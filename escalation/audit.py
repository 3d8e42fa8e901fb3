"""
The record: what happened, chained so that nobody can change it unseen.

Each event is one row, written in the transaction of the change it tells of. Every few seconds
the events that arrived are linked: link *n* hashes link *n − 1* together with its event and the
event's position. A seal names the last link; whoever noted a seal's hash somewhere else can prove
by it, offline, that nothing before it was edited, inserted, deleted, reordered or cut off. What
people and agents wrote is in the chain as commitments only: see ``commitment``.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NewType

from escalation.action import Json, canonical, decode
from escalation.commitment import Disclosure
from escalation.errors import InvalidAction
from escalation.ids import EventId

ChainHash = NewType("ChainHash", str)

#: What the first link is chained to.
GENESIS = ChainHash("0" * 64)
#: An event's data, in bytes.
_MAX_DATA = 512 * 1024
#: Characters of an event that have a canonical text whatever they are, but for NUL.
_SURELY_FITS = 64 * 1024
#: Events are linked in seconds; one that waits for longer than this is not about to be.
SEALING_DELAY = timedelta(minutes=5)


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
    MESSAGES_SUMMARISED = "messages.summarised"
    GRANT_GRANTED = "grant.granted"
    GRANT_CLAIMED = "grant.claimed"
    GRANT_SUCCEEDED = "grant.succeeded"
    GRANT_FAILED = "grant.failed"
    GRANT_UNKNOWN = "grant.unknown"
    GRANT_REPORTED_LATE = "grant.reported_late"
    GRANT_EXPIRED = "grant.expired"
    GRANT_REVOKED = "grant.revoked"
    SWITCH_STOPPED = "switch.stopped"
    SWITCH_SWEPT = "switch.swept"
    SWITCH_RESUMED = "switch.resumed"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    CONFIGURATION_LOADED = "configuration.loaded"
    CONFIGURATION_REFUSED = "configuration.refused"
    INGRESS_REFUSED = "ingress.refused"
    INGRESS_REFUSED_OFTEN = "ingress.refused_often"
    RELEASES_FROZEN = "releases.frozen"
    RESTORE_ACKNOWLEDGED = "restore.acknowledged"
    ROW_SET_ASIDE = "row.set_aside"
    ROW_RELEASED = "row.released"
    ROWS_REMOVED = "rows.removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened."""

    id: EventId
    at: datetime
    name: EventName
    actor: str  #: ``person:salma``, ``agent:bank-reconciliation``, ``clock``, ``slack``, ``operator:cli``.
    subject: str  #: The id of what it happened to.
    agent: str | None  #: Whose business it is, for queries.
    data: str  #: The rest, as canonical JSON.


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An event's row as it is found: a newer version or a stranger's hand may have written it."""

    position: int  #: Where it stands among the rows; its link says the same.
    id: EventId
    at: datetime | None  #: None where the row holds no possible instant.
    name: str  #: Of an `EventName`, where this version knows it.
    actor: str
    subject: str
    agent: str | None
    data: str
    no_instant: str | None = None  #: What the row holds in place of an instant.

    def text(self) -> str:
        """
        Return the text that is hashed: of an event its canonical text, of any other row what stands in it.

        Left out, such a row would hold up the chain, or leave a gap that nobody could tell from a
        deletion. Linked as it stands, it shows any change as every other event does.
        """
        canonical_text = self._canonical()
        if canonical_text is not None:
            return canonical_text
        # With spaces between its parts, which no canonical text has.
        return json.dumps({**self._values(), "no_instant": self.no_instant}, sort_keys=True)

    def problem(self) -> str | None:
        """Return why no version can have written this; none of an event, known to this version or not."""
        if self.at is None:
            return "its instant is impossible"
        whole = "".join((self.name, self.actor, self.subject, self.agent or "", self.data))
        if len(whole) <= _SURELY_FITS and "\0" not in whole:
            return None
        return "its row holds what no event can" if self._canonical() is None else None

    def _canonical(self) -> str | None:
        if self.at is None:
            return None
        try:
            # Quoted once more, data grows to twice its bytes at most.
            return canonical(self._values(), limit=3 * _MAX_DATA)
        except InvalidAction:
            return None

    def _values(self) -> dict[str, Json]:
        return {
            "actor": self.actor,
            "agent": self.agent,
            "at": None if self.at is None else instant(self.at),
            "data": self.data,
            "id": self.id,
            "name": self.name,
            "subject": self.subject,
        }

    def event(self) -> Event | None:
        """Return the event, if this version knows what happened."""
        if self.at is None or self.name not in _NAMES:
            return None
        return Event(
            id=self.id,
            at=self.at,
            name=_NAMES[self.name],
            actor=self.actor,
            subject=self.subject,
            agent=self.agent,
            data=self.data,
        )


_NAMES = {name.value: name for name in EventName}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An event's place in the chain."""

    seq: int  #: 1, 2, 3, … without gaps.
    event: EventId
    hash: ChainHash
    position: int | None = None  #: Of the event's row. The first links of all did not say it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event with its place in the chain and what is left of the words in it."""

    event: Stored | None  #: None if it was deleted.
    link: Link | None  #: None if it was never linked.
    before: ChainHash | None = None  #: The hash of the link before its own.
    waits: bool = False  #: Whether it is in line to be linked.
    texts: tuple[Disclosure, ...] = ()


class Standing(Enum):
    """How far the chain vouches for an event."""

    CHAINED = "chained"
    WAITING = "waiting"  #: Written a moment ago: it is linked and sealed in seconds.
    BESIDE = "beside"  #: Not in the chain, and nothing will link it.
    CHANGED = "changed"  #: The chain holds another event, or this one in another place.


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The head of the chain at one moment."""

    seq: int  #: Of the last link it covers.
    hash: ChainHash
    at: datetime


def instant(at: datetime) -> str:
    """Return *at* as the record writes it: UTC, microseconds, ``Z``."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def data(values: Mapping[str, Json]) -> str:
    """Return *values* as the canonical text of an event's data, without what is not known."""
    return canonical({key: value for key, value in values.items() if value is not None}, limit=_MAX_DATA)


def values_of(event: Stored) -> dict[str, Json]:
    """Return the values in *event*'s data; none if it holds what we never write."""
    try:
        values = decode(event.data)
    except InvalidAction:
        return {}
    return dict(values) if isinstance(values, dict) else {}


def link(events: Iterable[Stored], *, after: Link | None) -> list[Link]:
    """Return the links of *events*, in order, following *after*."""
    seq, head = (0, GENESIS) if after is None else (after.seq, after.hash)
    links = []
    for event in events:
        seq, head = seq + 1, _hash(head, seq + 1, event.position, event)
        links.append(Link(seq=seq, event=event.id, hash=head, position=event.position))
    return links


def follows(head: ChainHash, link: Link, event: Stored) -> bool:
    """Return whether *link* puts *event*, as it is, after *head*."""
    same = link.event == event.id and link.position in {None, event.position}
    return same and _hash(head, link.seq, link.position, event) == link.hash


def standing(entry: Entry) -> Standing:
    """Return how far the chain vouches for the event of *entry*, by its own link and the one before."""
    if entry.link is None:
        return Standing.WAITING if entry.waits else Standing.BESIDE
    head = GENESIS if entry.link.seq == 1 else entry.before
    known = head is not None and entry.event is not None and follows(head, entry.link, entry.event)
    return Standing.CHAINED if known else Standing.CHANGED


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return *entries* in the chain's order; what is not linked comes last, by its position."""

    def place(entry: Entry) -> tuple[bool, int]:
        if entry.link is not None:
            return (False, entry.link.seq)
        return (True, 0 if entry.event is None else entry.event.position)

    return sorted(entries, key=place)


def _hash(head: ChainHash, seq: int, position: int | None, event: Stored) -> ChainHash:
    place = f"{seq}" if position is None else f"{seq}\n{position}"
    return ChainHash(hashlib.sha256(f"{head}\n{place}\n{event.text()}".encode()).hexdigest())
