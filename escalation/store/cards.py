"""Where cards stand in Slack, in a database."""

from collections.abc import Mapping, Sequence

from escalation.ids import RequestId
from escalation.ports import Card
from escalation.store.change import Conflict, Insertion, Otherwise
from escalation.store.lookup import Lookup
from escalation.store.session import Session
from escalation.store.statement import Row
from escalation.store.tables import cards

_GET = Lookup(cards, cards.c.request)
_PUT = Insertion(cards, Conflict(columns=["request"], then=Otherwise.REPLACE))


class SqlCards:
    """Where cards stand."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, request: RequestId) -> Card | None:
        row = await self._session.row(_GET, {"request": request})
        return None if row is None else _card_of(row)

    async def among(self, requests: Sequence[RequestId]) -> Mapping[RequestId, Card]:
        """Return the cards of *requests*, as far as they have one, in one read."""
        return {row.request: _card_of(row) for row in await self._session.among(_GET, requests)}

    async def put(self, card: Card) -> None:
        """Remember *card*, in place of an older one of the same request."""
        self._session.later(_PUT, {"request": card.request, "channel": card.channel, "ts": card.ts})


def _card_of(row: Row) -> Card:
    return Card(request=row.request, channel=row.channel, ts=row.ts)
