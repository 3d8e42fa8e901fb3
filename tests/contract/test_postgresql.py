"""What only PostgreSQL has to show: transactions side by side, and a server that comes and goes."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from asyncpg import IntegrityConstraintViolationError

from escalation.errors import EscalationError, StoreError, StoreUnavailable
from escalation.grant import GrantState
from escalation.ids import GrantId, RequestId
from escalation.ports import OutboxKind, Store, Transaction
from escalation.store import Database
from escalation.store.postgres import where
from escalation.store.tables import APPEND_ONLY
from escalation.switch import EVERYTHING, Scope, ScopeKind, Stop
from tests.contract import samples
from tests.contract.samples import MINUTE, NOON, SALMA, TICK, MovableClock
from tests.harness.databases import FAST, Postgres, running_postgres

AGENT = Scope(ScopeKind.AGENT, "bank-reconciliation")
#: Long enough to tell that somebody waits; they would be through in a tenth of it.
_A_WHILE = 0.15


@asynccontextmanager
async def _both(store: Store) -> AsyncIterator[tuple[Transaction, Transaction]]:
    async with store.write() as one, store.write() as other:
        yield one, other


async def _waits(task: "asyncio.Task[object]") -> bool:
    done, _ = await asyncio.wait({task}, timeout=_A_WHILE)
    return not done


async def test_two_engines_never_settle_the_same_request(postgresql: Store) -> None:
    """What one transaction holds as due, another skips without waiting and takes the next."""
    async with postgresql.write() as tx:
        await samples.add_requests(tx, "1", "2", "3")
    async with _both(postgresql) as (one, other):
        assert [due.id for due in await one.requests.lock_due(NOON + MINUTE * 5, 2)] == ["req_1", "req_2"]
        assert [due.id for due in await other.requests.lock_due(NOON + MINUTE * 5, 2)] == ["req_3"]


async def test_two_engines_never_lapse_the_same_grant(postgresql: Store) -> None:
    """What one transaction holds as due, another skips without waiting."""
    async with postgresql.write() as tx:
        await samples.add_requests(tx, "1", "2")
        await tx.grants.add(samples.grant("1"))
        await tx.grants.add(samples.grant("2"))
    async with _both(postgresql) as (one, other):
        assert len(await one.grants.lock_due(NOON + MINUTE * 10, 1)) == 1
        assert [due.id for due in await other.grants.lock_due(NOON + MINUTE * 10, 9)] == ["grt_2"]


async def test_two_couriers_never_take_the_same_lane(postgresql: Store) -> None:
    """While one courier takes the head of a lane, another leaves the whole lane alone and takes others."""
    async with postgresql.write() as tx:
        await tx.outbox.add(samples.outgoing("1"))
        await tx.outbox.add(samples.outgoing("2", at=NOON + TICK))
        await tx.outbox.add(samples.outgoing("3", lane="C02", at=NOON + TICK))
    lease = timedelta(seconds=30)
    async with _both(postgresql) as (one, other):
        assert [took.id for took in await one.outbox.take(NOON + TICK, lease=lease, limit=1)] == ["out_1"]
        assert [took.id for took in await other.outbox.take(NOON + TICK, lease=lease, limit=9)] == ["out_3"]


async def test_a_decision_waits_for_the_one_before(postgresql: Store) -> None:
    """Whoever locks a request that is held waits, and then sees what the other one made of it."""
    async with postgresql.write() as tx:
        await tx.requests.add(samples.request())
    async with postgresql.write() as other:
        async with postgresql.write() as one:
            assert await one.requests.lock(RequestId("req_1")) == samples.request()
            second = asyncio.create_task(other.requests.lock(RequestId("req_1")))
            assert await _waits(second)
            await one.requests.save(samples.settled(samples.request()))
        assert await second == samples.settled(samples.request())


async def test_whoever_waited_knows_what_time_it_is(postgres: Postgres, database: str) -> None:
    """A decision that waited for another past the deadline is not made by the time at which it began."""
    clock = MovableClock()
    store = samples.opened(postgres.url_of(database), clock)
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.switches.ensure([EVERYTHING])
    for wait in (_lock_request, _lock_switch):
        async with store.write() as second:
            async with store.write() as first:
                await wait(first)
                waiting = asyncio.create_task(wait(second))
                assert await _waits(waiting)
                began = second.now
                clock.advance(MINUTE)
            await waiting
            assert second.now == began + MINUTE
    await store.close()


async def _lock_request(tx: Transaction) -> object:
    return await tx.requests.lock(RequestId("req_1"))


async def _lock_switch(tx: Transaction) -> object:
    return await tx.switches.lock(EVERYTHING)


async def test_a_claim_waits_for_a_stop_and_sees_it(postgresql: Store) -> None:
    """A claim that begins while a stop is under way waits for it, and is told that it is stopped."""
    async with postgresql.write() as tx:
        await tx.switches.ensure([AGENT, EVERYTHING])
    async with postgresql.write() as claim:
        async with postgresql.write() as stop:
            switch = await stop.switches.lock(EVERYTHING)
            assert switch is not None
            sharing = asyncio.create_task(claim.switches.share([AGENT, EVERYTHING]))
            assert await _waits(sharing)
            pulled = replace(switch, stop=Stop(by=SALMA, at=NOON, reason="odd"), version=2)
            assert await stop.switches.save(pulled)
        assert pulled in await sharing


async def test_a_stop_waits_for_the_claims_before_it(postgresql: Store) -> None:
    """A stop that begins while a claim is under way waits until that claim is committed and can be seen."""
    async with postgresql.write() as tx:
        await tx.switches.ensure([AGENT, EVERYTHING])
        await tx.requests.add(samples.request())
        await tx.grants.add(samples.grant())
    claimed = replace(samples.grant(), state=GrantState.CLAIMED, claimed_at=NOON, attempt="a", version=2)
    async with postgresql.write() as stop:
        async with postgresql.write() as claim, postgresql.write() as another:
            await claim.switches.share([EVERYTHING, AGENT])
            # Claims do not hold each other up.
            await asyncio.wait_for(another.switches.share([AGENT, EVERYTHING]), 1)
            stopping = asyncio.create_task(stop.switches.lock(EVERYTHING))
            assert await _waits(stopping)
            await claim.grants.save(claimed)
        await stopping
        assert list(await stop.grants.lock_unclaimed(EVERYTHING, limit=9)) == []


async def test_a_stop_and_a_click_see_each_other(postgresql: Store) -> None:
    """With nothing stopped as well: a stop waits for the clicks before it, and those behind it are told."""
    async with postgresql.write() as tx:
        await tx.switches.ensure([EVERYTHING])
    async with postgresql.write() as later:
        async with postgresql.write() as stop:
            async with postgresql.write() as click, postgresql.write() as another:
                assert list(await click.switches.share_stopped()) == []
                # Clicks do not hold each other up.
                await asyncio.wait_for(another.switches.share_stopped(), 1)
                stopping = asyncio.create_task(stop.switches.lock(EVERYTHING))
                assert await _waits(stopping)
            switch = await stopping
            assert switch is not None
            sharing = asyncio.create_task(later.switches.share_stopped())
            assert await _waits(sharing)
            pulled = replace(switch, stop=Stop(by=SALMA, at=NOON, reason="odd"), version=2)
            assert await stop.switches.save(pulled)
        assert list(await sharing) == [pulled]


async def test_claims_queue_behind_a_stop(postgresql: Store) -> None:
    """However many claims come and go, a stop waits only for those that came before it."""
    async with postgresql.write() as tx:
        await tx.switches.ensure([AGENT, EVERYTHING])
    async with postgresql.write() as later:
        async with postgresql.write() as stop:
            async with postgresql.write() as claim:
                await claim.switches.share([AGENT, EVERYTHING])
                stopping = asyncio.create_task(stop.switches.lock(EVERYTHING))
                assert await _waits(stopping)
                sharing = asyncio.create_task(later.switches.share([AGENT, EVERYTHING]))
                assert await _waits(sharing)
            await asyncio.wait_for(stopping, 1)
            assert await _waits(sharing)
        await asyncio.wait_for(sharing, 1)


async def test_a_claim_holds_switches_that_were_not_there(postgresql: Store) -> None:
    """Even a switch that nobody made before keeps a stop waiting once a claim shares it."""
    async with postgresql.write() as stop:
        async with postgresql.write() as claim:
            await claim.switches.share([AGENT])
            stopping = asyncio.create_task(_ensure_and_lock(stop))
            assert await _waits(stopping)
        await stopping


async def _ensure_and_lock(tx: Transaction) -> object:
    await tx.switches.ensure([AGENT])
    return await tx.switches.lock(AGENT)


async def test_a_sweep_passes_by_what_others_hold_and_knows_that_it_is_there(postgresql: Store) -> None:
    """A batch of a stop skips what a click or another replica holds; until that is over it is not done."""
    async with postgresql.write() as tx:
        await samples.add_requests(tx, "1", "2")
        for name in ("1", "2"):
            await tx.grants.add(samples.grant(name))
    async with postgresql.write() as sweep:
        async with postgresql.write() as other:
            await other.requests.lock(RequestId("req_1"))
            await other.grants.lock(GrantId("grt_1"))
            found = await sweep.requests.lock_pending(EVERYTHING, since=NOON, limit=9)
            assert [each.id for each in found] == ["req_2"]
            assert [each.id for each in await sweep.grants.lock_unclaimed(EVERYTHING, limit=9)] == ["grt_2"]
            await sweep.requests.save(samples.settled(samples.request("2")))
            assert await sweep.requests.any_pending(EVERYTHING)
            await other.requests.save(samples.settled(samples.request("1")))
        assert not await sweep.requests.any_pending(EVERYTHING)
        assert await sweep.grants.any_unclaimed(EVERYTHING)


async def test_one_links_the_record_at_a_time(postgresql: Store) -> None:
    """While one transaction links events another is told no at once; afterwards it may."""
    async with postgresql.write() as other:
        async with postgresql.write() as one:
            assert await one.record.hold()
            assert not await other.record.hold()
        assert await other.record.hold()


async def test_a_key_that_is_being_taken_is_waited_for(postgresql: Store) -> None:
    """A proposal under a key that another transaction is about to take waits, and then is refused."""
    async with postgresql.write() as other:
        async with postgresql.write() as one:
            await one.requests.add(samples.request("1"))
            adding = asyncio.create_task(other.requests.add(replace(samples.request("2"), key="key-1")))
            assert await _waits(adding)
        assert not await adding


async def test_a_card_that_is_about_to_wait_is_not_doubled(postgresql: Store) -> None:
    """Two changes of one card at the same time leave one card waiting."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)

    async def change(number: int) -> None:
        async with postgresql.write() as tx:
            await tx.outbox.add(replace(card, id=samples.outgoing(f"{number}").id))

    await asyncio.gather(*(change(number) for number in range(8)))
    async with postgresql.write() as tx:
        [taken] = await tx.outbox.take(NOON, lease=MINUTE, limit=9)
        await tx.outbox.done(taken.id, NOON)
        assert await tx.outbox.next_due_at() is None


