"""What the head outside needs of every store: epoch and freeze in the fence, old hashes, open grants."""

from dataclasses import replace

from escalation.audit import Seal, link
from escalation.grant import GrantState
from escalation.ids import GrantId, RequestId
from escalation.ports import InForce, Store
from tests.contract import samples
from tests.contract.samples import MINUTE, NOON

FROZEN = InForce(version="aa", seq=1, epoch=3, frozen="the head kept outside is at 52", record="rec_1")


async def test_the_fence_keeps_epoch_freeze_and_record(store: Store) -> None:
    """They are there from the first, are kept as they were saved, and are shared by whoever decides."""
    async with store.read() as tx:
        assert await tx.fence.read() == InForce(epoch=1, frozen=None, record=None)
    async with store.write() as tx:
        await tx.fence.lock()
        await tx.fence.save(FROZEN)
    async with store.write() as tx:
        assert await tx.fence.share() == FROZEN
        assert await tx.fence.share() == FROZEN
        await tx.fence.save(replace(FROZEN, frozen=None))
        assert (await tx.fence.share()).frozen is None
    async with store.read() as tx:
        assert await tx.fence.read() == replace(FROZEN, frozen=None)


async def test_the_hash_at_a_position_is_known(store: Store) -> None:
    """Each link has its hash; before the first and after the last there is none."""
    async with store.write() as tx:
        for name in "abc":
            await tx.record.add(samples.event(name))
    async with store.write() as tx:
        links = link(await tx.record.unlinked(9), after=None)
        await tx.record.add_links(links)
        await tx.record.add_seal(Seal(seq=3, hash=links[-1].hash, at=NOON))
    async with store.read() as tx:
        found = [await tx.record.hash_at(seq) for seq in (0, 1, 2, 3, 4, 2**63 - 1)]
    assert found == [None, *(each.hash for each in links), None, None]


async def test_open_grants_are_found_whatever_the_time(store: Store) -> None:
    """What may be claimed, or was and is not reported; nothing that has ended."""
    async with store.write() as tx:
        for number in range(4):
            asked = replace(samples.request(), id=RequestId(f"req_{number}"), key=None)
            await tx.requests.add(asked)
            given = replace(samples.grant(), id=GrantId(f"grt_{number}"), request=asked.id)
            await tx.grants.add(replace(given, expires_at=given.expires_at + number * MINUTE))
    async with store.write() as tx:
        claimed = replace(
            await tx.grants.lock(GrantId("grt_1")) or samples.grant(),
            state=GrantState.CLAIMED,
            claimed_at=NOON,
            attempt="one",
            version=2,
        )
        await tx.grants.save(claimed)
        revoked = replace(
            await tx.grants.lock(GrantId("grt_2")) or samples.grant(),
            state=GrantState.REVOKED,
            ended_at=NOON,
            version=2,
        )
        await tx.grants.save(revoked)
    async with store.read() as tx:
        assert {each.id for each in await tx.grants.open(9)} == {"grt_0", "grt_1", "grt_3"}
        assert len(await tx.grants.open(2)) == 2
