"""Delivers the outbox to people: rows are leased, sent, and marked done, folded or retried with backoff."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from escalation.audit import EventName
from escalation.errors import Unreadable, places
from escalation.ids import RequestId
from escalation.ports import (
    Again,
    Card,
    Courier,
    Delivered,
    Delivery,
    Dossier,
    Impossible,
    OutboxKind,
    Outgoing,
    Transaction,
    TryLater,
    Unposted,
)
from escalation.reason import Refused
from escalation.request import ConfirmDelivery, GiveUp, Request, State, apply
from escalation.service.context import Core, wake
from escalation.service.steps import fold, noting
from escalation.service.steps.asking import ask_directly
from escalation.service.steps.clerk import Clerk, by_us
from escalation.service.steps.dossier import dossier_of
from escalation.service.steps.set_aside import readable, set_aside
from escalation.service.steps.settle import lock, unanswered
from escalation.service.steps.ways import is_alarm, ways

_log = structlog.get_logger(__name__)

#: A leased row that is not marked done by then is taken by another process.
LEASE = timedelta(seconds=30)
#: How long Slack may take for one message, with all that is looked up for it.
_CARRYING = LEASE * 2 / 3
#: A message that cannot be rendered is given up after so many attempts: its lane has to move on.
_DRAWN_AT_MOST = 5
_FIRST_RETRY = timedelta(seconds=1)
_LAST_RETRY = timedelta(seconds=60)
#: An alarm that reached nobody needs an operator, and is tried again less and less often.
_LAST_RETRY_OF_ALARMS = timedelta(minutes=10)
_ASIDE = "its request is set aside"
#: An upper limit for the ``Retry-After`` that Slack asks for.
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of sending one message, and when."""

    delivery: Delivery
    at: datetime


async def take(core: Core, *, limit: int) -> list[Outgoing]:
    """Lease up to *limit* messages that are due and return them."""
    async with core.store.write() as tx:
        taken = list(await tx.outbox.take(tx.now, lease=LEASE, limit=limit))
    core.kill("post:leased")
    # One that cannot be read is out of its lane with that: the rest of the lane goes on.
    await set_aside(core)
    return taken


async def undelivered(core: Core) -> int:
    """Return how many requests wait for their card to be posted."""
    async with core.store.read() as tx:
        return await tx.outbox.count_asks()


async def send(core: Core, courier: Courier, outgoing: Outgoing) -> Tried | None:
    """
    Send *outgoing*, and store the result: done, folded, due for a retry, or given up.

    Return what the courier said; nothing if it was not asked.
    """
    core.kill("post:claimed")
    async with core.store.read() as tx:
        outgoing = await fold.told(tx, outgoing)
        about = await readable(_about(tx, outgoing))
        outgoing = await _with_doubt(tx, outgoing, about)
        moved_on = await _moved_on(core, tx, outgoing, about)
    # What cannot be read has no card; its release draws one. What is said beside cards is said all the same.
    if moved_on or _is_lost(outgoing, about):
        await _finish(core, outgoing)
        return None
    if fold.is_unseen(outgoing, about) and await _fold(core, outgoing):
        return None
    if not await _is_ours(core, outgoing):
        return None
    delivery = await _deliver(core, courier, outgoing, about)
    core.kill("post:accepted")
    async with core.store.write() as tx:
        stands = await _remember(by_us(core, tx, "courier"), outgoing, about, delivery)
        tried = Tried(delivery=delivery, at=tx.now)
    core.kill("post:ts-saved")
    if about is not None and stands is not None and isinstance(delivery, Delivered):
        # As well as Slack lets us: whoever clicks it finds out, and closes it.
        twin = Card(request=stands.request, channel=delivery.channel, ts=delivery.ts)
        await _carry(courier, replace(outgoing, twin=twin), replace(about, card=stands))
    if isinstance(delivery, Impossible) and about is not None:
        await wake(core, about.request.id)
    return tried


async def _is_ours(core: Core, outgoing: Outgoing) -> bool:
    # A process that slept with a message in its hands must not say it beside whoever took it over. Asked
    # last: what was read while it slept may be as old as that.
    async with core.store.read() as tx:
        return tx.now < outgoing.not_before


async def _fold(core: Core, outgoing: Outgoing) -> bool:
    async with core.store.write() as tx:
        return await fold.fold(by_us(core, tx, "courier"), outgoing)


