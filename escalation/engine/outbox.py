"""
Says in Slack what the outbox holds: lanes side by side, each lane in order, none waiting for another.

One message of a lane is under way at a time, and so many lanes. As soon as one is through, its lane is
taken again: a batch has no end at which the quick would wait for the slow.
"""

import asyncio

from escalation.engine.module import Module, Progress
from escalation.engine.reach import Reach
from escalation.ports import Courier, Outgoing
from escalation.service import deliver
from escalation.service.context import Core

#: Messages under way at once. A connection pool holds more: some are left for answers to clicks.
AT_ONCE = 64
#: Seconds between two looks: each commit wakes it, and Slack takes a message a second and channel.
_GAP = 0.02


class Relay:
    """The messages under way in one process."""

    def __init__(self, core: Core, courier: Courier, reach: Reach) -> None:
        self._core = core
        self._courier = courier
        self._reach = reach
        self._under_way: set[asyncio.Task[None]] = set()
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Look again for what is due, although messages are still under way."""
        self._stirred.set()

    async def empty(self) -> Progress:
        """Begin what is due; return as soon as there may be more, as something is through or was stirred."""
        self._stirred.clear()
        free = AT_ONCE - len(self._under_way)
        taken = await deliver.take(self._core, limit=free) if free else []
        self._under_way |= {asyncio.create_task(self._send(each)) for each in taken}
        if not self._under_way:
            return Progress(done=0)
        await self._any_through()
        return Progress(done=max(1, len(taken)))

    async def settle(self) -> None:
        """Return once nothing is under way."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def stop(self) -> None:
        """Break off what is still under way."""
        for task in self._under_way:
            task.cancel()
        await self.settle()

    async def _send(self, outgoing: Outgoing) -> None:
        tried = await deliver.send(self._core, self._courier, outgoing)
        if tried is not None:
            self._reach.heard(tried.delivery, tried.at)

    async def _any_through(self) -> None:
        stirred = asyncio.create_task(self._stirred.wait())
        try:
            await asyncio.wait({*self._under_way, stirred}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stirred.cancel()
        # What goes through nearly at the same time is followed up together.
        await asyncio.wait(self._under_way, timeout=_GAP)
        through = {task for task in self._under_way if task.done()}
        self._under_way -= through
        for failed in [task.exception() for task in through]:
            if failed is not None:
                raise failed


def module(relay: Relay) -> Module:
    """Return the module that empties the outbox."""
    return Module(
        name="outbox",
        work=relay.empty,
        every=1.0,
        gap=_GAP,
        limit=60.0,
        stirred=relay.stir,
        settled=relay.settle,
    )
