"""
Callbacks from the event loop to the thread that waits for it.

The client runs on the loop, but the effect runs on the thread that called it, so that a plain function finds
its own thread-locals, its locks and its Ctrl-C.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

from andon.gate import GRACE

T = TypeVar("T")

SIGNALS_EVERY: Final = 0.5  #: Seconds after which a waiting thread looks for signals that did not wake it.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Returned(Generic[T]):
    value: T


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raised:
    error: Exception


class CallerThread:
    """The thread of one call: it waits for a coroutine on the loop and runs that coroutine's callbacks."""

    def __init__(self) -> None:
        self._callbacks: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._over = threading.Event()

    async def run(self, function: Callable[[], T]) -> T:
        """Run *function* on the waiting thread and return what it returns. Awaited on the loop."""
        done: Future[_Returned[T] | _Raised] = Future()

        def callback() -> None:
            if done.set_running_or_notify_cancel():  # cancelled meanwhile: it must not start
                done.set_result(_ending(function))

        self._callbacks.put(callback)
        match await asyncio.wrap_future(done):
            case _Returned(value=value):
                return value
            case _Raised(error=error):
                raise error

    async def once_waiting(self, main: Coroutine[object, object, T]) -> T:
        """Await *main*, but only once the thread is in `wait`, where an interrupt is sure to reach *main*."""
        try:
            await self.run(_do_nothing)
            return await main
        finally:
            main.close()  # without this a *main* that never began warns that it was never awaited
            self._over.set()

    def wait(self, future: Future[T]) -> T:
        """Run callbacks until *future* is done; an interrupt cancels it, but lets it report first."""
        future.add_done_callback(lambda _: self._callbacks.put(None))
        try:
            while (callback := self._next_callback()) is not None:
                callback()
        except BaseException:
            future.cancel()
            self._over.wait(GRACE + 1)
            raise
        return future.result()

    def _next_callback(self) -> Callable[[], None] | None:
        """Return the next callback, or None when there are no more."""
        while True:
            # A signal that arrives just before the thread blocks does not wake it: its handler runs only
            # once the thread is awake again.
            with suppress(Empty):
                return self._callbacks.get(timeout=SIGNALS_EVERY)


def _do_nothing() -> None:
    """Run as the first callback of every call: once it has run, the thread is waiting."""


def _ending(function: Callable[[], T]) -> _Returned[T] | _Raised:
    """Keep the ending as a value: some errors, such as StopIteration, cannot be put into a future."""
    try:
        return _Returned(value=function())
    except Exception as error:  # noqa: BLE001  # carried across and raised on the other side
        return _Raised(error=error)
