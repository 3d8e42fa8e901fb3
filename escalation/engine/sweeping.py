"""Ends what waited when a stop was pulled, batch by batch."""

from datetime import UTC, datetime

from escalation.engine.module import Module, Progress
from escalation.ports import Sweep
from escalation.service import sweep as sweeps
from escalation.service.context import Core

#: How many are ended in one transaction: between two, everybody else has a turn.
BATCH = 200
#: Seconds until what is left, but held by another process, is tried again.
_CONTENDED = 0.05
_FROM_THE_START = datetime(1970, 1, 1, tzinfo=UTC)


class _Sweeper:
    """Remembers how far each sweep has come in this run: what lies before was ended, or is held."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._since: dict[tuple[str, int], datetime] = {}

    async def work(self) -> Progress:
        """Do one batch of each stop that has something left."""
        found = await sweeps.unfinished(self._core)
        done, failed = 0, None
        for each in found:
            try:
                done += await self._batch(each)
            # A stop that meets something it cannot end must not keep the others from ending theirs.
            except Exception as error:  # noqa: BLE001 - see above
                failed = error
        if failed is not None and not done:
            raise failed
        return Progress(done=done, next_in=_CONTENDED if found else None)

    async def _batch(self, sweep: Sweep) -> int:
        place = (str(sweep.scope), sweep.version)
        since = self._since.pop(place, _FROM_THE_START)
        ended = await sweeps.end_requests(self._core, sweep, since=since, batch=BATCH)
        if ended.count:
            self._since[place] = ended.up_to
            return ended.count
        revoked = await sweeps.revoke_grants(self._core, sweep, batch=BATCH)
        return revoked or int(await sweeps.finish(self._core, sweep))


def module(core: Core) -> Module:
    """Return the module that ends what is under a stop."""
    return Module(name="sweeping", work=_Sweeper(core).work, every=1.0)