async def _deliver(core: Core, courier: Courier, outgoing: Outgoing, about: Dossier | None) -> Delivery:
    delivery = await _carry(courier, outgoing, about)
    if not isinstance(delivery, Impossible) or not is_alarm(outgoing):
        return _heard(core, outgoing, delivery)
    first, tried = delivery, {outgoing.lane}
    for way in ways(outgoing, None if about is None else about.request, core.configuration()):
        if way not in tried:
            elsewhere = replace(outgoing, lane=way, meant_for=outgoing.lane)
            _log.warning("alarm_goes_another_way", lane=outgoing.lane, why=delivery.why, way=way)
            answer = await _carry(courier, elsewhere, about)
            if not isinstance(answer, Impossible):
                return _heard(core, outgoing, answer)
    if core.unreached.is_new(outgoing.id):
        _log.error("alarm_reached_nobody", outgoing=outgoing.id, lane=outgoing.lane, why=first.why)
    return TryLater(why=first.why, alone=True)


def _heard(core: Core, outgoing: Outgoing, delivery: Delivery) -> Delivery:
    if isinstance(delivery, Delivered):
        core.unreached.reached(outgoing.id)
    return delivery


async def _carry(courier: Courier, outgoing: Outgoing, about: Dossier | None) -> Delivery:
    try:
        # Before the lease is over: whoever takes the row next must not say it beside us.
        async with asyncio.timeout(_CARRYING.total_seconds()):
            return await courier.carry(outgoing, about)
    except TimeoutError:
        return TryLater(why="it took too long", away=True, unsure=True)
    # A message that cannot be rendered must not block its lane for ever. For a card, giving up means
    # that nobody was asked: the safe default applies, and the owner is told. The log says where it
    # failed, and not the error's message, which may quote what the manifest hides.
    except Exception as error:  # noqa: BLE001 - see above
        why = type(error).__name__
        _log.error("message_not_drawn", outgoing=outgoing.id, error=why, where=places(error))
        drawn_often = outgoing.attempts >= _DRAWN_AT_MOST
        return Impossible(why=why) if drawn_often else TryLater(why=why, alone=True)


async def _about(tx: Transaction, outgoing: Outgoing) -> Dossier | None:
    request = None if outgoing.request is None else await tx.requests.get(outgoing.request)
    return None if request is None else await dossier_of(tx, request)


async def _with_doubt(tx: Transaction, outgoing: Outgoing, about: Dossier | None) -> Outgoing:
    if about is None or about.card is not None:
        return outgoing
    doubt = await tx.outbox.card_in_doubt(about.request.id, now=tx.now, beside=outgoing.id)
    return outgoing if doubt is None or doubt.under_way else replace(outgoing, card_in_doubt=doubt.since)


def _is_lost(outgoing: Outgoing, about: Dossier | None) -> bool:
    beside_a_card = outgoing.kind in {OutboxKind.CARD, OutboxKind.THREAD}
    return about is None and outgoing.request is not None and beside_a_card


async def _moved_on(core: Core, tx: Transaction, outgoing: Outgoing, about: Dossier | None) -> bool:
    if about is None:
        return await noting.is_overtaken(core, tx, outgoing)
    # The edited request took over this very card; drawing the old one would hide the new one.
    request, card = about.request, about.card
    if (
        outgoing.kind is not OutboxKind.CARD
        or request.state is not State.SUPERSEDED
        or request.follow is None
    ):
        return False
    successor = await tx.cards.get(request.follow)
    return card is not None and successor is not None and card.ts == successor.ts


async def _finish(core: Core, outgoing: Outgoing) -> None:
    async with core.store.write() as tx:
        if outgoing.kind is OutboxKind.CARD and outgoing.may_stand and await _is_aside(tx, outgoing):
            # The card that its release draws has to be looked for first: this row is how that is known.
            again = Again(not_before=tx.now + _LAST_RETRY, error=_ASIDE, cleared=outgoing.cleared, alone=True)
            await tx.outbox.retry(outgoing.id, again)
        else:
            await tx.outbox.done(outgoing.id, tx.now)


async def _is_aside(tx: Transaction, outgoing: Outgoing) -> bool:
    if outgoing.request is None:
        return False
    try:
        await tx.requests.get(outgoing.request)
    except Unreadable:
        return True
    return False


