"""What a statement waited with moves the transaction's instant on; rows and record tell one and the same."""

import asyncio
from dataclasses import replace

from escalation.ids import AgentName
from escalation.store import open_store
from tests.contract import samples
from tests.harness.databases import Postgres
from tests.scenario.world import AGENT, world


class _TakenBack(Exception):
    """The other transaction changes nothing after all."""


async def test_a_proposal_that_waited_was_asked_once_and_at_one_instant(
    postgres: Postgres, database: str
) -> None:
    """Its key was nearly taken by another; replayed, the record gives the instant that the row has."""
    async with world(store=lambda clock: open_store(postgres.url_of(database), clock)) as room:
        taken = replace(samples.request("other", agent=AgentName(AGENT)), key="close:7")
        asking: asyncio.Task[dict[str, object]] | None = None
        try:
            async with room.store.write() as other:
                await other.requests.add(taken)
                asking = asyncio.create_task(room.agent.asks(key="close:7"))
                await _until_somebody_waits(postgres)
                await asyncio.sleep(0.1)  # longer than a statement takes that waits for nobody
                room.clock.advance(seconds=3)
                raise _TakenBack  # noqa: TRY301  # it has to pass through the transaction
        except _TakenBack:
            assert asking is not None
            asked = await asking
        assert asked["state"] == "pending"
        # The laws at the end of the world compare each row with the record.


async def _until_somebody_waits(postgres: Postgres) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while await postgres.execute(waiting) != [(1,)]:
            await asyncio.sleep(0.02)
