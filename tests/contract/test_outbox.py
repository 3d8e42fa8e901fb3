"""The port of the outbox, over every store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from escalation.errors import StoreError
from escalation.ports import OutboxKind, Outgoing, Store
from tests.contract import samples
from tests.contract.samples import MINUTE, NOON, TICK

LEASE = timedelta(seconds=30)


async def _add(store: Store, *messages: Outgoing) -> None:
    async with store.write() as tx:
        for each in messages:
            await tx.outbox.add(each)


async def _take(store: Store, after: timedelta = timedelta(0), limit: int = 9) -> list[str]:
    async with store.write() as tx:
        taken = await tx.outbox.take(NOON + after, lease=LEASE, limit=limit)
    return [each.id for each in taken]


async def _next_due_at(store: Store) -> timedelta | None:
    async with store.read() as tx:
        at = await tx.outbox.next_due_at()
    return None if at is None else at - NOON


async def test_a_message_is_taken_as_it_was_written(store: Store) -> None:
    """What is taken is what was written, one attempt on and out of sight for the lease."""
    await _add(store, samples.outgoing())
    async with store.write() as tx:
        taken = await tx.outbox.take(NOON, lease=LEASE, limit=9)
    assert list(taken) == [replace(samples.outgoing(), attempts=1, not_before=NOON + LEASE)]


async def test_what_is_taken_is_hidden_for_its_lease(store: Store) -> None:
    """Until the lease ends nobody else takes it; from then on somebody does, for its taker may be dead."""
    await _add(store, samples.outgoing())
    assert await _take(store) == ["out_1"]
    assert await _next_due_at(store) == LEASE
    assert await _take(store, LEASE - TICK) == []
    assert await _take(store, LEASE) == ["out_1"]


async def test_what_was_said_is_never_said_again(store: Store) -> None:
    """A message that is done leaves the outbox for good, whatever is reported of it later."""
    await _add(store, samples.outgoing())
    [name] = await _take(store)
    async with store.write() as tx:
        await tx.outbox.done(samples.outgoing().id, NOON)
    async with store.write() as tx:
        await tx.outbox.retry(samples.outgoing().id, not_before=NOON, error="late")
        await tx.outbox.done(samples.outgoing().id, NOON + MINUTE)
    assert name == "out_1"
    assert await _take(store, MINUTE) == []
    assert await _next_due_at(store) is None


async def test_a_failure_is_tried_again_when_told(store: Store) -> None:
    """After a failure it waits for the instant it was given, not for the end of its lease."""
    await _add(store, samples.outgoing())
    await _take(store)
    async with store.write() as tx:
        await tx.outbox.retry(samples.outgoing().id, not_before=NOON + TICK, error="rate limited")
    assert await _take(store) == []
    async with store.write() as tx:
        [again] = await tx.outbox.take(NOON + TICK, lease=LEASE, limit=9)
    assert again.attempts == 2


async def test_one_lane_is_sent_in_order_one_at_a_time(store: Store) -> None:
    """While a lane's oldest message is under way or waits for its next attempt, the rest of it waits."""
    await _add(store, samples.outgoing("2", at=NOON + TICK), samples.outgoing("1"))
    assert await _take(store, MINUTE) == ["out_1"]
    assert await _take(store, MINUTE) == []
    async with store.write() as tx:
        await tx.outbox.retry(samples.outgoing("1").id, not_before=NOON + 2 * MINUTE, error="later")
    assert await _take(store, MINUTE) == []
    assert await _next_due_at(store) == 2 * MINUTE
    async with store.write() as tx:
        await tx.outbox.done(samples.outgoing("1").id, NOON + MINUTE)
    assert await _next_due_at(store) == TICK
    assert await _take(store, MINUTE) == ["out_2"]


async def test_lanes_do_not_wait_for_each_other(store: Store) -> None:
    """The heads of all lanes are taken together, oldest first, as many as asked for."""
    await _add(
        store,
        samples.outgoing("c", lane="@omar", at=NOON + 2 * TICK),
        samples.outgoing("a", lane="C02"),
        samples.outgoing("b", lane="C01", at=NOON + TICK),
        samples.outgoing("d", lane="C02", at=NOON + TICK),
        samples.outgoing("late", lane="C03", at=NOON + MINUTE),
    )
    assert await _take(store, 2 * TICK, limit=2) == ["out_a", "out_b"]
    assert await _take(store, 2 * TICK) == ["out_c"]


async def test_of_one_instant_the_first_id_goes_first(store: Store) -> None:
    """Messages of one transaction are said in the order of their ids, which is the order they were made."""
    await _add(store, samples.outgoing("2"), samples.outgoing("1"))
    assert await _take(store) == ["out_1"]


async def test_one_card_waits_at_most(store: Store) -> None:
    """A second change of a card that still waits needs no second message; each request has its own."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    await _add(store, card, replace(card, id=samples.outgoing("2").id))
    await _add(store, replace(card, id=samples.outgoing("3").id))
    await _add(store, samples.outgoing("4", kind=OutboxKind.CARD, about="2", lane="C02"))
    assert await _take(store) == ["out_1", "out_4"]
    async with store.write() as tx:
        await tx.outbox.done(card.id, NOON)
    assert await _take(store) == []


async def test_a_change_after_the_card_was_taken_is_not_lost(store: Store) -> None:
    """A card that is being drawn may miss the newest change, so that change waits as a card of its own."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    await _add(store, card)
    assert await _take(store) == ["out_1"]
    await _add(store, replace(card, id=samples.outgoing("2").id, at=NOON + TICK))
    await _add(store, replace(card, id=samples.outgoing("3").id, at=NOON + TICK))
    assert await _take(store, TICK) == []
    async with store.write() as tx:
        await tx.outbox.done(card.id, NOON)
    assert await _take(store, TICK) == ["out_2"]


async def test_a_failed_card_and_a_newer_one_both_find_their_way(store: Store) -> None:
    """A card that failed is tried again although a newer one waits behind it."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    await _add(store, card)
    await _take(store)
    await _add(store, replace(card, id=samples.outgoing("2").id, at=NOON + TICK))
    async with store.write() as tx:
        await tx.outbox.retry(card.id, not_before=NOON, error="away")
    assert await _take(store, TICK) == ["out_1"]


async def test_a_card_is_done_and_asked_for_in_one_step(store: Store) -> None:
    """Noting a card as said and asking for it anew in one transaction leaves one to be said."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    await _add(store, card)
    await _take(store)
    async with store.write() as tx:
        await tx.outbox.done(card.id, NOON)
        await tx.outbox.add(replace(card, id=samples.outgoing("2").id))
    assert await _take(store) == ["out_2"]


async def test_other_notices_never_coalesce(store: Store) -> None:
    """Two notes in one thread are two messages, and a note about nothing in particular is one."""
    await _add(
        store,
        samples.outgoing("1"),
        samples.outgoing("2", lane="C02"),
        replace(samples.outgoing("3", lane="C03", kind=OutboxKind.SEAL), request=None),
    )
    assert await _take(store) == ["out_1", "out_2", "out_3"]


async def test_the_same_message_twice_is_an_error(store: Store) -> None:
    """An id is given once; a second message under it is a fault of ours."""
    await _add(store, samples.outgoing())
    with pytest.raises(StoreError):
        await _add(store, samples.outgoing())


async def test_an_empty_outbox_waits_for_nothing(store: Store) -> None:
    """Without messages there is no next instant and nothing to take."""
    assert await _next_due_at(store) is None
    assert await _take(store) == []
