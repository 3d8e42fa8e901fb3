"""Reads a request with everything that belongs to it."""

from collections.abc import Sequence

from escalation.action import Action
from escalation.grant import Grant
from escalation.ids import RequestId
from escalation.ports import Card, Dossier, Transaction
from escalation.request import Request
from escalation.service.steps.set_aside import readable


async def dossier_of(tx: Transaction, request: Request) -> Dossier:
    """Return *request* with what belongs to it."""
    return Dossier(
        request=request,
        # People see the request although something around it cannot be read; an agent is told instead.
        grant=await readable(grant_of(tx, request)),
        card=await tx.cards.get(request.id),
        old_card=await _card_of(tx, request.edits or request.asks_again),
        new_card=await _card_of(tx, request.follow),
        original=None if request.edits is None else await readable(tx.requests.get(request.edits)),
        steps=await tx.steps.of(request.id),
    )


async def _card_of(tx: Transaction, other: RequestId | None) -> Card | None:
    return None if other is None else await tx.cards.get(other)


async def with_cards(tx: Transaction, requests: Sequence[Request]) -> Sequence[Dossier]:
    """Return *requests*, each with its card: what a row in a list shows."""
    cards = await tx.cards.among([request.id for request in requests])
    return [Dossier(request=request, card=cards.get(request.id)) for request in requests]


async def grant_of(tx: Transaction, request: Request) -> Grant | None:
    """Return the grant of *request*, if it is a kind of request that can have one."""
    granted = isinstance(request.subject, Action) and request.state.gives_authority
    return await tx.grants.of(request.id) if granted else None
