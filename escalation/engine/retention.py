"""
Removes what was kept for its term, once an hour, in batches that leave room for everybody else.

A clock that is wrong for a moment would take years of history with it. So nothing is removed unless the
store's clock and this machine's monotonic one agree about how long it is since the last look at which they
did; the first look after a start only notes the two.
"""

import asyncio
from datetime import datetime

import structlog

from escalation.clock import monotonic
from escalation.engine.module import Module, Progress
from escalation.ports import Place
from escalation.retention import Kept
from escalation.service import retention
from escalation.service.context import Core

#: Seconds for which everybody else has the database to themselves after a batch.
_PAUSE = 0.02
#: Seconds by which the two clocks may differ after an hour: a machine that slept, or was set right.
_DRIFT = 600.0

_log = structlog.get_logger(__name__)


class _Keeper:
    """Remembers how far it has come with each kind."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._left: list[Kept] | None = None
        self._at: datetime | None = None  #: When terms are reckoned from.
        self._seen: tuple[datetime, float] | None = None  #: Both clocks, at the last look.
        self._behind: dict[Kept, Place] = {}

    async def work(self) -> Progress:
        """Remove one batch; none is left when every kind that is due has been looked through."""
        if self._left is None:
            await self._look()
        if not self._left or self._at is None:
            self._left = None
            return Progress(done=0)
        kept, behind = self._left[0], self._behind.get(self._left[0], Place())
        batch = await retention.remove(self._core, kept, at=self._at, behind=behind)
        self._behind[kept] = batch.up_to
        if batch.is_last:
            self._left.pop(0)
            # What stays is looked at again next time; but a decision's click goes with its request.
            if kept is not Kept.CLICKS:
                del self._behind[kept]
        else:
            await asyncio.sleep(_PAUSE)
        return Progress(done=1)

    async def _look(self) -> None:
        found, passed = await retention.due(self._core), monotonic()
        if self._seen is None:
            self._seen = (found.at, passed)
            return
        jumped = (found.at - self._seen[0]).total_seconds() - (passed - self._seen[1])
        if abs(jumped) <= _DRIFT:
            self._seen = (found.at, passed)
            self._at, self._left = found.at, list(found.kinds)
        else:
            _log.warning("clock_jumped", seconds=round(jumped), what="nothing is removed until it is right")


def module(core: Core) -> Module:
    """Return the module that removes what was kept for its term."""
    return Module(name="retention", work=_Keeper(core).work, every=3600.0)
