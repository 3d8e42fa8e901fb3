"""Use cases that share a commit of PostgreSQL: each all or nothing on its own, whatever its neighbours do."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from escalation.errors import StoreError, StoreUnavailable
from escalation.ids import RequestId
from escalation.ports import OutboxKind, Page, Store, Transaction, UseCase
from escalation.store.postgres import PostgresStore
from escalation.switch import EVERYTHING, Stop
from tests.contract import samples
from tests.contract.samples import NOON, SALMA
from tests.harness.databases import Postgres

#: Long enough to tell that somebody waits; they would be through in a tenth of it.
_A_WHILE = 0.15
#: Seconds; less than what a statement waits for a lock before it gives up.
_SOON = 6.0
_KICK = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'andon'"
#: Makes every commit of a request take long.
_SLEEP = """
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$
"""
_SLEEP_AT_COMMIT = """
    CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION slow()
"""


@pytest.fixture
def store(postgresql: Store) -> PostgresStore:
    """The store in PostgreSQL, whose groups can be watched."""
    assert isinstance(postgresql, PostgresStore)
    # However slow this machine is at the moment, who is to meet meets.
    postgresql._groups.stuck_after = 60
    return postgresql


@asynccontextmanager
async def _busy(store: Store) -> AsyncIterator[None]:
    """Keep one use case under way: whoever comes meanwhile meets in the next group."""
    begun, done = asyncio.Event(), asyncio.Event()

    async def hold(_: Transaction) -> None:
        begun.set()
        await done.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(store.transact(hold, touches=["hold"]))
        await begun.wait()
        try:
            yield
            await asyncio.sleep(0)  # all that were sent are there
        finally:
            done.set()


async def _at_once(store: Store, *use_cases: UseCase[object], touches: Sequence[str] = ()) -> list[object]:
    """Let *use_cases* meet, each touching something of its own unless told; return answers and errors."""
    touched = touches or [f"thing-{number}" for number in range(len(use_cases))]
    async with _busy(store):
        sent = [
            asyncio.ensure_future(store.transact(use_case, touches=[name]))
            for use_case, name in zip(use_cases, touched, strict=True)
        ]
    return await asyncio.gather(*sent, return_exceptions=True)


def _ask(name: str) -> UseCase[bool]:
    async def ask(tx: Transaction) -> bool:
        assert await tx.requests.by_key(samples.BANK, f"key-{name}") is None
        added = await tx.requests.add(samples.request(name))
        await tx.record.add(samples.event(name, subject=f"req_{name}"))
        await tx.outbox.add(samples.outgoing(name, kind=OutboxKind.CARD, about=name))
        return added

    return ask


async def _stored(store: Store) -> set[str]:
    async with store.read() as tx:
        return {found.id for found in await tx.requests.page(Page(limit=999))}


async def test_those_who_meet_share_a_commit(store: PostgresStore, postgres: Postgres, database: str) -> None:
    """Use cases that meet are committed by one transaction, and each is given its own answer."""
    assert await _at_once(store, *(_ask(f"{number}") for number in range(9))) == [True] * 9
    assert await _stored(store) == {f"req_{number}" for number in range(9)}
    assert store.group_sizes[9] == 1
    for table, rows in (("requests", 9), ("audit_events", 9), ("outbox", 9)):
        count = f"SELECT count(DISTINCT xmin::text), count(*) FROM {table}"  # noqa: S608  # a table of ours
        assert await postgres.execute(count, database=database) == [(1, rows)]


async def test_a_group_has_one_instant_and_sees_its_own_changes(store: PostgresStore) -> None:
    """What one use case changed and then reads it finds changed, and all of a group have one *now*."""

    def decide(name: str) -> UseCase[object]:
        async def lock_and_read(tx: Transaction) -> object:
            assert await tx.inbox.add(samples.click(name))
            found = await tx.requests.lock(RequestId(f"req_{name}"))
            assert found is not None
            assert await tx.requests.save(samples.decided(found, samples.decision(name)))
            again = await tx.requests.get(found.id)
            assert again is not None
            return tx.now, again.decisions

        return lock_and_read

    async with store.write() as tx:
        await samples.add_requests(tx, "1", "2", "3")
    answers = await _at_once(store, *(decide(name) for name in "123"))
    assert answers == [(NOON, (samples.decision(name),)) for name in "123"]
    assert store.group_sizes[3] == 1


async def test_two_that_touch_the_same_never_share(store: PostgresStore) -> None:
    """Of use cases that change the same thing, the later one sees what the earlier one committed."""
    async with store.write() as tx:
        await samples.add_requests(tx, "1")

    async def decide(tx: Transaction) -> int:
        found = await tx.requests.lock(RequestId("req_1"))
        assert found is not None
        await tx.requests.save(samples.nudged(found))
        return found.version

    assert await _at_once(store, *[decide] * 5, touches=["req_1"] * 5) == [1, 2, 3, 4, 5]
    assert set(store.group_sizes) == {1}


async def test_one_that_raises_leaves_its_neighbours_alone(store: PostgresStore) -> None:
    """The error of one use case is its own, and nothing of it is kept; its neighbours are committed."""

    async def fail(tx: Transaction) -> None:
        await tx.requests.add(samples.request("bad"))
        raise InterruptedError

    answers = await _at_once(store, _ask("1"), fail, _ask("2"))
    assert [answers[0], answers[2]] == [True, True]
    assert isinstance(answers[1], InterruptedError)
    assert await _stored(store) == {"req_1", "req_2"}


async def test_one_that_conflicts_leaves_its_neighbours_alone(store: PostgresStore) -> None:
    """A row that the database refuses fails the use case that wrote it, and no other."""
    async with store.write() as tx:
        await tx.record.add(samples.event("taken"))

    async def conflict(tx: Transaction) -> None:
        await tx.requests.add(samples.request("bad"))
        await tx.record.add(samples.event("taken"))

    answers = await _at_once(store, _ask("1"), conflict, _ask("2"))
    assert [answers[0], answers[2]] == [True, True]
    assert isinstance(answers[1], StoreError)
    assert await _stored(store) == {"req_1", "req_2"}


async def test_a_stale_change_leaves_its_neighbours_alone(store: PostgresStore) -> None:
    """A change of a version that is not there fails its own use case, though nobody waited for it."""
    async with store.write() as tx:
        await samples.add_requests(tx, "1")

    async def stale(tx: Transaction) -> None:
        found = await tx.requests.lock(RequestId("req_1"))
        assert found is not None
        later = replace(found, version=found.version + 1)
        tx.requests._held[found.id] = later.version  # type: ignore[attr-defined]  # as if it were so
        await tx.requests.save(samples.nudged(later))

    answers = await _at_once(store, stale, _ask("2"))
    assert isinstance(answers[0], StoreError)
    assert answers[1] is True
    async with store.read() as tx:
        assert await tx.requests.get(RequestId("req_1")) == samples.request("1")


@pytest.mark.parametrize("how", ["cancelled", "timed out"])
async def test_who_gives_up_before_the_turn_comes_changes_nothing(store: PostgresStore, how: str) -> None:
    """A caller who goes away while waiting for a group takes the use case along, and nobody else's."""
    async with _busy(store):
        neighbour = asyncio.ensure_future(store.transact(_ask("1"), touches=["1"]))
        if how == "cancelled":
            gone = asyncio.ensure_future(store.transact(_ask("2"), touches=["2"]))
            await asyncio.sleep(0)
            gone.cancel()
            with pytest.raises(asyncio.CancelledError):
                await gone
        else:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await store.transact(_ask("2"), touches=["2"])
    assert await neighbour
    assert await _stored(store) == {"req_1"}


