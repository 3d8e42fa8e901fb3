"""The configurations that were ever in force, and how a process comes to work by another one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConfiguration:
    """A configuration as it is remembered."""

    version: str
    body: str  #: Its files, as one text.


class Configurations(Protocol):
    """Every configuration that was ever in force."""

    async def add(self, stored: StoredConfiguration, *, at: datetime) -> None:
        """Remember that it was put in force at that instant, for the first time or again."""
        ...

    async def get(self, version: str) -> StoredConfiguration | None: ...


#: Has this process work by a configuration from now on. Raises ``InvalidConfiguration`` if it cannot.
Adopt: TypeAlias = Callable[[StoredConfiguration], Awaitable[None]]
