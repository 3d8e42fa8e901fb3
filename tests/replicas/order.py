"""What a process is told when it is born: where its database is, and where it is to die."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

#: Any kill point: the n-th that is passed, whichever it is.
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """When a process is to end: at a kill point, or some time after it began to serve."""

    point: str | None = None
    nth: int = 1
    after: float | None = None  #: Seconds.


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One process to be."""

    url: str  #: Of its database.
    clock: str  #: Where the shared clock is.
    wire: str  #: The socket on which it is waited for.
    redis: str | None = None
    serves_alone: bool = False  #: Whether it holds the lock of the one process that serves a file.
    death: Death | None = None


class Deaths:
    """Ends this process at its kill point, at once: nothing is flushed, closed or said."""

    def __init__(self, death: Death | None, say_last: Callable[[str], None]) -> None:
        self._say_last = say_last
        self._point = None if death is None else death.point
        self._left = 0 if death is None else death.nth

    def __call__(self, point: str) -> None:
        if self._point is None or self._point not in {point, ANY}:
            return
        self._left -= 1
        if self._left <= 0:
            self._say_last(point)
            os.kill(os.getpid(), signal.SIGKILL)
