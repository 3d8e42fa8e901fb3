"""The fence: one row that says which configuration is in force, and whether anything may be released."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What the fence says."""

    version: str | None = None  #: The configuration's; none until one was put in force.
    seq: int = 0  #: How often it changed.
    refused: str | None = None  #: Identifies the files that were refused last, and alarmed about.
    epoch: int = 1  #: Begins anew each time a restore is acknowledged.
    frozen: str | None = None  #: Why nothing is released; none while everything is.
    record: str | None = None  #: Names the record in heads that are kept outside; none before the first.


class Fence(Protocol):
    """
    Held alone by a change, shared by whoever decides: each sees the other, whichever commits first.

    Reading it in any way raises ``SchemaMismatch`` once another version of the program has migrated
    the database.
    """

    async def read(self) -> InForce:
        """Return what it says, holding nothing."""
        ...

    async def share(self) -> InForce:
        """
        Return what it says and keep it from changing until this transaction ends.

        Who asks again in the same transaction costs the database nothing.
        """
        ...

    async def others(self) -> Sequence[str]:
        """Return up to ten other tenants of this database for whom a configuration is in force."""
        ...

    async def lock(self) -> InForce:
        """Return what it says; until this transaction ends nobody else decides by it or changes it."""
        ...

    async def save(self, in_force: InForce) -> None:
        """Have it say *in_force*; this transaction holds it alone."""
        ...
