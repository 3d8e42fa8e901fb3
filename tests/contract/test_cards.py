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


async def test_the_cards_of_several_are_read_at_once(store: Store) -> None:
    """Those that stand are found by their requests, in any order; who has none is left out."""
    others = [replace(CARD, request=RequestId(f"req_{number}"), ts=f"17.{number}") for number in (2, 3)]
    async with store.write() as tx:
        for number in (1, 2, 3):
            await tx.requests.add(samples.request(str(number)))
        for card in (CARD, *others):
            await tx.cards.put(card)
    async with store.read() as tx:
        asked = [RequestId(name) for name in ("req_3", "req_9", "req_1")]
        assert await tx.cards.among(asked) == {"req_1": CARD, "req_3": others[1]}
        assert await tx.cards.among([]) == {}
