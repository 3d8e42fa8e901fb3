"""How a fake Slack can fail, one call at a time."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class RateLimited:
    """429: come back *after* so many seconds; nothing was done."""

    after: int = 1


@dataclass(frozen=True, slots=True)
class ServerError:
    """500; nothing was done."""


@dataclass(frozen=True, slots=True)
class AcceptThenSilence:
    """It was done, and the answer never comes."""


@dataclass(frozen=True, slots=True)
class AcceptThenError:
    """It was done, and the answer is 500."""


@dataclass(frozen=True, slots=True)
class Lost:
    """It is acknowledged, with a ts, and then nobody ever sees it."""


@dataclass(frozen=True, slots=True)
class Duplicated:
    """It is done twice and answered once."""


@dataclass(frozen=True, slots=True)
class Slow:
    """It is done after *seconds*."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Refuses:
    """Slack says no: ``is_archived``, ``channel_not_found``, ``invalid_auth``, …"""

    error: str


Fault: TypeAlias = (
    RateLimited | ServerError | AcceptThenSilence | AcceptThenError | Lost | Duplicated | Slow | Refuses
)
