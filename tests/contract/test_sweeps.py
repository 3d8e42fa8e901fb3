"""The port of how far each stop has come, over every store."""

import asyncio
from dataclasses import replace

from escalation.ids import AgentName
from escalation.ports import Store, Sweep, Transaction
from escalation.store.postgres import PostgresStore
from escalation.switch import EVERYTHING, Scope, ScopeKind, Switch
from tests.contract import samples
from tests.contract.samples import NOON

AGENT = Scope(ScopeKind.AGENT, "bank-reconciliation")
WIDE = Sweep(scope=EVERYTHING, version=2)
NARROW = Sweep(scope=AGENT, version=4)


async def test_what_is_ended_adds_up(store: Store) -> None:
    """Whoever ends something adds to its sweep and to no other, also several times in one transaction."""
    async with store.write() as tx:
        await tx.sweeps.add(WIDE)
        await tx.sweeps.add(NARROW)
    for _ in range(2):
        async with store.write() as tx:
            await tx.sweeps.count(replace(WIDE, killed=2))
            await tx.sweeps.count(replace(NARROW, killed=1))
            await tx.sweeps.count(replace(WIDE, killed=1, late=1, revoked=3))
    async with store.read() as tx:
        assert await tx.sweeps.of(Switch(scope=EVERYTHING, version=2)) == replace(
            WIDE, killed=6, late=2, revoked=6
        )
        assert await tx.sweeps.of(Switch(scope=AGENT, version=4)) == replace(NARROW, killed=2)
        assert await tx.sweeps.of(Switch(scope=AGENT, version=2)) is None


async def test_a_finished_sweep_is_found_by_its_stop_alone(store: Store) -> None:
    """What is finished is no longer listed, keeps its counts, and leaves a later stop of the scope alone."""
    again = replace(WIDE, version=6)
    async with store.write() as tx:
        for sweep in (WIDE, NARROW, again):
            await tx.sweeps.add(sweep)
    async with store.write() as tx:
        assert await tx.sweeps.lock(WIDE) == WIDE
        await tx.sweeps.finish(WIDE, NOON)
    async with store.read() as tx:
        assert list(await tx.sweeps.unfinished(9)) == [NARROW, again]
        assert list(await tx.sweeps.unfinished(1)) == [NARROW]
        assert await tx.sweeps.of(Switch(scope=EVERYTHING, version=2)) == replace(WIDE, finished_at=NOON)


async def test_a_finished_sweep_may_go_again(store: Store) -> None:
    """Reopened, it is listed once more, and what was counted stays."""
    async with store.write() as tx:
        await tx.sweeps.add(replace(WIDE, killed=2))
    async with store.write() as tx:
        await tx.sweeps.finish(WIDE, NOON)
    async with store.write() as tx:
        await tx.sweeps.reopen(WIDE)
    async with store.read() as tx:
        assert list(await tx.sweeps.unfinished(9)) == [replace(WIDE, killed=2)]


async def test_a_functions_stop_covers_what_its_agents_asked_elsewhere(store: Store) -> None:
    """Requests and grants of the function, and those of the agents named, whatever they asked them for."""
    legal = Scope(ScopeKind.FUNCTION, "legal")
    async with store.write() as tx:
        await tx.requests.add(samples.request("1"))
        await tx.requests.add(replace(samples.request("2", agent=samples.LEGAL), function="legal"))
        await tx.requests.add(samples.request("3", agent=AgentName("other")))
        for number, agent in (("1", samples.BANK), ("2", samples.LEGAL), ("3", AgentName("other"))):
            await tx.grants.add(samples.grant(number, agent=agent))
    for agents, covered in (((), "2"), ((samples.BANK,), "12"), ((samples.BANK, AgentName("nobody")), "12")):
        async with store.write() as tx:
            found = await tx.requests.lock_pending(legal, agents=agents, since=NOON, limit=9)
            assert [each.id for each in found] == [f"req_{number}" for number in covered]
            unused = await tx.grants.lock_unclaimed(legal, agents=agents, limit=9)
            assert [each.id for each in unused] == [f"grt_{number}" for number in covered]
    async with store.read() as tx:
        nobody = Scope(ScopeKind.FUNCTION, "nobody")
        assert await tx.requests.any_pending(nobody, agents=[samples.BANK])
        assert await tx.grants.any_unclaimed(nobody, agents=[samples.BANK])
        assert not await tx.requests.any_pending(nobody)
        assert not await tx.grants.any_unclaimed(nobody)


async def test_a_sweep_that_is_not_there_is_no_error(store: Store) -> None:
    """A stop of before the table had none: counting for it changes nothing."""
    async with store.write() as tx:
        await tx.sweeps.count(replace(WIDE, killed=1))
        assert await tx.sweeps.lock(WIDE) is None


async def test_those_who_share_a_commit_count_each(postgresql: PostgresStore) -> None:
    """Late clicks that share a commit are all counted: one statement adds their sum."""
    postgresql._groups.stuck_after = 60
    async with postgresql.write() as tx:
        await tx.sweeps.add(WIDE)

    async def count(tx: Transaction) -> None:
        assert list(await tx.switches.share_stopped()) == []
        await tx.sweeps.count(replace(WIDE, killed=1))

    calls = (postgresql.transact(count, touches=[str(number)]) for number in range(9))
    await asyncio.gather(*calls)
    assert max(postgresql.group_sizes) > 1
    async with postgresql.read() as tx:
        assert await tx.sweeps.of(Switch(scope=EVERYTHING, version=2)) == replace(WIDE, killed=9)


async def test_who_finishes_a_sweep_has_every_count(postgresql: Store) -> None:
    """Whoever ends something at the same moment is counted before the sweep is finished, or not yet done."""
    async with postgresql.write() as tx:
        await tx.sweeps.add(WIDE)
    async with postgresql.write() as finishing:
        assert await finishing.sweeps.lock(WIDE) == WIDE
        counting = asyncio.create_task(_count(postgresql))
        done, _ = await asyncio.wait({counting}, timeout=0.15)
        assert not done
    await counting
    async with postgresql.write() as tx:
        assert await tx.sweeps.lock(WIDE) == replace(WIDE, killed=1)


async def _count(store: Store) -> None:
    async with store.write() as tx:
        await tx.sweeps.count(replace(WIDE, killed=1))
