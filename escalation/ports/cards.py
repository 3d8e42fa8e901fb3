"""Where cards stand in Slack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from escalation.ids import RequestId


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """Where a request's card stands in Slack."""

    request: RequestId
    channel: str
    ts: str  #: Slack's proof that it was posted.


class Cards(Protocol):
    """Where cards stand."""

    async def get(self, request: RequestId) -> Card | None: ...

    async def among(self, requests: Sequence[RequestId]) -> Mapping[RequestId, Card]:
        """Return the cards of *requests*, as far as they have one, in one read."""
        ...

    async def put(self, card: Card) -> None:
        """Remember *card*, in place of an older one of the same request."""
        ...
