"""
Runs one module whenever it is stirred: by a beat, by a wake-up, or by a timer set for what is due next.

              ┌────────────── stirred, or the timer ──────────────┐
              ▼                                                    │
    run until nothing is due ──▶ aim: set the timer for ``next_in`` ──▶ wait

One task runs and aims in turn, so an aim cannot be lost to a run that is still under way; a stir that
comes meanwhile is remembered. Delays come from the store's clock as the last batch read it, so it does
not matter how far this machine's clock is off, and every beat aims again.
"""

import asyncio

from escalation.engine.module import Module

#: Seconds: a timer is never set for less. It is the precision of the aim, and keeps a runner whose
#: timer fires early by the store's clock from spinning.
_LEAST_WAIT = 0.001


class Runner:
    """The task of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Run the module at once, and from then on whenever it is stirred."""
        self.stir()
        self._task = asyncio.create_task(self._run(), name=f"engine {self.module.name}")

    def stir(self) -> None:
        """Have the module run: now if it waits, or once more after the run under way."""
        self._stirred.set()
        self.module.stir()

    def cancel(self) -> None:
        """End the task, in the middle of a batch if there is one."""
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        """Return once the cancelled task is over, whatever it ended with."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            await self._run_once()
            timer = self._aim()
            # Whatever stirs it during the gap is done after it, all at once.
            await asyncio.sleep(self.module.gap)
            await self._stirred.wait()
            if timer is not None:
                timer.cancel()

    async def _run_once(self) -> None:
        try:
            await self.module.run()
        except asyncio.CancelledError:
            # A cancellation that leaked out of a library is not of this task: the next beat tries again.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise

    def _aim(self) -> asyncio.TimerHandle | None:
        seconds = self.module.next_in
        if seconds is None:
            return None
        return asyncio.get_running_loop().call_later(max(seconds, _LEAST_WAIT), self.stir)
