"""
Ticks: asks, again and again, what is due, and wakes up exactly at the nearest deadline.

Deadlines live in rows, never in the scheduler: APScheduler keeps its few jobs in memory and only
beats time. If it missed a beat, or the process slept, the next beat finds everything overdue.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from escalation.engine import deadlines, outbox, sealing, watchdog
from escalation.engine.module import Module
from escalation.errors import StoreError
from escalation.ports import Courier, Topic
from escalation.service.context import Core

_NEAREST = "nearest-deadline"
#: Seconds that the end of the process waits for what runs.
_PATIENCE = 5.0


class Metronome:
    """The engine of one process. Any number of processes may run one over the same database."""

    def __init__(self, core: Core, courier: Courier) -> None:
        self._core = core
        self._deadlines = deadlines.module(core)
        self._outbox = outbox.module(core, courier)
        others = (self._deadlines, self._outbox, sealing.module(core))
        self.modules: Sequence[Module] = (*others, watchdog.module(core, others))
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._listeners: list[asyncio.Task[None]] = []
        self._runs: set[asyncio.Task[int]] = set()

    async def start(self) -> None:
        """Settle what is overdue, then begin to tick."""
        # Only that: the doors open next, and what waits for Slack must not keep them closed.
        await self._deadlines.run()
        for module in self.modules:
            # A beat that comes while the last one still works is dropped, one that comes late is
            # played all the same: None is "however late".
            self._scheduler.add_job(
                self._beat, "interval", args=[module], seconds=module.every, max_instances=1,
                coalesce=True, misfire_grace_time=None, id=module.name,
            )  # fmt: skip
        self._scheduler.start()
        self._listeners = [
            asyncio.create_task(self._on(Topic.OUTBOX, self._outbox)),
            asyncio.create_task(self._on(Topic.DEADLINE, None)),
        ]
        await self._aim()

    async def tick(self) -> None:
        """Run every module once, now: what a beat does, for tests and for the start."""
        for module in self.modules:
            await module.run()

    async def stop(self) -> None:
        """Stop ticking; let what runs finish, within a few seconds."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for listener in self._listeners:
            listener.cancel()
        for listener in self._listeners:
            with suppress(asyncio.CancelledError):
                await listener
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                for module in self.modules:
                    await module.settle()
        for run in self._runs:
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    async def _beat(self, module: Module) -> None:
        # The scheduler and the listeners are cancelled when the process ends. A run is not: what Slack
        # took from it has to be remembered, or it is said again by whoever comes next.
        run = asyncio.create_task(module.run())
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)
        await asyncio.shield(run)

    async def _on(self, topic: str, module: Module | None) -> None:
        async with self._core.wakeups.listen(topic) as waiter:
            while True:
                await waiter.wait(60.0)
                await (self._aim() if module is None else self._beat(module))

    async def _aim(self, *, after: datetime | None = None) -> None:
        # The tick would find it within a second; this makes it exact.
        with suppress(StoreError):
            nearest = await deadlines.nearest(self._core)
            if nearest is not None and (after is None or nearest > after):
                self._scheduler.add_job(
                    self._strike, "date", args=[nearest], run_date=nearest, id=_NEAREST,
                    replace_existing=True, misfire_grace_time=None,
                )  # fmt: skip

    async def _strike(self, at: datetime) -> None:
        await self._beat(self._deadlines)
        # What is still due although it was struck (our clock is ahead of the store's, or another
        # process is at it) is left to the next tick: to strike again at once would be to spin.
        await self._aim(after=at)
