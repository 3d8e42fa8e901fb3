"""The ports beside the requests, over every store: clicks, cards, rungs, keys and configurations."""

from dataclasses import replace
from datetime import timedelta

import pytest

from escalation.errors import StoreError
from escalation.ids import KeyId, RequestId
from escalation.ladder import Rung
from escalation.ports import Card, Key, Step, Store
from tests.contract import samples
from tests.contract.samples import BANK, MINUTE, NOON

TICK = timedelta.resolution

CARD = Card(request=RequestId("req_1"), channel="C01FIN", ts="1700000000.000100")
KEY = Key(id=KeyId("key_1"), agent=BANK, hash="ab" * 32, created_at=NOON)


async def test_the_same_click_counts_once(store: Store) -> None:
    """A signed click that was stored before is recognised, in the same transaction and in later ones."""
    async with store.write() as tx:
        assert await tx.inbox.add(samples.click("1"))
        assert not await tx.inbox.add(samples.click("2", fingerprint="print-1"))
    async with store.write() as tx:
        assert not await tx.inbox.add(samples.click("3", fingerprint="print-1"))
        assert await tx.inbox.add(replace(samples.click("4"), person=None))


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


async def test_rungs_are_remembered_in_order(store: Store) -> None:
    """Each rung of a request is kept with when it was planned and when it happened."""
    steps = [
        Step(request=RequestId("req_1"), rung=rung, planned_at=NOON, actual_at=NOON + int(rung) * MINUTE)
        for rung in (Rung.NUDGED, Rung.BACKUP, Rung.DEFAULTED)
    ]
    async with store.write() as tx:
        await samples.add_requests(tx, "1", "2")
        for step in steps:
            await tx.steps.add(step)
    async with store.read() as tx:
        assert list(await tx.steps.of(RequestId("req_1"))) == steps
        assert list(await tx.steps.of(RequestId("req_2"))) == []


async def test_a_rung_is_climbed_once(store: Store) -> None:
    """The same rung of the same request cannot be stored twice: nobody is paged twice for it."""
    step = Step(request=RequestId("req_1"), rung=Rung.NUDGED, planned_at=NOON, actual_at=NOON)
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.steps.add(step)
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.steps.add(step)


async def test_a_key_opens_until_it_is_revoked(store: Store) -> None:
    """A key is found by its hash, once revoked it is not, and it can be revoked once."""
    async with store.write() as tx:
        await tx.keys.add(KEY)
        assert await tx.keys.by_hash(KEY.hash) == KEY
        assert await tx.keys.by_hash("cd" * 32) is None
    async with store.write() as tx:
        assert await tx.keys.revoke(KEY.id, NOON + MINUTE)
        assert not await tx.keys.revoke(KEY.id, NOON + 2 * MINUTE)
        assert not await tx.keys.revoke(KeyId("key_9"), NOON)
    async with store.read() as tx:
        assert await tx.keys.by_hash(KEY.hash) is None
        assert list(await tx.keys.all()) == [replace(KEY, revoked_at=NOON + MINUTE)]


async def test_two_keys_never_share_a_hash(store: Store) -> None:
    """A key's hash is unique, so that a key names one agent."""
    async with store.write() as tx:
        await tx.keys.add(KEY)
        await tx.keys.add(replace(KEY, id=KeyId("key_2"), hash="ef" * 32))
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.keys.add(replace(KEY, id=KeyId("key_3")))
    async with store.read() as tx:
        assert [key.id for key in await tx.keys.all()] == ["key_1", "key_2"]


async def test_a_change_of_configuration_is_recognised(store: Store) -> None:
    """The configuration in force is no news; another one is, and so is going back to an earlier one."""
    async with store.write() as tx:
        assert await tx.configurations.add("sha256:aa", at=NOON, body="{}")
    async with store.write() as tx:
        assert not await tx.configurations.add("sha256:aa", at=NOON + TICK, body="{}")
        assert await tx.configurations.add("sha256:bb", at=NOON + TICK, body="{}")
    async with store.write() as tx:
        assert not await tx.configurations.add("sha256:bb", at=NOON + TICK * 2, body="{}")
        assert await tx.configurations.add("sha256:aa", at=NOON + TICK * 3, body="{}")
        assert not await tx.configurations.add("sha256:aa", at=NOON + TICK * 4, body="{}")
