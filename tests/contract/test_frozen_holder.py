"""A process that sleeps with the switches in its hands does not keep a stop waiting."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from escalation.clock import monotonic
from escalation.errors import StoreUnavailable
from escalation.ids import RequestId
from escalation.ports import Store
from escalation.switch import EVERYTHING, Stop
from tests.contract import samples
from tests.contract.samples import NOON, SALMA, MovableClock
from tests.harness.databases import Postgres

#: Seconds: what a stop waits at most, and some more for a busy machine. A lock alone would wait for eight.
_AT_MOST = 2.0 + 2.0
_CLAIM = """
import asyncio, sys
from escalation.errors import StoreError
from escalation.switch import EVERYTHING
from tests.contract import samples

async def claim():
    store = samples.opened(sys.argv[1])
    try:
        async with store.write() as tx:
            await tx.switches.share([EVERYTHING])
            print("holding", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            await tx.switches.stopped()
        print("committed", flush=True)
    except StoreError as error:
        print(type(error).__name__, flush=True)
    await store.close()

asyncio.run(claim())
"""


@contextlib.asynccontextmanager
async def _claiming(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLAIM, url, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"holding\n"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _stop(store: Store) -> float:
    began = monotonic()
    async with store.write() as tx:
        switch = await tx.switches.lock(EVERYTHING)
        assert switch is not None
        await tx.switches.save(replace(switch, stop=Stop(by=SALMA, at=NOON, reason="odd"), version=2))
    return monotonic() - began


async def test_a_replica_frozen_inside_a_claim_delays_a_stop_by_two_seconds(
    postgresql: Store, postgres: Postgres, database: str
) -> None:
    """The stop commits while the other process still sleeps; when that one wakes, its claim has failed."""
    async with postgresql.write() as tx:
        await tx.switches.ensure([EVERYTHING])
    async with _claiming(postgres.url_of(database)) as claim:
        os.kill(claim.pid, signal.SIGSTOP)
        assert await _stop(postgresql) < _AT_MOST
        os.kill(claim.pid, signal.SIGCONT)
        said, _ = await claim.communicate(b"\n")
    assert said == b"StoreUnavailable\n"


async def test_a_claim_that_waits_for_somebody_else_delays_a_stop_no_longer(
    postgresql: Store, postgres: Postgres, database: str
) -> None:
    """Nor does one that is awake and stuck behind a row which a frozen process holds."""
    async with postgresql.write() as tx:
        await tx.switches.ensure([EVERYTHING])
        await tx.requests.add(samples.request())
    store = samples.opened(postgres.url_of(database), MovableClock())

    async def claim() -> None:
        async with store.write() as tx:
            await tx.switches.share([EVERYTHING])
            sharing.set()
            await tx.requests.lock(RequestId("req_1"))

    sharing = asyncio.Event()
    async with postgresql.write() as frozen:
        assert await frozen.requests.lock(RequestId("req_1")) is not None
        claiming = asyncio.create_task(claim())
        await sharing.wait()
        assert await _stop(postgresql) < _AT_MOST
        with pytest.raises(StoreUnavailable):
            await claiming
    await store.close()


async def test_two_stops_behind_a_frozen_claim_both_hold(
    postgresql: Store, postgres: Postgres, database: str
) -> None:
    """Whoever gets the table next is at work, and is not ended by the one who waits behind."""
    async with postgresql.write() as tx:
        await tx.switches.ensure([EVERYTHING])

    async def look() -> bool:
        async with postgresql.write() as tx:
            held = await tx.switches.lock(EVERYTHING) is not None
            await asyncio.sleep(0.1)
            return held

    async with _claiming(postgres.url_of(database)):
        assert all(await asyncio.gather(look(), look(), look()))
