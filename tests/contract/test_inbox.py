"""Clicks, over every store."""

from dataclasses import replace

from escalation.ports import Store
from tests.contract import samples


async def test_the_same_click_counts_once(store: Store) -> None:
    """A signed click that was stored before is recognised, in the same transaction and in later ones."""
    async with store.write() as tx:
        assert await tx.inbox.add(samples.click("1"))
        assert not await tx.inbox.add(samples.click("2", fingerprint="print-1"))
    async with store.write() as tx:
        assert not await tx.inbox.add(samples.click("3", fingerprint="print-1"))
        assert await tx.inbox.add(replace(samples.click("4"), person=None))
