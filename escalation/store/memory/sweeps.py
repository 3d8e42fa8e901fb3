"""How far each stop has come, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from escalation.ports import Sweep
from escalation.store.memory.view import Table, View
from escalation.switch import Scope, Switch

_SWEEPS: Table[tuple[Scope, int], Sweep] = Table()


class MemorySweeps:
    """The sweeps of one transaction."""

    def __init__(self, view: View) -> None:
        self._view = view

    async def add(self, sweep: Sweep) -> None:
        self._view[_SWEEPS].add((sweep.scope, sweep.version), sweep)

    async def of(self, switch: Switch) -> Sweep | None:
        """Return the sweep of the stop that *switch* is under."""
        return self._view[_SWEEPS].get((switch.scope, switch.version))

    async def lock(self, sweep: Sweep) -> Sweep | None:
        """Return it as it is now; writers queue, so nobody else counts meanwhile."""
        return self._view[_SWEEPS].get((sweep.scope, sweep.version))

    async def count(self, ended: Sweep) -> None:
        """Add what *ended* counts to its sweep."""
        if (found := await self.lock(ended)) is not None:
            self._put(
                replace(
                    found,
                    killed=found.killed + ended.killed,
                    late=found.late + ended.late,
                    revoked=found.revoked + ended.revoked,
                )
            )

    async def finish(self, sweep: Sweep, at: datetime) -> None:
        if (found := await self.lock(sweep)) is not None:
            self._put(replace(found, finished_at=at))

    async def reopen(self, sweep: Sweep) -> None:
        """Note that there is something to end again; what was counted stays."""
        if (found := await self.lock(sweep)) is not None:
            self._put(replace(found, finished_at=None))

    async def unfinished(self, limit: int) -> Sequence[Sweep]:
        """Return up to *limit* sweeps that are not finished, by scope."""
        found = [sweep for sweep in self._view[_SWEEPS].values() if sweep.finished_at is None]
        return sorted(found, key=lambda sweep: (str(sweep.scope), sweep.version))[:limit]

    def _put(self, sweep: Sweep) -> None:
        self._view[_SWEEPS].put((sweep.scope, sweep.version), sweep)
