"""
What travels between an agent and the bot, as values.

A request is a proposal (may I do this?) or a question (which one is it?):

    PENDING ──▶ APPROVED | APPROVED_WITH_EDITS | ANSWERED | REJECTED | TIMED_OUT
              | UNDELIVERABLE | CANCELLED | SUPERSEDED | KILLED

An approved proposal carries a grant, good for one effect:

    GRANTED ──▶ CLAIMED ──▶ SUCCEEDED | FAILED | UNKNOWN
    GRANTED ──▶ EXPIRED | REVOKED

Members a newer bot may add are ignored; a state this version does not know is refused.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import NotRequired, TypedDict

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue


class Kind(StrEnum):
    PROPOSAL = "proposal"
    QUESTION = "question"


class State(StrEnum):
    PENDING = "pending"  #: Waiting for people; the clock runs.
    APPROVED = "approved"
    APPROVED_WITH_EDITS = "approved_with_edits"  #: Approved, with arguments a person changed.
    ANSWERED = "answered"
    REJECTED = "rejected"
    TIMED_OUT = "timed_out"  #: The deadline passed. Silence is never consent.
    UNDELIVERABLE = "undeliverable"  #: It reached nobody.
    CANCELLED = "cancelled"  #: The agent took it back.
    SUPERSEDED = "superseded"  #: Replaced by an edited request; follow it.
    KILLED = "killed"  #: Stopped by a kill switch.

    @property
    def is_settled(self) -> bool:
        return self is not State.PENDING


class GrantState(StrEnum):
    GRANTED = "granted"
    CLAIMED = "claimed"  #: An attempt holds it; its outcome is not reported yet.
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"  #: Nobody can tell whether the effect happened; a person resolves it.
    EXPIRED = "expired"
    REVOKED = "revoked"


class Outcome(StrEnum):
    """What an attempt says about its effect."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Evidence(_Value):
    """Something the approver can look at: a title, and where it is."""

    title: str
    url: str | None = None


class Action(_Value):
    type: str
    arguments: dict[str, JsonValue]


class Policy(_Value):
    rule: str
    version: str


class Grant(_Value):
    id: str
    state: GrantState
    digest: str  #: `sha256:<hex>` of the action it allows.
    expires_at: AwareDatetime
    lease_until: AwareDatetime | None = None  #: Until then the attempt that claimed it is under way.
    result: JsonValue = None  #: What the attempt reported.


class Request(_Value):
    """One ask, as the bot has it now."""

    id: str
    kind: Kind
    agent: str
    state: State
    created_at: AwareDatetime
    deadline: AwareDatetime
    decided_at: AwareDatetime | None = None
    decided_by: tuple[str, ...] = ()
    reason: str | None = None
    answer: str | None = None
    action: Action | None = None  #: The exact action of a proposal; None for a question.
    digest: str
    what_to_do_next: str
    policy: Policy | None = None
    grant: Grant | None = None
    follow: str | None = None  #: The request that took this one's place.


class Page(_Value):
    """Some of the agent's own requests, newest first."""

    items: tuple[Request, ...]
    next: str | None = None  #: Pass it as `after` for the following page.


class Claim(_Value):
    """The bot's word that this attempt, and no other, may run this action."""

    grant: Grant
    action: Action
    heartbeat_seconds: float | None = None  #: How often to `renew`; None from a bot without leases.


class Standing(_Value):
    """A grant as it stood at an instant of the bot's clock."""

    grant: Grant
    server_time: AwareDatetime

    @property
    def is_held(self) -> bool:
        """Whether an attempt that claimed it gave a sign of life within its lease."""
        lease = self.grant.lease_until
        return self.grant.state is GrantState.CLAIMED and lease is not None and self.server_time < lease


class Stop(_Value):
    """A kill switch that is on."""

    scope: str
    by: str
    reason: str | None = None
    at: AwareDatetime


class Heartbeat(_Value):
    may_proceed: bool
    stopped: Stop | None = None
    server_time: AwareDatetime


class Because(TypedDict):
    """What an approver is told besides the action itself; every member may be left out."""

    reasoning: NotRequired[str | None]  #: At most 8,000 characters.
    confidence: NotRequired[float | None]  #: From 0 to 1.
    evidence: NotRequired[Sequence[Evidence]]  #: At most 20.
    key: NotRequired[str | None]  #: Tells identical calls of one run apart: visible ASCII, no spaces.


class Asking(Because):
    """What may be said about a question besides."""

    about: NotRequired[str | None]  #: What it is about, such as `INV-204`; required without a workflow.
    good_for: NotRequired[timedelta | None]  #: How long its answer may be used again; default its SLA.
