"""An event loop whose time jumps to the next timer at once: hours of waiting take no time, and no chance."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs what is ready; when nothing is, its clock moves to the next timer."""

    def __init__(self) -> None:
        self._at = 0.0
        super().__init__(_Instant(self))

    def time(self) -> float:
        return self._at

    def jump(self, seconds: float) -> None:
        """Move the clock."""
        self._at += seconds


class _Instant(selectors.SelectSelector):
    """A selector that moves its loop's clock instead of waiting."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing will ever wake them")
        self._loop.jump(max(timeout, 0.0))
        return super().select(0)


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run *main* to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
