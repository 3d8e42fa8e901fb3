"""What every use case is given, and what it answers: the ports, a click, and what came of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from escalation.authority import Account
from escalation.configuration import Configuration
from escalation.errors import InvalidConfiguration
from escalation.grant import Grant
from escalation.ids import Ids
from escalation.ports import Adopt, Heads, Kills, Nowhere, Store, StoredConfiguration, Topic, Wakeups, never
from escalation.request import Request
from escalation.service.tallies import Headroom, RefusedCalls, RefusedFiles, Unreached


async def never_another(stored: StoredConfiguration) -> None:
    """Work by one configuration for good."""
    raise InvalidConfiguration(f"this process has no way to load version {stored.version}")


@dataclass(frozen=True, slots=True)
class _Held:
    """One configuration, whatever is put in force meanwhile."""

    configuration: Configuration

    def __call__(self) -> Configuration:
        return self.configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The outside, behind its ports."""

    store: Store
    ids: Ids
    wakeups: Wakeups
    configuration: Callable[[], Configuration]  #: What this process works by now.
    adopt: Adopt = never_another  #: Has it work by another one.
    heads: Heads = field(default_factory=Nowhere)
    kill: Kills = never
    headroom: Headroom = field(default_factory=Headroom)
    refused_calls: RefusedCalls = field(default_factory=RefusedCalls)
    refused_files: RefusedFiles = field(default_factory=RefusedFiles)
    unreached: Unreached = field(default_factory=Unreached)
    _closing: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """Open the store for the workspace that this process serves."""
        self.store.open_for(self.configuration().tenant)

    def by(self, configuration: Configuration) -> "Core":
        """Return the same, working by *configuration* whatever is put in force meanwhile."""
        held = self.configuration
        if isinstance(held, _Held) and held.configuration is configuration:
            return self
        return replace(self, configuration=_Held(configuration))

    @property
    def is_closing(self) -> bool:
        """Whether the process is shutting down: a long poll returns, and may be sent to another replica."""
        return self._closing.is_set()

    def close_waits(self) -> None:
        """End every long poll of this process with what is known now."""
        self._closing.set()
        self.wakeups.wake_all_here()


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """A verified click, command or form from Slack: who, and which signed request carried it."""

    account: Account
    fingerprint: str
    what: str  #: Such as ``request:approve``.


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The click about a request counts."""

    request: Request
    grant: Grant | None = None
    repeated: bool = False  #: This very click was taken before; nothing changed now.


async def wake(core: Core, *topics: str) -> None:
    """After the commit: wake who waits for *topics*, and the engine's outbox."""
    await core.wakeups.wake(*topics, Topic.OUTBOX)


def seconds_until(at: datetime, now: datetime) -> float:
    """Return how many seconds *at* is away, never less than none."""
    return max(0.0, (at - now).total_seconds())
