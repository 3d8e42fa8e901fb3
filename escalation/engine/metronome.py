"""
The engine of one process: beats time for its modules, and stirs them when something wakes them.

Deadlines live in rows, never in the scheduler. APScheduler keeps a few jobs in memory and only beats:
each beat stirs a runner and is over at once. If a beat is missed, or the process slept, the next one
finds everything overdue.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from escalation.engine import (
    configuration,
    deadlines,
    doctor,
    heads,
    outbox,
    refusals,
    retention,
    sealing,
    sweeping,
    watchdog,
)
from escalation.engine.module import Module
from escalation.engine.reach import Reach
from escalation.engine.runner import Runner
from escalation.ports import Courier, Topic
from escalation.service.context import Core

#: Seconds that the end of the process waits for what runs.
_PATIENCE = 5.0
#: Seconds after which a listener looks by itself although nobody woke it.
_SILENCE = 60.0


class Metronome:
    """Any number of processes may run one over the same database."""

    def __init__(self, core: Core, courier: Courier) -> None:
        self._core = core
        self.reach = Reach()
        self._relay = outbox.Relay(core, courier, self.reach)
        courier_module = outbox.module(self._relay)
        stops = sweeping.module(core)
        self._follower = configuration.Follower(core)
        self._watch = heads.Watch(core)
        writers = (
            *(deadlines.module(core), stops, courier_module, sealing.module(core)),
            *(refusals.module(core), doctor.module(core), retention.module(core), self._watch.module),
        )
        for writer in writers:
            writer.paused = self._is_outdated
        others = (*writers, self._follower.module)
        self.modules: Sequence[Module] = (*others, watchdog.module(core, others, self.reach))
        self._runners = {module.name: Runner(module) for module in self.modules}
        self._woken = {
            Topic.OUTBOX: self._runners[courier_module.name],
            Topic.STOPS: self._runners[stops.name],
            Topic.CONFIGURATION: self._runners[self._follower.module.name],
        }
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._listeners: list[asyncio.Task[None]] = []

    def also(self, module: Module) -> None:
        """Run *module* as well. Before the start."""
        module.paused = self._is_outdated
        self.modules = (*self.modules, module)
        self._runners[module.name] = Runner(module)

    def hampered(self) -> list[str]:
        """Return what operators are told that this process serves in spite of, line by line."""
        return [*self._watch.lines(), *self.reach.lines()]

    def start(self) -> None:
        """Begin: every module runs at once, in the background, and then at each of its beats."""
        for name, runner in self._runners.items():
            # A beat that comes late is played all the same: None is "however late".
            self._scheduler.add_job(
                self.beat, "interval", args=[name], seconds=runner.module.every,
                coalesce=True, misfire_grace_time=None, id=name,
            )  # fmt: skip
            runner.start()
        self._scheduler.start()
        self._listeners = [asyncio.create_task(self._listen(*woken)) for woken in self._woken.items()]

    def beat(self, name: str) -> None:
        """Have the module called *name* run."""
        self._runners[name].stir()

    async def tick(self) -> None:
        """Run every module once, now, and return when all of them have."""
        for module in self.modules:
            await module.run()

    async def stop(self) -> None:
        """Stop beating; let what runs finish, within a few seconds."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for listener in self._listeners:
            listener.cancel()
        await asyncio.gather(*self._listeners, return_exceptions=True)
        # A batch is not cancelled at once: what Slack took from it has to be remembered, or it is said
        # again by whoever comes next.
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                for module in self.modules:
                    await module.settle()
        for runner in self._runners.values():
            runner.cancel()
        for runner in self._runners.values():
            await runner.ended()
        await self._relay.stop()

    def _is_outdated(self) -> bool:
        return self._follower.is_outdated

    async def _listen(self, topic: str, woken: Runner) -> None:
        async with self._core.wakeups.listen(topic) as waiter:
            while True:
                await waiter.wait(_SILENCE)
                woken.stir()