async def test_a_card_that_waits_is_not_drawn_before_the_change(postgresql: Store) -> None:
    """While a change is under way nobody takes the card that waits: it would show what was before."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    async with postgresql.write() as tx:
        await tx.outbox.add(card)
    async with postgresql.write() as change:
        for number in "23":
            await change.outbox.add(replace(card, id=samples.outgoing(number).id))
        assert await change.outbox.next_due_at() == NOON
        async with postgresql.write() as courier:
            assert list(await courier.outbox.take(NOON, lease=MINUTE, limit=9)) == []
    async with postgresql.write() as courier:
        assert [taken.id for taken in await courier.outbox.take(NOON, lease=MINUTE, limit=9)] == [card.id]


async def test_the_database_tells_the_time(postgres: Postgres, database: str) -> None:
    """Without a clock to move, an instant is the database's: never ahead of it, and late by little."""
    store = samples.opened(postgres.url_of(database))
    ask = "SELECT clock_timestamp()"
    for _ in range(3):
        [(before,)] = await postgres.execute(ask)
        async with store.write() as tx:
            now = tx.now
        [(after,)] = await postgres.execute(ask)
        assert before - timedelta(milliseconds=50) <= now <= after  # type: ignore[operator]  # both are instants
    await store.close()


async def test_the_record_is_only_ever_added_to(postgresql: Store, postgres: Postgres, database: str) -> None:
    """Not even the tables' owner changes, deletes or empties events, links, seals or decisions."""
    await samples.fill_the_record(postgresql)
    for table in APPEND_ONLY:
        for change in (*samples.changes_of(table), f"TRUNCATE {table} CASCADE"):
            with pytest.raises(IntegrityConstraintViolationError, match="only ever added"):
                await postgres.execute(change, database=database)