async def _remember(
    clerk: Clerk, outgoing: Outgoing, about: Dossier | None, delivery: Delivery
) -> Card | None:
    """Store what came of it; return the card that stands already, if ours was posted beside it."""
    tx = clerk.tx
    card_of = about.request if about is not None and outgoing.kind is OutboxKind.CARD else None
    match delivery:
        case Delivered() if not await fold.is_whole(tx, outgoing):
            more = Again(not_before=tx.now, error="more was folded into it", cleared=outgoing.cleared)
            await tx.outbox.retry(outgoing.id, more)
        case Delivered():
            await tx.outbox.done(outgoing.id, tx.now)
            await fold.record(clerk, outgoing, delivery)
            await noting.note(tx, outgoing)
            if about is not None and card_of is not None:
                return await _drawn(clerk, outgoing, about, delivery)
        case TryLater():
            await tx.outbox.retry(outgoing.id, _again(outgoing, delivery, tx.now))
        case Unposted():
            await fold.fold(clerk, outgoing)
        case Impossible(why=why) if outgoing.kind is OutboxKind.SEAL:
            await noting.refused(clerk, outgoing, why)
            await tx.outbox.retry(outgoing.id, _again(outgoing, TryLater(why=why, alone=True), tx.now))
        case Impossible(why=why):
            await tx.outbox.done(outgoing.id, tx.now)
            _log.warning("message_given_up", notice=outgoing.kind.value, lane=outgoing.lane, why=why)
            if card_of is not None:
                await _give_up(clerk, card_of, why)
    return None


def _again(outgoing: Outgoing, delivery: TryLater, now: datetime) -> Again:
    last = _LAST_RETRY_OF_ALARMS if delivery.alone and is_alarm(outgoing) else _LAST_RETRY
    backoff = min(_FIRST_RETRY * 2 ** min(outgoing.attempts, 10), last)
    # Once it may stand there, only finding out clears it: a refusal tells of this attempt alone.
    doubtful = delivery.unsure or outgoing.may_stand
    return Again(
        not_before=now + min(delivery.after or backoff, _LONGEST_WAIT),
        error=delivery.why,
        cleared=outgoing.cleared if doubtful else outgoing.attempts,
        alone=delivery.alone,
    )


async def _drawn(clerk: Clerk, outgoing: Outgoing, about: Dossier, drawn: Delivered) -> Card | None:
    seen = about.request
    if clerk.tx.now >= outgoing.not_before:
        # Our lease is over: another process may have drawn a newer state before we did.
        await _redraw(clerk, seen)
    card = Card(request=seen.id, channel=drawn.channel, ts=drawn.ts)
    known = await clerk.tx.cards.get(seen.id)
    if known is not None and known.ts != card.ts and known != about.card:
        # While we slept in the middle of it, another process posted the card: that one is known to people.
        return known
    await _card_stands(clerk, seen, card)
    return None


async def _redraw(clerk: Clerk, seen: Request) -> None:
    await clerk.card(seen)
    request = await clerk.tx.requests.get(seen.id)
    follow = None if request is None or request.follow is None else request.follow
    # The edited request took the card over: we may have drawn the old one over it.
    if follow is not None and (successor := await clerk.tx.requests.get(follow)) is not None:
        await clerk.card(successor)


async def _card_stands(clerk: Clerk, seen: Request, card: Card) -> None:
    if (known := await clerk.tx.cards.get(seen.id)) is not None and known.ts == card.ts:
        return
    await clerk.tx.cards.put(card)
    request = await clerk.tx.requests.lock(seen.id)
    if request is None:
        return
    now = clerk.tx.now
    outcome = apply(request, ConfirmDelivery(), now=now)
    if not isinstance(outcome, Refused):
        await clerk.save(outcome.request)
        if request.delivered_at is None:
            # Now that the card stands, a direct message can lead to it.
            await ask_directly(clerk, outcome.request)
    # From now on the card that was asked before can lead to this one.
    if (old := request.edits or request.asks_again) is not None:
        await _lead_on(clerk, old, card)
    # Whatever changed while Slack was drawing what we had read queued a card of its own.
    await clerk.record(
        EventName.REQUEST_DELIVERED, seen.id, agent=seen.agent, at=now, channel=card.channel, ts=card.ts
    )


async def _lead_on(clerk: Clerk, old: RequestId, card: Card) -> None:
    stands = await clerk.tx.cards.get(old)
    before = None if stands is None or stands.ts == card.ts else await clerk.tx.requests.get(old)
    if before is not None:
        await clerk.card(before)


async def _give_up(clerk: Clerk, seen: Request, why: str) -> None:
    request = await lock(clerk.core, clerk.tx, seen.id)
    if request is None or request.delivered_at is not None:
        return
    outcome = apply(request, GiveUp(f"Slack refused the card: {why}"), now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return
    await unanswered(clerk, outcome.request)
