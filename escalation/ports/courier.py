"""Who carries messages to Slack, and what becomes of them."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """It will never work: the channel is archived, gone, or not ours."""

    why: str


Delivery: TypeAlias = Delivered | TryLater | Impossible


class Courier(Protocol):
    """Carries an outbox row to Slack."""

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        """Say *outgoing* in Slack, drawing what it is *about* as it stands now."""
        ...