async def test_a_lost_connection_is_replaced(postgresql: Store, postgres: Postgres) -> None:
    """After the server hung up, the transaction under way fails as a whole and the next one works."""
    kick = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'andon'"

    async def be_hung_up_on() -> None:
        async with postgresql.write() as tx:
            await tx.requests.add(samples.request())
            await postgres.execute(kick)

    with pytest.raises(StoreUnavailable):
        await be_hung_up_on()
    async with postgresql.write() as tx:
        assert await tx.requests.get(RequestId("req_1")) is None
        assert await tx.requests.add(samples.request())


async def test_a_connection_lost_while_idle_is_not_lent(postgresql: Store, postgres: Postgres) -> None:
    """A connection that the server closed while nobody used it is replaced before anybody notices."""
    async with postgresql.write() as tx:
        await tx.requests.add(samples.request())
    await postgres.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'andon'"
    )
    await asyncio.sleep(0.05)
    async with postgresql.write() as tx:
        assert await tx.requests.get(RequestId("req_1")) == samples.request()


async def test_a_database_that_is_away_comes_back() -> None:
    """While PostgreSQL is down everything is refused as unavailable; when it is up again, all works."""
    with running_postgres(FAST) as server:
        store = samples.opened(server.url, MovableClock())
        await store.prepare()
        async with store.write() as tx:
            await tx.requests.add(samples.request())
        server.stop()
        for attempt in (store.check(), _count(store), _write(store)):
            with pytest.raises(StoreUnavailable):
                await attempt
        server.start()
        await store.check()
        assert await _count(store) == 1
        await _write(store)
        assert await _count(store) == 2
        await store.close()


