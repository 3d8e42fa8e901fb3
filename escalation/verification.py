"""Whether the record is whole, and if not, where: the chain, its seals, what stands beside it, its words."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from escalation.audit import (
    GENESIS,
    SEALING_DELAY,
    Entry,
    EventName,
    Link,
    Seal,
    Stored,
    follows,
    instant,
    values_of,
)
from escalation.commitment import Lost, lost

_NAMES = frozenset(name.value for name in EventName)
#: How many events that this version does not know are named.
_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The record is whole."""

    events: int
    head: Seal | None
    unsealed: int = 0  #: Events written since the last seal, not chained yet.
    erased: int = 0  #: Texts that were erased; the chain vouches that there were some.
    unknown: tuple[str, ...] = ()  #: Events whose names only a newer version knows, the first of them.
    odd: tuple[str, ...] = ()  #: Rows that are no events, linked as they stood, the first of them.


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The record is not whole, and where."""

    seq: int | None  #: The place in the chain; None for what stands beside it.
    why: str
    event: str | None = None
    position: int | None = None  #: Of the event's row.

    @property
    def place(self) -> str:
        """Where, in words: ``at 7 (event evt_…, position 9)``."""
        row = [] if self.event is None else [f"event {self.event}"]
        row += [] if self.position is None else [f"position {self.position}"]
        if self.seq is None:
            return f"beside the chain ({', '.join(row)})"
        return f"at {self.seq} ({', '.join(row)})" if row else f"at {self.seq}"


class Verifier:
    """Walks the record once, in the chain's order, and finds the first place where it is not whole."""

    def __init__(self, seals: Iterable[Seal], *, noted: Seal | None = None) -> None:
        self._seals = sorted((*seals, *([noted] if noted else [])), key=lambda seal: seal.seq)
        self._next_seal = 0
        self._seq = 0
        self._hash = GENESIS
        self._unsealed = 0
        self._erased = 0
        self._unknown: list[str] = []
        self._odd: list[str] = []

    def feed(self, entry: Entry) -> Broken | None:
        """Return where it breaks if the next *entry* of the chain does not follow."""
        expected, link, event = self._seq + 1, entry.link, entry.event
        if link is None or link.seq != expected:
            after = "" if link is None else f"; the next one is {link.seq}"
            return Broken(seq=expected, why=f"link {expected} is missing{after}")
        if event is None:
            return Broken(seq=expected, why=f"event {link.event} was deleted", event=link.event)
        if not follows(self._hash, link, event):
            return _broken(expected, event, _difference(link, event))
        self._seq, self._hash = expected, link.hash
        return self._check_texts(entry, event) or self._check_seals()

    def beside(self, entry: Entry, *, now: datetime) -> Broken | None:
        """Return what is wrong with *entry*, an event without a link that waits for longer than a moment."""
        event = entry.event
        if event is None:
            return None
        if not entry.waits:
            return _broken(None, event, "it was never linked, and nothing is left that would link it")
        if event.at is not None and now - event.at > SEALING_DELAY:
            since = instant(event.at)
            why = f"it was never linked, since {since}; if no server ran since then, start one and ask again"
            return _broken(None, event, why)
        self._unsealed += 1
        return None

    def cut_off(self) -> Broken | None:
        """Return where the chain was cut off, if it ends before its last seal."""
        if self._next_seal == len(self._seals):
            return None
        seal = self._seals[self._next_seal]
        why = f"the record ends at {self._seq}, but a seal covers {seal.seq} events"
        return Broken(seq=self._seq + 1, why=why)

    def finish(self) -> Verified:
        """Return the verdict on what broke nowhere: neither in the chain nor at its end nor beside it."""
        return Verified(
            events=self._seq,
            head=self._seals[-1] if self._seals else None,
            unsealed=self._unsealed,
            erased=self._erased,
            unknown=tuple(self._unknown),
            odd=tuple(self._odd),
        )

    def _check_texts(self, entry: Entry, event: Stored) -> Broken | None:
        self._note(event)
        if not entry.texts and '"commit:' not in event.data:
            return None
        gone = lost(values_of(event), entry.texts)
        changed = sorted(field for field, why in gone.items() if why is Lost.CHANGED)
        if changed:
            return _broken(self._seq, event, f"its {changed[0]} is not what was recorded")
        self._erased += len(gone)
        return None

    def _note(self, event: Stored) -> None:
        problem = event.problem()
        if problem is None and event.name in _NAMES:
            return
        place = f"at {self._seq} (event {event.id}, position {event.position})"
        noted = self._unknown if problem is None else self._odd
        if len(noted) < _NAMED:
            noted.append(f"{event.name} {place}" if problem is None else f"{place}: {problem}")

    def _check_seals(self) -> Broken | None:
        while self._next_seal < len(self._seals) and self._seals[self._next_seal].seq == self._seq:
            if self._seals[self._next_seal].hash != self._hash:
                return Broken(seq=self._seq, why=f"the chain at {self._seq} is not the one that was sealed")
            self._next_seal += 1
        return None


def _broken(seq: int | None, event: Stored, why: str) -> Broken:
    return Broken(seq=seq, why=why, event=event.id, position=event.position)


def _difference(link: Link, event: Stored) -> str:
    if link.position is not None and event.id == link.event and event.position != link.position:
        return f"its row was moved: it was linked at position {link.position}"
    if (problem := event.problem()) is not None:
        return f"it was changed: {problem}"
    if event.name not in _NAMES:
        return f"it or its link was changed: nothing is called {event.name!r}"
    return "it or its link was changed"
