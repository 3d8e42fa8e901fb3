"""What the engine runs: a verb with its own time limit, that may fail without harming the others."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from escalation.clock import monotonic
from escalation.errors import EscalationError, NotInForce, SchemaMismatch, StoreUnavailable, places

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one batch came to."""

    done: int  #: How much of what was due it did; none ends the run.
    next_in: float | None = None  #: Seconds until more is due; None leaves that to the next beat.


@dataclass(slots=True, kw_only=True)
class Module:
    """One thing the engine does again and again."""

    name: str
    work: Callable[[], Awaitable[Progress]]  #: Does what is due, up to a batch.
    every: float  #: Seconds between two beats.
    gap: float = 0.0  #: Seconds between two runs, at least, however often it is woken.
    paused: Callable[[], bool] = lambda: False  #: Whether it must not work now.
    limit: float = 30.0  #: Seconds a batch may take; a run that took longer leaves the rest to the next one.
    last_ok: float | None = None  #: When a batch last went through, on the monotonic clock.
    error: str | None = None  #: What stopped it last time; none if it ran through.
    next_in: float | None = None  #: Seconds, from the end of the last run, until more is due.
    stirred: Callable[[], None] | None = None  #: Told when there may be more to do, even during a batch.
    settled: Callable[[], Awaitable[None]] | None = None  #: Waits for what outlives a batch.
    _running: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    _closing: bool = False

    async def run(self) -> int:
        """Run until nothing is due; log what goes wrong and leave the rest to the next beat."""
        async with self._running:
            done, until, progress = 0, monotonic() + self.limit, Progress(done=0)
            self.next_in = None
            try:
                while not self._closing and not self._pauses():
                    progress = await self._batch()
                    done += progress.done
                    if not progress.done or monotonic() > until:
                        break
            except (StoreUnavailable, NotInForce, SchemaMismatch, TimeoutError) as error:
                self._stumbled(error)
            # A module must not take the engine down with it, whatever happened inside: the next
            # beat tries again, and the watchdog tells people if it goes on.
            except Exception as error:  # noqa: BLE001 - see above
                self._stumbled(error)
                # Not its message: it may quote what somebody wrote.
                _log.error("module_failed", module=self.name, error=type(error).__name__, where=places(error))
            else:
                self.error = None
                # What is left over after a long run is due at once.
                self.next_in = 0.0 if progress.done else progress.next_in
            return done

    async def settle(self) -> None:
        """Begin no further batch; return once the one under way is over."""
        self._closing = True
        self.stir()
        async with self._running:
            if self.settled is not None:
                await self.settled()

    def stir(self) -> None:
        """Say that there may be more to do."""
        if self.stirred is not None:
            self.stirred()

    def is_late(self) -> bool:
        """Return whether it has not run through for much longer than it should."""
        return self.last_ok is not None and monotonic() - self.last_ok > self.limit + 10 * self.every

    def _pauses(self) -> bool:
        paused = self.paused()
        if paused:
            # It does as it should; who is paused is not late.
            self.last_ok = monotonic()
        return paused

    async def _batch(self) -> Progress:
        # Only a batch that hangs is broken off. One that is broken off may have said something in
        # Slack and cannot remember it; so a run that is merely long ends between two batches.
        async with asyncio.timeout(self.limit):
            progress = await self.work()
        self.last_ok = monotonic()
        return progress

    def _stumbled(self, error: Exception) -> None:
        ours = isinstance(error, EscalationError)
        text = f"{type(error).__name__}: {error}" if ours else type(error).__name__
        if text != self.error:
            _log.warning("module_stumbled", module=self.name, error=text)
        self.error = text
