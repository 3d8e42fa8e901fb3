"""The agents' keys, over every store."""

from dataclasses import replace

import pytest

from escalation.errors import StoreError
from escalation.ids import KeyId
from escalation.ports import Key, Store
from tests.contract.samples import BANK, MINUTE, NOON

KEY = Key(id=KeyId("key_1"), agent=BANK, hash="ab" * 32, created_at=NOON)


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
