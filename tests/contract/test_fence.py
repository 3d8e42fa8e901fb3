"""The port of the fence, over every store."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from escalation.ids import RequestId
from escalation.ports import InForce, Store, Transaction
from escalation.store.postgres import PostgresStore
from escalation.switch import EVERYTHING
from tests.contract import samples
from tests.contract.test_group_commit import _busy as busy
from tests.harness.databases import Postgres

V1, V2 = InForce(version="aa", seq=1), InForce(version="bb", seq=2, refused="cc")
#: Long enough to tell that somebody waits; they would be through in a tenth of it.
_A_WHILE = 0.15


async def _save(store: Store, in_force: InForce) -> None:
    async with store.write() as tx:
        await tx.fence.lock()
        await tx.fence.save(in_force)


async def test_a_new_fence_says_that_nothing_is_in_force(store: Store) -> None:
    """There is always a fence to share; what it says is what was saved last."""
    async with store.read() as tx:
        assert await tx.fence.read() == InForce(version=None, seq=0)
    for in_force in (V1, V2):
        await _save(store, in_force)
        async with store.write() as tx:
            assert await tx.fence.share() == in_force
        async with store.read() as tx:
            assert await tx.fence.read() == in_force


async def test_what_is_taken_back_was_never_in_force(store: Store) -> None:
    """A change whose transaction fails leaves the fence as it was."""
    await _save(store, V1)

    async def fails() -> None:
        async with store.write() as tx:
            await tx.fence.lock()
            await tx.fence.save(V2)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await fails()
    async with store.read() as tx:
        assert await tx.fence.read() == V1


async def test_a_change_waits_for_those_who_share(store: Store) -> None:
    """Nothing changes under whoever decides, and whoever comes after the change sees it."""
    await _save(store, V1)
    shares, may_end = asyncio.Event(), asyncio.Event()

    async def decides(tx: Transaction) -> InForce:
        found = await tx.fence.share()
        shares.set()
        await may_end.wait()
        return found

    deciding = asyncio.create_task(store.transact(decides, touches=["one"]))
    await shares.wait()
    changing = asyncio.create_task(_save(store, V2))
    done, _ = await asyncio.wait({changing}, timeout=_A_WHILE)
    may_end.set()
    assert not done
    assert await deciding == V1
    await changing
    async with store.write() as tx:
        assert await tx.fence.share() == V2


async def test_many_share_it_side_by_side(postgresql: Store) -> None:
    """Whoever decides waits for nobody else who does."""
    async with AsyncExitStack() as stack:
        for _ in range(3):
            tx = await stack.enter_async_context(postgresql.write())
            async with asyncio.timeout(5):
                await tx.fence.share()


async def test_a_stream_of_decisions_does_not_keep_a_change_waiting(
    postgres: Postgres, database: str
) -> None:
    """A change comes through although somebody shares the fence at every moment, and no use case is lost."""
    store = samples.opened(postgres.url_of(database))
    await _save(store, V1)
    over = asyncio.Event()
    seen: list[str | None] = []

    async def decides(tx: Transaction) -> None:
        version = (await tx.fence.share()).version
        await asyncio.sleep(0.01)
        seen.append(version)

    async def stream(name: str) -> None:
        while not over.is_set():
            await store.transact(decides, touches=[name])

    streams = [asyncio.create_task(stream(str(number))) for number in range(4)]
    while len(seen) < 20:
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await _save(store, V2)
    after = len(seen)
    while len(seen) < after + 20:
        await asyncio.sleep(0)
    over.set()
    await asyncio.gather(*streams)
    assert seen == sorted(seen, key=str), "once a decision saw the change, none goes by the old one"
    await store.close()


@pytest.mark.parametrize("alone", ["fence", "switches"])
async def test_no_group_begins_while_somebody_has_it_alone(postgresql: Store, alone: str) -> None:
    """Members take rows in any order: a group that would queue behind a change or a stop holds none."""
    assert isinstance(postgresql, PostgresStore)
    postgresql._groups.stuck_after = 60
    runs: list[str] = []

    async def holds_a_row(tx: Transaction) -> None:
        runs.append("holds a row")
        await tx.requests.lock(RequestId("req_1"))

    async def decides(tx: Transaction) -> None:
        runs.append("decides")
        await (tx.fence.share() if alone == "fence" else tx.switches.share_stopped())

    async with postgresql.write() as changing:
        await (changing.fence.lock() if alone == "fence" else changing.switches.lock(EVERYTHING))
        async with busy(postgresql):
            going = asyncio.ensure_future(postgresql.transact(holds_a_row, touches=["1"]))
            waiting = asyncio.ensure_future(postgresql.transact(decides, touches=["2"]))
        async with asyncio.timeout(5):
            await going
        assert not waiting.done()
    await waiting
    assert postgresql.group_sizes[2] == 1, "they met"
    assert sorted(runs) == ["decides", "holds a row"], "neither of them ran in a group first"
