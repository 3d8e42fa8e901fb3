"""How far each stop has come with ending what waited when it was pulled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from escalation.switch import Scope, Switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What one stop has ended so far."""

    scope: Scope
    version: int  #: Of its switch when it was stopped: one scope can be stopped again.
    killed: int = 0  #: Pending requests that the stop ended.
    late: int = 0  #: Pending requests whose deadline was past before the stop: they timed out.
    revoked: int = 0  #: Unclaimed grants that it took back.
    finished_at: datetime | None = None  #: When nothing was left to end.


class Sweeps(Protocol):
    """One row for each stop, apart from its switch: counting must not wait for claims."""

    async def add(self, sweep: Sweep) -> None: ...

    async def of(self, switch: Switch) -> Sweep | None:
        """Return the sweep of the stop that *switch* is under."""
        ...

    async def lock(self, sweep: Sweep) -> Sweep | None:
        """Return it as it is now, and keep others from counting until this transaction ends."""
        ...

    async def count(self, ended: Sweep) -> None:
        """Add what *ended* counts to its sweep."""
        ...

    async def finish(self, sweep: Sweep, at: datetime) -> None: ...

    async def reopen(self, sweep: Sweep) -> None:
        """Note that there is something to end again; what was counted stays."""
        ...

    async def unfinished(self, limit: int) -> Sequence[Sweep]:
        """Return up to *limit* sweeps that are not finished, by scope."""
        ...
