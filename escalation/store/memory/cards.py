"""Where cards stand in Slack, in memory."""

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

    async def put(self, card: Card) -> None:
        """Remember *card*, in place of an older one of the same request."""
        self._view[CARDS].put(card.request, card)
