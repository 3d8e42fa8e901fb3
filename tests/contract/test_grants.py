"""The port of the grants, over every store."""

from dataclasses import replace

import pytest

from escalation.errors import StoreError
from escalation.grant import GrantState, LateReport, Report
from escalation.ids import GrantId, PersonId, RequestId
from escalation.ports import Store
from escalation.switch import EVERYTHING, Scope, ScopeKind
from tests.contract import samples
from tests.contract.samples import BANK, LEGAL, MINUTE, NOON, TICK


async def _with_grant(store: Store) -> None:
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.grants.add(samples.grant())


async def test_a_grant_comes_back_as_it_was_stored(store: Store) -> None:
    """A grant is found by its id and by its request, with every field as it was."""
    await _with_grant(store)
    async with store.write() as tx:
        assert await tx.grants.get(GrantId("grt_1")) == samples.grant()
        assert await tx.grants.of(RequestId("req_1")) == samples.grant()
        assert await tx.grants.lock(GrantId("grt_1")) == samples.grant()
        assert await tx.grants.get(GrantId("grt_2")) is None
        assert await tx.grants.lock(GrantId("grt_2")) is None
        assert await tx.grants.of(RequestId("req_2")) is None


async def test_a_request_is_granted_once(store: Store) -> None:
    """A second grant for the same request cannot be stored."""
    await _with_grant(store)
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.grants.add(replace(samples.grant(), id=GrantId("grt_2")))


async def test_no_grant_without_its_request(store: Store) -> None:
    """A grant for a request that does not exist cannot be stored."""
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.grants.add(samples.grant())


async def test_a_grants_whole_life_is_kept(store: Store) -> None:
    """What a claim, a report and a person add to a grant is all there afterwards."""
    await _with_grant(store)
    claimed = replace(
        samples.grant(),
        state=GrantState.CLAIMED,
        attempt="a/1",
        claimed_at=NOON + TICK,
        lease_until=NOON + MINUTE,
        version=2,
    )
    renewed = replace(claimed, lease_until=NOON + MINUTE + TICK, version=3)
    ended = replace(
        renewed,
        state=GrantState.FAILED,
        ended_at=NOON + MINUTE,
        result='{"code":7}',
        resolved_by=PersonId("salma"),
        version=4,
    )
    late = replace(ended, late=LateReport(report=Report.SUCCEEDED, result='{"entry":7}', at=NOON), version=5)
    for step in (claimed, renewed, ended, late):
        async with store.write() as tx:
            assert await tx.grants.save(step)
            assert await tx.grants.get(step.id) == step


async def test_a_stale_writer_loses(store: Store) -> None:
    """Of two changes to the same version of a grant the first is stored: it is claimed once."""
    await _with_grant(store)
    claimed = replace(samples.grant(), state=GrantState.CLAIMED, claimed_at=NOON, attempt="a", version=2)
    async with store.write() as tx:
        assert await tx.grants.save(claimed)
        assert not await tx.grants.save(replace(claimed, attempt="b"))
        assert not await tx.grants.save(replace(claimed, id=GrantId("grt_9")))
        assert await tx.grants.get(claimed.id) == claimed


async def test_holding_a_grant_does_not_help_a_stale_writer(store: Store) -> None:
    """Even whoever holds a grant locked writes over the version that is there, and over no other."""
    await _with_grant(store)
    claimed = replace(samples.grant(), state=GrantState.CLAIMED, claimed_at=NOON, attempt="a", version=2)
    for version in (1, 3):
        async with store.write() as tx:
            assert await tx.grants.lock(claimed.id) == samples.grant()
            assert not await tx.grants.save(replace(claimed, version=version))
    async with store.write() as tx:
        await tx.grants.lock(claimed.id)
        assert await tx.grants.save(claimed)
        assert not await tx.grants.save(replace(claimed, attempt="b"))
        assert await tx.grants.get(claimed.id) == claimed


async def test_open_grants_fall_due(store: Store) -> None:
    """An unclaimed grant is due when it expires, a claimed one when nobody reported, an ended one never."""
    claimed = replace(samples.grant("2"), state=GrantState.CLAIMED, claimed_at=NOON - MINUTE, attempt="a")
    ended = replace(samples.grant("3"), state=GrantState.REVOKED, ended_at=NOON)
    async with store.write() as tx:
        await samples.add_requests(tx, "1", "2", "3")
        for each in (samples.grant("1"), claimed, ended):
            await tx.grants.add(each)
        silent_at = NOON + 6 * MINUTE + TICK
        assert await tx.grants.next_due_at() == silent_at
        assert list(await tx.grants.lock_due(silent_at - TICK, 9)) == []
        assert list(await tx.grants.lock_due(silent_at, 9)) == [claimed]
        assert list(await tx.grants.lock_due(NOON + 10 * MINUTE, 9)) == [claimed, samples.grant("1")]
        assert list(await tx.grants.lock_due(NOON + 10 * MINUTE, 1)) == [claimed]


async def test_without_grants_nothing_is_due(store: Store) -> None:
    """An empty store has no next instant."""
    async with store.read() as tx:
        assert await tx.grants.next_due_at() is None


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (EVERYTHING, ["grt_1", "grt_2"]),
        (Scope(ScopeKind.AGENT, LEGAL), ["grt_2"]),
        (Scope(ScopeKind.FUNCTION, "legal"), ["grt_2"]),
        (Scope(ScopeKind.ACTION, "ledger.post"), ["grt_1"]),
    ],
)
async def test_a_stop_finds_unclaimed_grants(store: Store, scope: Scope, covered: list[str]) -> None:
    """A stop finds every grant of its scope that nobody claimed yet, and no other."""
    async with store.write() as tx:
        await tx.requests.add(samples.request("1"))
        contract = replace(samples.request("2", agent=LEGAL), subject=samples.of_type("contract.sign"))
        await tx.requests.add(replace(contract, function="legal"))
        await tx.requests.add(samples.request("3"))
        await tx.grants.add(samples.grant("2", agent=LEGAL))
        await tx.grants.add(samples.grant("1"))
        await tx.grants.add(
            replace(samples.grant("3"), agent=BANK, state=GrantState.CLAIMED, claimed_at=NOON, attempt="a")
        )
    async with store.write() as tx:
        assert await tx.grants.any_unclaimed(scope)
        assert [found.id for found in await tx.grants.lock_unclaimed(scope, limit=9)] == covered
        assert [found.id for found in await tx.grants.lock_unclaimed(scope, limit=1)] == covered[:1]
    async with store.read() as tx:
        assert not await tx.grants.any_unclaimed(Scope(scope.kind, "nobody")) or scope is EVERYTHING


async def test_the_grants_of_several_requests_are_read_at_once(store: Store) -> None:
    """Each by its request; a request without one is left out."""
    async with store.write() as tx:
        for name in ("1", "2", "3"):
            await tx.requests.add(samples.request(name))
        for name in ("1", "3"):
            await tx.grants.add(samples.grant(name))
    async with store.read() as tx:
        asked = [RequestId(f"req_{name}") for name in ("3", "2", "1", "9")]
        found = await tx.grants.among(asked)
        assert found == {f"req_{name}": samples.grant(name) for name in ("1", "3")}
        assert await tx.grants.among([]) == {}
