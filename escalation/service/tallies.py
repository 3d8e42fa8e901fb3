"""What one process counts for itself, so that not every call has to count in the database."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from escalation.ids import AgentName, OutboxId

#: Of what is left below a cap, the part that a process lets in before it counts again.
_SHARE = 8
#: For no longer than this, whatever is left: other processes let in too.
_COUNTED_FOR = timedelta(seconds=5)
#: Of so many alarms a process remembers that it said they reached nobody.
_UNREACHED = 1000
#: So many refused calls of a kind are events of their own between two summaries; the others are counted.
LISTED = 10


#: Where in which file, as a problem begins: ``andon.yaml:12: …``.
_PLACE = re.compile(r"([\w./-]+\.(?:yaml|md)):(\d+)(?=: )")


@dataclass(slots=True)
class _Left:
    calls: int
    until: datetime


@dataclass(slots=True)
class Headroom:
    """
    How many more may be let in under each cap before it is counted again.

    A count of *n* under a cap of *c* lets in an eighth of *c - n* more, within five seconds. So eight
    processes that counted at the same moment stay within the cap together, the nearer it is the more
    often it is counted, and far below it nearly never.
    """

    _left: dict[str, _Left] = field(default_factory=dict)

    def take(self, names: tuple[str, ...], now: datetime) -> bool:
        """Let one in under all of *names*; return False, and let nobody in, if one has to be counted."""
        found = [self._left.get(name) for name in names]
        known = [left for left in found if left is not None and left.calls > 0 and now < left.until]
        if len(known) < len(names):
            return False
        for left in known:
            left.calls -= 1
        return True

    def counted(self, name: str, now: datetime, *, free: int) -> None:
        """Note that *free* more fit under the cap *name*, the one that is let in now among them."""
        self._left[name] = _Left(calls=(free - 1) // _SHARE, until=now + _COUNTED_FOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedKind:
    """Refused calls that are alike. There are few kinds an agent: none of it is the agent's to choose."""

    agent: AgentName
    what: str  #: Such as ``propose``, or the route.
    reason: str


@dataclass(slots=True)
class RefusedCalls:
    """How many calls of each kind this process refused since the last summary."""

    _since: Counter[RefusedKind] = field(default_factory=Counter)

    def is_listed(self, kind: RefusedKind) -> bool:
        """Return whether the next of *kind* is an event of its own."""
        return self._since[kind] < LISTED

    def add(self, kind: RefusedKind, calls: int = 1) -> None:
        """Count *calls* of *kind*."""
        self._since[kind] += calls

    def taken(self) -> Counter[RefusedKind]:
        """Hand over what was counted, and begin again."""
        taken, self._since = self._since, Counter()
        return taken


@dataclass(slots=True)
class Unreached:
    """The alarms that reached nobody so far: each is an error in the log once, however often it is tried."""

    _known: dict[OutboxId, None] = field(default_factory=dict)

    def is_new(self, alarm: OutboxId) -> bool:
        """Note that *alarm* reached nobody; return whether that was not known."""
        new = alarm not in self._known
        self._known[alarm] = None
        while len(self._known) > _UNREACHED:
            del self._known[next(iter(self._known))]
        return new

    def reached(self, alarm: OutboxId) -> None:
        """Note that somebody was told."""
        self._known.pop(alarm, None)


@dataclass(slots=True)
class RefusedFiles:
    """Files of a configuration that changed while this process served, and cannot be put in force."""

    _since: datetime | None = None
    _problems: tuple[str, ...] = ()

    def refuse(self, problems: str, at: datetime) -> None:
        """Note what is wrong with them, line by line, and since when."""
        self._since = self._since or at
        self._problems = tuple(problems.splitlines())

    def accept(self) -> None:
        """Note that they are in order again."""
        self._since, self._problems = None, ()

    def lines(self, in_force: str) -> list[str]:
        """Return what operators are told: where and what the first problem is; nothing if in order."""
        return self._lines(in_force, _PLACE.sub(r"\1 line \2", next(iter(self._problems), ""), count=1))

    def places(self, in_force: str) -> list[str]:
        """Return the same without what is wrong, which may quote the files."""
        found = _PLACE.match(next(iter(self._problems), ""))
        return self._lines(in_force, "the log says why" if found is None else f"{found[1]} line {found[2]}")

    def _lines(self, in_force: str, what: str) -> list[str]:
        if self._since is None:
            return []
        others = len(self._problems) - 1
        more = f" and {others} more" if others > 0 else ""
        since = f"Changed files refused since {self._since:%H:%M} UTC"
        return [f"{since}: {what}{more}; version {in_force[:12]} stays in force"]
