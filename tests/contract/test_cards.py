"""Where cards stand, over every store."""

from dataclasses import replace

from escalation.ids import RequestId
from escalation.ports import Card, Store
from tests.contract import samples

CARD = Card(request=RequestId("req_1"), channel="C01FIN", ts="1700000000.000100")


async def test_a_card_moves(store: Store) -> None:
    """A request's card is where it was last posted."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        assert await tx.cards.get(CARD.request) is None
        await tx.cards.put(CARD)
        assert await tx.cards.get(CARD.request) == CARD
    async with store.write() as tx:
        await tx.cards.put(replace(CARD, ts="1700000000.000200"))
    async with store.read() as tx:
        assert await tx.cards.get(CARD.request) == replace(CARD, ts="1700000000.000200")
