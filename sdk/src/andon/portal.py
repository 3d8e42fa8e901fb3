"""
An event loop on a thread of its own, for callers without one, and the way back to the caller's thread.

The client runs on the loop; the effect runs where it was called, so that a plain function finds its own
thread, its locks and its Ctrl-C.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from andon.once import GRACE

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Returned(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raised:
    error: Exception


class Errands:
    """Work that a coroutine on the loop hands back to the thread waiting for it."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._over = threading.Event()

    async def here(self, work: Callable[[], T]) -> T:
        """Run *work* on the waiting thread and return what it returns. Awaited on the loop."""
        done: Future[_Returned[T] | _Raised] = Future()

        def errand() -> None:
            if done.set_running_or_notify_cancel():  # cancelled meanwhile: it must not start
                done.set_result(_ending(work))

        self._queue.put(errand)
        match await asyncio.wrap_future(done):
            case _Returned(value=value):
                return value
            case _Raised(error=error):
                raise error

    async def until(self, main: Coroutine[object, object, T]) -> T:
        """Await *main*, but only once the thread is in `run`, where an interrupt is sure to reach *main*."""
        try:
            await self.here(_arrived)
            return await main
        finally:
            main.close()  # had it never begun, it would be missed
            self._over.set()

    def run(self, future: Future[T]) -> T:
        """Do errands until *future* is done; an interrupt cancels it and lets it tell the bot first."""
        future.add_done_callback(lambda _: self._queue.put(None))
        try:
            while (errand := self._queue.get()) is not None:
                errand()
        except BaseException:
            future.cancel()
            self._over.wait(GRACE + 1)
            raise
        return future.result()


class Portal:
    """The loop and its thread, started with the first call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handed: set[Future[Any]] = set()  #: What the loop has, and somebody waits for.

    def call(self, main: Coroutine[object, object, T], errands: Errands | None = None) -> T:
        """Run *main* on the loop and return its result, doing its *errands* on this thread meanwhile."""
        errands = errands or Errands()
        return errands.run(self._hand_over(errands.until(main)))

    def close(self) -> None:
        """Stop the loop; what is still under way on other threads is cancelled and may tell the bot.

        A call that comes later starts another loop.
        """
        with self._lock:
            loop, self._loop = self._loop, None
            handed, self._handed = self._handed, set()
        if loop is None:
            return
        asyncio.run_coroutine_threadsafe(_cancel_the_rest(), loop).result()
        for future in tuple(handed):  # it would not end: whoever waits for it must not wait for ever
            future.cancel()
        loop.call_soon_threadsafe(loop.stop)

    def _hand_over(self, work: Coroutine[object, object, T]) -> Future[T]:
        # Under the lock that `close` takes the loop away with: what is handed over is ahead of its end, so
        # it is cancelled with the rest; a loop that is ending is handed nothing more.
        with self._lock:
            future = asyncio.run_coroutine_threadsafe(work, self._started())
            self._handed.add(future)
            future.add_done_callback(self._handed.discard)
        return future

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_serve, args=(self._loop,), name="andon", daemon=True).start()
        return self._loop


def _arrived() -> None:
    """Do nothing: the first errand of every call."""


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    if rest:
        await asyncio.wait(rest, timeout=GRACE + 1)


def _ending(work: Callable[[], T]) -> _Returned[T] | _Raised:
    """Keep the ending as a value: some errors, such as StopIteration, cannot be put into a future."""
    try:
        return _Returned(value=work())
    except Exception as error:  # noqa: BLE001  # carried across and raised on the other side
        return _Raised(error=error)