async def _count(store: Database) -> int:
    async with store.read() as tx:
        return len(await tx.requests.lock_due(NOON + MINUTE * 60, 99))


async def _write(store: Database) -> None:
    async with store.write() as tx:
        await tx.requests.add(samples.request("2"))


async def test_errors_show_no_password() -> None:
    """What is said of a database that cannot be reached does not hold the password it was given."""
    store = samples.opened("postgresql+asyncpg://andon:hunter2@127.0.0.1:1/andon")
    for attempt in (store.check(), store.prepare(migrate=True)):
        with pytest.raises(StoreUnavailable) as refused:
            await attempt
        assert "hunter2" not in f"{refused.value} {refused.value!r}"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("andon:hunter2@127.0.0.1:1/andon", "at 127.0.0.1:1/andon, as ANDON_DATABASE_URL says"),
        ("andon:hunter2@/andon?host=/not/there", "at /not/there/andon, as ANDON_DATABASE_URL says"),
        ("andon:hunter2@127.0.0.1:99999/andon", "at 127.0.0.1:99999/andon, as ANDON_DATABASE_URL says"),
        ("127.0.0.1/andon?port=1&password=hunter2", "at 127.0.0.1/andon, as ANDON_DATABASE_URL says"),
        ("andon:hunter2@127.0.0.1:1/andon?sslmode=no", "at 127.0.0.1:1/andon, as ANDON_DATABASE_URL says"),
        ("andon:a@hunter2@127.0.0.1:1/andon", "an @ in its password is written %40"),
        ("andon:hunter2/a@127.0.0.1:1/andon", "ANDON_DATABASE_URL cannot be read"),
        ("andon:a?hunter2@127.0.0.1:1/andon", "ANDON_DATABASE_URL cannot be read"),
        ("andon:a#hunter2@127.0.0.1:1/andon", "ANDON_DATABASE_URL cannot be read"),
        ("andon:[hunter2@127.0.0.1:1/andon", "ANDON_DATABASE_URL cannot be read"),
        ("andon:hunter2/andon", "ANDON_DATABASE_URL cannot be read"),
    ],
)
async def test_a_wrong_address_is_named_without_its_password(address: str, says: str) -> None:
    """Who cannot reach PostgreSQL learns where it was looked for, and which variable says so; no password."""
    store = samples.opened(f"postgresql+asyncpg://{address}")
    with pytest.raises(EscalationError) as refused:
        await store.check()
    assert says in str(refused.value)
    assert "hunter2" not in "".join(traceback.format_exception(refused.value))


def test_a_port_that_may_be_a_password_is_not_shown() -> None:
    """Where the host was forgotten, what looks like a port is the password."""
    assert where("postgresql://andon:4711/andon") == "at andon/andon, as ANDON_DATABASE_URL says"


async def test_a_failed_statement_fails_the_commit(postgresql: Store) -> None:
    """PostgreSQL undoes a transaction in which a statement failed; its caller is not told that it worked."""

    async def swallow() -> None:
        async with postgresql.write() as tx:
            await tx.requests.add(samples.request("1"))
            with pytest.raises(StoreError):
                await tx.requests.add(replace(samples.request("1"), key=None))

    with pytest.raises(StoreError, match="nothing was changed"):
        await swallow()
    async with postgresql.read() as tx:
        assert await tx.requests.get(RequestId("req_1")) is None
