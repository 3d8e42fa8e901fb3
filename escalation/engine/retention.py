"""Removes what was kept for its term, once an hour, in batches that leave room for everybody else."""

import asyncio

from escalation.engine.module import Module, Progress
from escalation.ports import Place
from escalation.retention import Kept
from escalation.service import retention
from escalation.service.context import Core

#: Seconds for which everybody else has the database to themselves after a batch.
_PAUSE = 0.02


class _Keeper:
    """Remembers how far it has come with each kind."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._left: list[Kept] | None = None
        self._behind: dict[Kept, Place] = {}

    async def work(self) -> Progress:
        """Remove one batch; none is left when every kind that is due has been looked through."""
        if self._left is None:
            self._left = list(await retention.due(self._core))
        if not self._left:
            self._left = None
            return Progress(done=0)
        kept = self._left[0]
        batch = await retention.remove(self._core, kept, behind=self._behind.get(kept, Place()))
        self._behind[kept] = batch.up_to
        if batch.is_last:
            self._left.pop(0)
            # What stays is looked at again next time; but a decision's click goes with its request.
            if kept is not Kept.CLICKS:
                del self._behind[kept]
        else:
            await asyncio.sleep(_PAUSE)
        return Progress(done=1)


def module(core: Core) -> Module:
    """Return the module that removes what was kept for its term."""
    return Module(name="retention", work=_Keeper(core).work, every=3600.0)
