"""What is still to be said in Slack."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from escalation.ids import OutboxId, RequestId


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

    async def set_aside(self, outgoing: OutboxId, at: datetime) -> None:
        """Take it out of its lane, unsaid."""
        ...

    async def bring_back(self, outgoing: OutboxId, *, not_before: datetime) -> Outgoing | None:
        """Put what was set aside back into its lane; raise ``Unreadable`` if it still cannot be read."""
        ...

    async def next_due_at(self) -> datetime | None: ...
