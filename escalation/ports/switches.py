"""What is asked of the kill switches that are stored."""

from collections.abc import Collection, Sequence
from typing import Protocol

from escalation.switch import Scope, Switch


class Switches(Protocol):
    """The kill switches: one row per scope, so that a stop and a claim exclude each other."""

    async def ensure(self, scopes: Collection[Scope]) -> None:
        """Insert a running switch for each scope that has none."""
        ...

    async def share(self, scopes: Collection[Scope]) -> Sequence[Switch]:
        """Return the switches of *scopes* and keep all of them from moving until this transaction ends."""
        ...

    async def share_stopped(self) -> Sequence[Switch]:
        """Return what is stopped, first stop first; no switch moves until this transaction ends."""
        ...

    async def lock(self, scope: Scope) -> Switch | None:
        """
        Return the switch and keep others from reading it for a claim, or moving it.

        Who holds it for longer than a claim takes loses its transaction: a stop does not wait for
        a process that sleeps.
        """
        ...

    async def save(self, switch: Switch) -> bool: ...

    async def stopped(self) -> Sequence[Switch]:
        """Return what is stopped, first stop first."""
        ...
