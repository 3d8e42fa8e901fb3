"""What is still to be said in Slack."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import Protocol

from escalation.ids import OutboxId, RequestId
from escalation.ports.cards import Card
from escalation.request import Request


class OutboxKind(Enum):
    """What an outbox row asks the courier to do."""

    CARD = "card"  #: Show the request's card as it stands now: post it, or bring it up to date.
    THREAD = "thread"  #: Say something in the card's thread.
    DIRECT = "direct"  #: Tell one person.
    ALERT = "alert"  #: Tell a channel: the alerts channel, but for summaries.
    SEAL = "seal"  #: Note a seal in the audit channel.


class Turn(IntEnum):
    """What goes first in a lane."""

    ASK = 0  #: The card of a request that waits for people.
    ALARM = 1  #: What is said whatever became of the request's card.
    NEWS = 2  #: What became of a request; with others in one summary if its card was never posted.
    SUMMARY = 3  #: The rows that were folded into it.


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
    turn: Turn = Turn.NEWS
    attempts: int = 0
    cleared: int = 0  #: How many of the attempts are known to have posted nothing.
    error: str | None = None  #: Why the last attempt failed, if it did.
    # Not stored, but found when it is sent:
    meant_for: str | None = None  #: The lane it was meant for, where it has to go another way.
    card_in_doubt: datetime | None = (
        None  #: When another row of its request's card, which may stand, was written.
    )
    twin: Card | None = None  #: To be closed: it stands beside the card that people know.
    tells_of: Sequence[Request] = ()  #: What a summary names.

    @property
    def may_stand(self) -> bool:
        """Whether an attempt before this one may have posted it without our hearing of it."""
        return self.attempts - 1 > self.cleared


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What a summary tells of."""

    count: int
    first_at: datetime
    last_at: datetime
    requests: Sequence[RequestId]  #: The first of them.


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """When a message is tried again, and what is known of the attempt that failed."""

    not_before: datetime
    error: str
    cleared: int = 0  #: How many attempts are known to have posted nothing.
    alone: bool = False  #: Whether only this message waits; else its whole lane does.


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A card that may stand in Slack although we have not heard of it."""

    since: datetime  #: When its row was written.
    under_way: bool  #: Whether its first attempt is leased: what ended before that is not posted.


class Outbox(Protocol):
    """What is still to be said in Slack."""

    async def add(self, outgoing: Outgoing) -> None:
        """Queue it; a card that waits unsent for the same request already is enough, and takes this turn."""
        ...

    async def take(self, now: datetime, *, lease: timedelta, limit: int) -> Sequence[Outgoing]:
        """
        Return what may be sent at *now*, by its turn, and hide it from others for *lease*.

        Of each lane it is one message at most, and none of a lane that is held.
        """
        ...

    async def done(self, outgoing: OutboxId, at: datetime) -> None: ...

    async def retry(self, outgoing: OutboxId, again: Again) -> None: ...

    async def foldable(self, lane: str, limit: int, *, now: datetime) -> Sequence[OutboxId]:
        """
        Return what waits in *lane* about requests that ended before their card was ever posted, and hold it.

        What may have been posted without our hearing of it is none of that, nor is what is said of a
        request whose card is in doubt at *now*, nor is an alarm.
        """
        ...

    async def card_in_doubt(
        self, request: RequestId, *, now: datetime, beside: OutboxId | None = None
    ) -> Doubt | None:
        """
        Return what is known of a card of *request* that may have been posted without our hearing of it.

        That is an unsent row, not *beside*, with an attempt that is not known to have posted nothing.
        """
        ...

    async def summary_of(self, lane: str) -> OutboxId | None:
        """Return the summary that waits in *lane*, tried or not, and hold it."""
        ...

    async def fold(self, outgoing: OutboxId, *, into: OutboxId, at: datetime) -> None:
        """Note that the summary *into* tells of it."""
        ...

    async def folded(self, into: OutboxId, *, limit: int) -> Folded | None:
        """Return what the summary *into* tells of, with *limit* of the requests; none if nothing."""
        ...

    async def count_asks(self) -> int:
        """Return how many requests wait for their card to be posted."""
        ...

    async def refused(self, limit: int) -> Sequence[Outgoing]:
        """Return up to *limit* messages that were tried and are not taken yet, the oldest first."""
        ...

    async def waits(self, lane: str, kind: OutboxKind) -> bool:
        """Return whether something of *kind* is still to be said in *lane*."""
        ...

    async def set_aside(self, outgoing: OutboxId, at: datetime) -> None:
        """Take it out of its lane, unsaid."""
        ...

    async def bring_back(self, outgoing: OutboxId, *, not_before: datetime) -> Outgoing | None:
        """
        Put what was set aside back into its lane; raise ``Unreadable`` if it still cannot be read.

        Of two summaries in one lane one waits: it tells then of what the one that was set aside told of.
        """
        ...

    async def next_due_at(self) -> datetime | None:
        """Return the nearest instant at which the first in turn of a lane may be sent."""
        ...
