"""Who carries messages to people, and what becomes of them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeAlias

from escalation.ports.dossier import Dossier
from escalation.ports.outbox import Outgoing


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
    alone: bool = False  #: Whether it is only about this message: the rest of its lane may pass.
    away: bool = False  #: Whether Slack itself is away, or does not take our token.
    unsure: bool = False  #: Whether Slack may have taken it all the same.


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """It will never work: the channel is archived, gone, or not ours."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unposted:
    """It is about a request that ended before its card was ever posted: it belongs into a summary."""


Delivery: TypeAlias = Delivered | TryLater | Impossible | Unposted


class Courier(Protocol):
    """
    Carries an outbox row to people, by the way that its lane names.

    Another channel than Slack is another courier, which takes lanes of its own: an alarm tries one
    lane after the other until somebody was reached.
    """

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        """
        Say *outgoing* in its lane, drawing what it is *about* as it stands now.

        Its *twin*, if it has one, is closed instead: it was posted beside the card of what it is about.
        """
        ...
