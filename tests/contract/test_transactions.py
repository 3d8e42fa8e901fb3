"""What a transaction promises, over every store: all or nothing, and nobody sees it half done."""

import asyncio
from dataclasses import replace

import pytest

from escalation.errors import StoreError
from escalation.ids import RequestId
from escalation.ports import Card, OutboxKind, Page, Store
from escalation.switch import EVERYTHING
from tests.contract import samples
from tests.contract.samples import MINUTE, NOON, SALMA, MovableClock


async def _everything(store: Store) -> list[object]:
    async with store.read() as tx:
        return [
            *await tx.requests.page(Page(limit=99)),
            *await tx.requests.decided_by(SALMA, 99),
            await tx.grants.of(RequestId("req_1")),
            await tx.outbox.next_due_at(),
            await tx.cards.get(RequestId("req_1")),
            *await tx.keys.all(),
            *await tx.record.unlinked(99),
            *await tx.switches.stopped(),
        ]


async def _write_everything(store: Store) -> None:
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.inbox.add(samples.click())
        await tx.requests.save(samples.decided(samples.request(), samples.decision()))
        await tx.grants.add(samples.grant())
        await tx.outbox.add(samples.outgoing(kind=OutboxKind.CARD))
        await tx.cards.put(Card(request=RequestId("req_1"), channel="C01", ts="1.1"))
        await tx.record.add(samples.event())
        await tx.switches.ensure([EVERYTHING])
        raise InterruptedError


async def test_a_failure_leaves_nothing(store: Store) -> None:
    """A block that raises changes nothing in any table; the same steps work afterwards."""
    before = await _everything(store)
    with pytest.raises(InterruptedError):
        await _write_everything(store)
    assert await _everything(store) == before
    async with store.write() as tx:
        assert await tx.requests.add(samples.request())
        assert await tx.inbox.add(samples.click())
        await tx.outbox.add(samples.outgoing(kind=OutboxKind.CARD))
    async with store.write() as tx:
        assert len(await tx.outbox.take(NOON, lease=MINUTE, limit=9)) == 1


async def test_a_cancelled_block_leaves_nothing(store: Store) -> None:
    """A caller that goes away in the middle takes its changes along."""
    inside = asyncio.Event()

    async def write() -> None:
        async with store.write() as tx:
            await tx.requests.add(samples.request())
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with store.write() as tx:
        assert await tx.requests.get(RequestId("req_1")) is None


async def test_nobody_sees_what_is_not_committed(store: Store) -> None:
    """Another reader sees a change after its transaction, not before."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.record.add(samples.event())
        async with store.read() as other:
            assert await other.requests.get(RequestId("req_1")) is None
            assert await other.record.count_unlinked() == 0
    async with store.read() as other:
        assert await other.requests.get(RequestId("req_1")) == samples.request()
        assert await other.record.count_unlinked() == 1


async def test_a_transaction_sees_its_own_changes(store: Store) -> None:
    """What a transaction wrote, it reads; in every table, at once."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.inbox.add(samples.click())
        decided = samples.decided(samples.request(), samples.decision())
        await tx.requests.save(decided)
        await tx.grants.add(samples.grant())
        await tx.outbox.add(samples.outgoing())
        await tx.record.add(samples.event())
        assert await tx.requests.get(decided.id) == decided
        assert list(await tx.requests.decided_by(SALMA, 9)) == [decided]
        assert await tx.grants.of(decided.id) == samples.grant()
        assert await tx.outbox.next_due_at() == NOON
        assert await tx.record.count_unlinked() == 1


async def test_a_reader_cannot_write(store: Store) -> None:
    """A transaction that was opened to read refuses to change anything."""
    async with store.read() as tx:
        with pytest.raises(StoreError):
            await tx.requests.add(samples.request())
        with pytest.raises(StoreError):
            await tx.record.add(samples.event())
        with pytest.raises(StoreError):
            await tx.outbox.add(samples.outgoing())
    assert await _everything(store) == [None, None, None]


async def test_time_stands_still_in_a_transaction(store: Store, clock: MovableClock) -> None:
    """A transaction has one instant, taken when it begins, from the clock the store was given."""
    async with store.write() as tx:
        assert tx.now == NOON
        clock.advance(MINUTE)
        assert tx.now == NOON
    async with store.read() as tx:
        assert tx.now == NOON + MINUTE


async def test_of_many_writers_one_wins(store: Store) -> None:
    """However many change the same version at once, one change is stored and the others are told."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())

    async def change(number: int) -> bool:
        async with store.write() as tx:
            changed = replace(samples.settled(samples.request()), reason=f"{number}")
            return await tx.requests.save(changed)

    outcomes = await asyncio.gather(*(change(number) for number in range(8)))
    assert outcomes.count(True) == 1
    async with store.read() as tx:
        found = await tx.requests.get(RequestId("req_1"))
    assert found is not None
    assert found.reason == f"{outcomes.index(True)}"


async def test_of_many_proposals_under_one_key_one_is_stored(store: Store) -> None:
    """Sent many times at once under one key, a proposal is stored once."""

    async def propose(number: int) -> bool:
        async with store.write() as tx:
            return await tx.requests.add(replace(samples.request(f"{number}"), key="same"))

    outcomes = await asyncio.gather(*(propose(number) for number in range(8)))
    assert outcomes.count(True) == 1


async def test_of_one_click_sent_often_one_counts(store: Store) -> None:
    """Delivered many times at once, a signed click is stored once."""

    async def arrive(number: int) -> bool:
        async with store.write() as tx:
            return await tx.inbox.add(samples.click(f"{number}", fingerprint="same"))

    outcomes = await asyncio.gather(*(arrive(number) for number in range(8)))
    assert outcomes.count(True) == 1


async def test_one_failure_does_not_spoil_its_neighbours(store: Store) -> None:
    """Of transactions that run at the same time, those that fail vanish and the others are kept."""

    async def write(number: int) -> None:
        async with store.write() as tx:
            await tx.requests.add(samples.request(f"{number:02}"))
            await asyncio.sleep(0)
            if number % 3 == 0:
                raise InterruptedError

    outcomes = await asyncio.gather(*(write(number) for number in range(20)), return_exceptions=True)
    async with store.read() as tx:
        stored = {found.id for found in await tx.requests.page(Page(limit=99))}
    assert stored == {f"req_{number:02}" for number, failed in enumerate(outcomes) if failed is None}
    assert len(stored) == 13


async def test_a_swallowed_failure_is_no_success(lasting: Store) -> None:
    """Whoever goes on after the database refused a row is not told that all was stored."""
    async with lasting.write() as tx:
        await tx.requests.add(samples.request())
    try:
        async with lasting.write() as tx:
            await tx.record.add(samples.event())
            with pytest.raises(StoreError):
                await tx.requests.add(replace(samples.request(), key=None))
    except StoreError:
        expected = 0
    else:
        expected = 1
    async with lasting.read() as tx:
        assert await tx.record.count_unlinked() == expected


async def test_a_store_is_in_order(store: Store) -> None:
    """A migrated store passes its own check, as often as it is asked."""
    await store.check()
    await store.check()
