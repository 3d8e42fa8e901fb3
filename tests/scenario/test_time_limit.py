"""Slack may take so long for one message, and no longer: the lease on its row must not run out meanwhile."""

import asyncio

from escalation.ids import Ulids
from escalation.ports import Delivery, Dossier, OutboxKind, Outgoing, TryLater
from escalation.service import deliver
from escalation.service.context import Core
from escalation.store.memory import MemoryStore
from escalation.wakeups.local import LocalWakeups
from tests.contract import samples
from tests.contract.samples import MovableClock
from tests.harness.virtual_time import in_virtual_time
from tests.scenario.rules import shipped


class _Hanging:
    """A courier whom Slack never answers."""

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:  # the port's
        await asyncio.Event().wait()
        raise AssertionError


async def _seconds_for_one_message() -> float:
    clock = MovableClock()
    core = Core(
        store=MemoryStore(clock),
        ids=Ulids(clock),
        wakeups=LocalWakeups(),
        configuration=lambda: shipped().configuration,
    )
    async with core.store.write() as tx:
        await samples.add_requests(tx, "1")
        await tx.outbox.add(samples.outgoing(kind=OutboxKind.CARD))
    (row,) = await deliver.take(core, limit=9)
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(deliver.LEASE.total_seconds()):
        tried = await deliver.send(core, _Hanging(), row)
    assert tried is not None
    assert tried.delivery == TryLater(why="it took too long", away=True, unsure=True)
    return asyncio.get_running_loop().time() - began


def test_slack_has_twenty_seconds_for_a_message() -> None:
    """One that is not answered is let go of in time, and is in doubt: it may stand there."""
    assert 20 <= in_virtual_time(_seconds_for_one_message()) < 21