async def test_who_gives_up_in_a_group_spoils_nothing(store: PostgresStore) -> None:
    """A caller who goes away while the group is under way leaves its use case to be committed."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Transaction) -> None:
        await _ask("1")(tx)
        begun.set()
        await go_on.wait()

    async with _busy(store):
        gone = asyncio.ensure_future(store.transact(slow, touches=["1"]))
        neighbour = asyncio.ensure_future(store.transact(_ask("2"), touches=["2"]))
    await begun.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    go_on.set()
    assert await neighbour
    assert await _stored(store) == {"req_1", "req_2"}


async def test_a_connection_lost_before_the_commit(store: PostgresStore, postgres: Postgres) -> None:
    """When the server hangs up in the middle everybody is told that nothing was changed, and that is so."""

    async def hang_up(tx: Transaction) -> None:
        await tx.requests.add(samples.request("3"))
        await postgres.execute(_KICK)

    answers = await _at_once(store, _ask("1"), _ask("2"), hang_up)
    for answer in answers:
        assert isinstance(answer, StoreUnavailable)
        assert "nothing was changed" in str(answer)
    assert await _stored(store) == set()
    assert await store.transact(_ask("1"), touches=["1"])


async def test_a_connection_lost_during_the_commit(
    store: PostgresStore, postgres: Postgres, database: str
) -> None:
    """When the server hangs up during the commit everybody is told that its outcome is not known."""
    for statement in (_SLEEP, _SLEEP_AT_COMMIT):
        await postgres.execute(statement, database=database)
    tries: list[str] = []

    def ask(name: str) -> UseCase[bool]:
        async def once(tx: Transaction) -> bool:
            tries.append(name)
            return await _ask(name)(tx)

        return once

    committing = asyncio.create_task(_at_once(store, ask("1"), ask("2")))
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while await postgres.execute(asleep) == [(0,)]:
        await asyncio.sleep(0.01)
    await postgres.execute(_KICK)
    for answer in await committing:
        assert isinstance(answer, StoreUnavailable)
        assert "not known" in str(answer)
    # Whoever does not know asks again; to do it again unasked could be to do it twice.
    assert sorted(tries) == ["1", "2"]
    assert await _stored(store) == set()


async def test_a_stop_under_way_holds_up_only_whom_it_concerns(store: PostgresStore) -> None:
    """While a stop holds the switches a group falls apart: who needs no switch goes on, the others wait."""
    async with store.write() as tx:
        await tx.switches.ensure([EVERYTHING])

    async def share(tx: Transaction) -> object:
        [switch] = await tx.switches.share([EVERYTHING])
        return switch.stop

    pulled = Stop(by=SALMA, at=NOON, reason="odd")
    async with store.write() as stop:
        switch = await stop.switches.lock(EVERYTHING)
        assert switch is not None
        async with _busy(store):
            going = asyncio.ensure_future(store.transact(_ask("1"), touches=["1"]))
            waiting = asyncio.ensure_future(store.transact(share, touches=["2"]))
        async with asyncio.timeout(_SOON):
            assert await going
        done, _ = await asyncio.wait({waiting}, timeout=_A_WHILE)
        assert not done
        await stop.switches.save(replace(switch, stop=pulled, version=2))
    assert await waiting == pulled


async def test_a_deadlock_of_groups_is_resolved(
    store: PostgresStore, postgres: Postgres, database: str
) -> None:
    """Two who wait for each other's rows in a circle are told apart by the database, and both get through."""
    async with store.write() as tx:
        await samples.add_requests(tx, "1", "2")
    locked = asyncio.Barrier(2)

    def lock(first: str, then: str) -> UseCase[bool]:
        tries = 0

        async def use_case(tx: Transaction) -> bool:
            nonlocal tries
            tries += 1
            await tx.requests.lock(RequestId(first))
            if tries == 1:
                await locked.wait()
            return await tx.requests.lock(RequestId(then)) is not None

        return use_case

    other = samples.opened(postgres.url_of(database))
    one_way = _at_once(store, lock("req_1", "req_2"), _ask("3"))
    the_other = _at_once(other, lock("req_2", "req_1"), _ask("4"))
    assert tuple(await asyncio.gather(one_way, the_other)) == ([True, True], [True, True])
    await other.close()


