"""A request and its grant, as the account beside the service keeps them."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.machine.rules import members
from tests.machine.setups import ACTION, GRANT_MINUTES, REPORT_MINUTES, SLA_MINUTES, Setup

OPTIONS = ("Operating", "Payroll")
SLA = timedelta(minutes=SLA_MINUTES)


@dataclass(slots=True, kw_only=True)
class Permit:
    """A grant."""

    at: datetime
    state: str = "granted"
    attempt: str | None = None
    claimed_at: datetime | None = None
    lease: datetime | None = None
    late: str | None = None
    resolved_by: str | None = None

    @property
    def due(self) -> datetime | None:
        """When it lapses."""
        if self.state == "granted":
            return self.at + timedelta(minutes=GRANT_MINUTES)
        if self.state == "claimed" and self.claimed_at is not None:
            return self.claimed_at + timedelta(minutes=REPORT_MINUTES)
        return None


@dataclass(slots=True, kw_only=True)
class Case:
    """A request."""

    label: str
    agent: str
    function: str
    owner: str
    amount: int | None  #: None for a question.
    free_text: bool = False
    sure: bool = False
    team: str | None  #: None where nobody was asked.
    quorum: int
    edits: str
    setup: Setup  #: The one it was asked under.
    asked_at: datetime
    key: str | None = None
    edited: str | None = None  #: The one it was edited from.
    author: str | None = None
    repeats: str | None = None
    state: str = "pending"
    approved: list[str] = field(default_factory=list)
    decided: int = 0
    answer: str | None = None
    acked: str | None = None
    rung: int = 0
    settled_at: datetime | None = None
    follow: str | None = None
    delivered: bool = False
    permit: Permit | None = None

    @property
    def deadline(self) -> datetime:
        """When it is too late."""
        return self.asked_at + SLA

    @property
    def due(self) -> datetime:
        """When the clock looks at it next."""
        return self.deadline if self.acked else self.asked_at + SLA * (5, 8, 10)[min(self.rung, 2)] / 10

    @property
    def digest(self) -> str:
        """What decisions, grants and claims have to name."""
        if self.amount is None:
            said: object = {"allow_text": self.free_text, "options": OPTIONS, "question": "Which account?"}
        else:
            said = {"arguments": {"amount": self.amount, "memo": "x"}, "type": ACTION}
        text = json.dumps(said, separators=(",", ":"), sort_keys=True)
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def over_cap(setup: Setup, known: Collection[Case], case: Case, approvers: Collection[str]) -> bool:
    """Return whether *case*, asked now, is one too many for its agent, its channel or one of its people."""
    waits = [each for each in known if each.state == "pending"]
    if sum(each.agent == case.agent for each in waits) >= setup.cap:
        return True
    if sum(each.team == case.team for each in waits) >= setup.cap + 2:
        return True
    hour = [each for each in known if each.asked_at > case.asked_at - timedelta(hours=1)]
    return any(
        sum(each.team is not None and person in members(setup, each.team) for each in hour) >= setup.asks
        for person in approvers
    )
