"""Where cards stand in Slack, in a database."""

from escalation.ids import RequestId
from escalation.ports import Card
from escalation.store.change import Conflict, Insertion, Otherwise
from escalation.store.lookup import Lookup
from escalation.store.session import Session
from escalation.store.tables import cards

_GET = Lookup(cards, cards.c.request)
_PUT = Insertion(cards, Conflict(columns=["request"], then=Otherwise.REPLACE))


class SqlCards:
    """Where cards stand."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, request: RequestId) -> Card | None:
        row = await self._session.row(_GET, {"request": request})
        return None if row is None else Card(request=row.request, channel=row.channel, ts=row.ts)

    async def put(self, card: Card) -> None:
        """Remember *card*, in place of an older one of the same request."""
        self._session.later(_PUT, {"request": card.request, "channel": card.channel, "ts": card.ts})