async def test_one_alone_who_lost_a_deadlock_is_done_again(
    store: PostgresStore, postgres: Postgres, database: str
) -> None:
    """Two alone who wait for each other both get through: the loser is retried."""
    async with store.write() as tx:
        await samples.add_requests(tx, "1", "2")
    locked = asyncio.Barrier(2)
    tries: Counter[str] = Counter()

    def lock(first: str, then: str) -> UseCase[bool]:
        async def use_case(tx: Transaction) -> bool:
            tries[first] += 1
            await tx.requests.lock(RequestId(first))
            if tries[first] == 1:
                await locked.wait()
            return await tx.requests.lock(RequestId(then)) is not None

        return use_case

    other = samples.opened(postgres.url_of(database))
    one_way = store.transact(lock("req_1", "req_2"), touches=["1"])
    the_other = other.transact(lock("req_2", "req_1"), touches=["2"])
    assert tuple(await asyncio.gather(one_way, the_other)) == (True, True)
    assert sum(tries.values()) > 2, "nobody lost"
    await other.close()


async def test_closing_finishes_what_is_under_way(store: PostgresStore) -> None:
    """Who was there when the store was closed is committed."""
    async with _busy(store):
        sent = [asyncio.ensure_future(store.transact(_ask(name), touches=[name])) for name in "12"]
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
    await closing
    assert all(each.done() for each in sent)
    assert await asyncio.gather(*sent) == [True, True]


async def test_readers_who_meet_are_each_given_their_own(store: PostgresStore) -> None:
    """Rows that many look for at once are handed to whom they belong, and one bad key fails alone."""
    async with store.write() as tx:
        await samples.add_requests(tx, *(f"{number}" for number in range(20)))
        await tx.grants.add(samples.grant("7"))

    def look(name: str) -> Awaitable[object]:
        async def read() -> object:
            async with store.read() as tx:
                found = await tx.requests.get(RequestId(f"req_{name}"))
                return None if found is None else (found.id, await tx.grants.of(found.id))

        return read()

    names = [*(f"{number}" for number in range(20)), "none", "bad\0key", "7"]
    answers = await asyncio.gather(*(look(name) for name in names), return_exceptions=True)
    expected = [(f"req_{number}", samples.grant("7") if number == 7 else None) for number in range(20)]
    assert [*answers[:20], answers[20], answers[22]] == [*expected, None, ("req_7", samples.grant("7"))]
    assert isinstance(answers[21], StoreError)


