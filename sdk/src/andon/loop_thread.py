"""An event loop on a daemon thread of its own, for callers without one."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from andon.caller_thread import CallerThread
from andon.gate import GRACE

T = TypeVar("T")


class LoopThread:
    """The loop and its thread, started with the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._submitted: set[Future[Any]] = set()  #: What the loop has, and somebody waits for.

    def call(self, main: Coroutine[object, object, T], caller: CallerThread | None = None) -> T:
        """Run *main* on the loop and return its result; its callbacks to *caller* run on this thread."""
        caller = caller or CallerThread()
        return caller.wait(self._submit(caller.once_waiting(main)))

    def close(self) -> None:
        """Stop the loop; what is still under way on other threads is cancelled and may report to the bot.

        A call that comes later starts another loop.
        """
        with self._lock:
            loop, self._loop = self._loop, None
            submitted, self._submitted = self._submitted, set()
        if loop is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_other_tasks(), loop).result()
        for future in tuple(submitted):  # a task that ignored its cancellation must not block its caller
            future.cancel()
        loop.call_soon_threadsafe(loop.stop)

    def _submit(self, work: Coroutine[object, object, T]) -> Future[T]:
        # Under the lock with which `close` takes the loop away: whatever is submitted is queued before the
        # loop's end and so cancelled with the rest, and a loop that is ending gets nothing more.
        with self._lock:
            future = asyncio.run_coroutine_threadsafe(work, self._started())
            self._submitted.add(future)
            future.add_done_callback(self._submitted.discard)
        return future

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(self._loop,), name="andon", daemon=True).start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _cancel_other_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=GRACE + 1)
