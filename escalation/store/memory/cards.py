"""Where cards stand in Slack, in memory."""

from collections.abc import Mapping, Sequence

from escalation.ids import RequestId
from escalation.ports import Card
from escalation.store.memory.view import Table, View

CARDS: Table[RequestId, Card] = Table()


class MemoryCards:
    """Where cards stand."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def get(self, request: RequestId) -> Card | None:
        return self._view[CARDS].get(request)

    async def among(self, requests: Sequence[RequestId]) -> Mapping[RequestId, Card]:
        """Return the cards of *requests*, as far as they have one."""
        found = (self._view[CARDS].get(request) for request in requests)
        return {card.request: card for card in found if card is not None}

    async def put(self, card: Card) -> None:
        """Remember *card*, in place of an older one of the same request."""
        self._view[CARDS].put(card.request, card)