async def test_nobody_waits_for_a_strangers_lock(store: PostgresStore) -> None:
    """While one use case waits for a row that another process holds, all others are committed beside it."""
    store._groups.stuck_after = 0.025
    async with store.write() as tx:
        await samples.add_requests(tx, "1")

    async def lock(tx: Transaction) -> bool:
        return await tx.requests.lock(RequestId("req_1")) is not None

    async with store.write() as stranger:
        assert await stranger.requests.lock(RequestId("req_1")) is not None
        held_up = [
            asyncio.ensure_future(store.transact(lock, touches=["req_1"])),
            asyncio.ensure_future(store.transact(lock, touches=["req_1"])),
        ]
        async with asyncio.timeout(_SOON):
            assert await _at_once(store, *(_ask(f"a{number}") for number in range(5))) == [True] * 5
        assert not any(each.done() for each in held_up)
    assert await asyncio.gather(*held_up) == [True, True]


async def test_a_group_that_waited_decides_anew(store: PostgresStore, clock: samples.MovableClock) -> None:
    """Who was through when a neighbour waited long does not commit by an instant long past: it runs again."""
    async with store.write() as tx:
        await samples.add_requests(tx, "1")
    instants: list[object] = []

    async def decide(tx: Transaction) -> None:
        assert await tx.inbox.add(samples.click("1"))
        instants.append(tx.now)

    async def wait(tx: Transaction) -> None:
        assert await tx.inbox.add(samples.click("2"))
        assert await tx.requests.lock(RequestId("req_1")) is not None

    async with store.write() as stranger:
        assert await stranger.requests.lock(RequestId("req_1")) is not None
        both = asyncio.ensure_future(_at_once(store, decide, wait))
        await asyncio.sleep(_A_WHILE)
        clock.advance(samples.MINUTE)
    assert await both == [None, None]
    assert instants == [NOON, NOON + samples.MINUTE]


async def test_requests_without_a_key_are_all_stored(store: PostgresStore) -> None:
    """Requests without an idempotency key never take each other's place, however many are stored at once."""

    def add(name: str) -> UseCase[bool]:
        async def use_case(tx: Transaction) -> bool:
            return await tx.requests.add(replace(samples.request(name), key=None))

        return use_case

    assert await _at_once(store, *(add(name) for name in "123")) == [True] * 3
    assert await _stored(store) == {"req_1", "req_2", "req_3"}
    assert store.group_sizes[3] == 1


async def test_a_strangers_lock_holds_up_no_neighbour_and_no_stop(store: PostgresStore) -> None:
    """A group one of whose members waits for another process's row falls apart well within three seconds."""
    async with store.write() as tx:
        await samples.add_requests(tx, "1")
        await tx.switches.ensure([EVERYTHING])

    async def lock(tx: Transaction) -> bool:
        return await tx.requests.lock(RequestId("req_1")) is not None

    async def stop() -> bool:
        async with store.write() as tx:
            return await tx.switches.lock(EVERYTHING) is not None

    async with store.write() as stranger:
        assert await stranger.requests.lock(RequestId("req_1")) is not None
        async with _busy(store):
            held_up = asyncio.ensure_future(store.transact(lock, touches=["req_1"]))
            neighbour = asyncio.ensure_future(store.transact(_ask("2"), touches=["2"]))
        async with asyncio.timeout(_SOON):
            assert all(await asyncio.gather(stop(), neighbour))
        assert not held_up.done()
    assert await held_up


async def test_a_group_apart_leaves_connections_to_others(store: PostgresStore) -> None:
    """While thirty who need a switch wait for a stop, readers and whoever needs no switch go on."""
    store._groups.stuck_after = 0.025
    async with store.write() as tx:
        await tx.switches.ensure([EVERYTHING])

    async def share(tx: Transaction) -> None:
        await tx.switches.share([EVERYTHING])

    async with store.write() as stop:
        assert await stop.switches.lock(EVERYTHING) is not None
        async with _busy(store):
            waiting = [
                asyncio.ensure_future(store.transact(share, touches=[f"{number}"])) for number in range(30)
            ]
        await asyncio.sleep(_A_WHILE)
        async with asyncio.timeout(_SOON):
            assert await _stored(store) == set()
            assert await store.transact(_ask("1"), touches=["something else"])
        assert not any(each.done() for each in waiting)
    await asyncio.gather(*waiting)
