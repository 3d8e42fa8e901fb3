"""Where cards stand in Slack, in a database."""

from sqlalchemy import select

from escalation.ids import RequestId
from escalation.ports import Card
from escalation.store.session import Session
from escalation.store.statement import Statement, insert_or_replace, parameter
from escalation.store.tables import Name, cards

_GET = Statement(select(cards).where(cards.c.request == parameter("request", Name)))
_PUT = insert_or_replace(cards, "request")


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
