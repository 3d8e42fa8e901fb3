"""The rungs that requests climbed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from escalation.ids import RequestId
from escalation.ladder import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rung of one request: when it was planned and when it happened."""

    request: RequestId
    rung: Rung
    planned_at: datetime
    actual_at: datetime


class Steps(Protocol):
    """The rungs that were climbed."""

    async def add(self, step: Step) -> None: ...

    async def of(self, request: RequestId) -> Sequence[Step]: ...
