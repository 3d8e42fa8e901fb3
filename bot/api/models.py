"""What travels through the agents' door, both ways."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

Line = Annotated[str, StringConstraints(min_length=1, max_length=300)]
# Stripped as an answer is: pydantic leaves four separators at the ends that str.strip() takes off, and
# whoever chose such an option would be taken to have chosen another, or none.
Option = Annotated[
    str, BeforeValidator(lambda sent: sent.strip() if isinstance(sent, str) else sent),
    StringConstraints(min_length=1, max_length=75),
]  # fmt: skip
Label = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Incoming(BaseModel):
    """What an agent sends: nothing that we do not know, no type guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class EvidenceIn(Incoming):
    """Where a claim of the agent can be checked."""

    title: Line
    url: Annotated[str, StringConstraints(max_length=2000)] | None = None


class ActionIn(Incoming):
    """The action an agent wants to take."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    arguments: dict[str, Any]


class WordsIn(Incoming):
    """What the agent says about its request."""

    reasoning: Annotated[str, StringConstraints(max_length=8000)] | None = None
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    evidence: Annotated[list[EvidenceIn], Field(max_length=20)] = []
    workflow: Label | None = None
    trace: Label | None = None


class ProposalIn(WordsIn):
    """May I do this."""

    kind: Literal["proposal"]
    action: ActionIn
    summary: Line


class QuestionIn(WordsIn):
    """Which is it."""

    kind: Literal["question"]
    question: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    options: Annotated[list[Option], Field(max_length=100)] = []
    allow_text: bool = False
    tried: Annotated[str, StringConstraints(max_length=2000)] | None = None

    @model_validator(mode="after")
    def _answerable(self) -> "QuestionIn":
        if not self.options and not self.allow_text:
            raise ValueError("a question needs options, or allow_text: true")
        if len(set(self.options)) != len(self.options):
            raise ValueError("two options are the same; a person could not tell them apart")
        return self


RequestIn = Annotated[ProposalIn | QuestionIn, Field(discriminator="kind")]


class CancelIn(Incoming):
    """Why the agent takes it back."""

    reason: Annotated[str, StringConstraints(max_length=300)] | None = None


class ClaimIn(Incoming):
    """What the agent is about to do, and which attempt of its own this is."""

    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
    attempt: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class BeatIn(Incoming):
    """The attempt that holds the claim is alive."""

    attempt: Annotated[str, StringConstraints(min_length=1, max_length=100)]


class ReportIn(Incoming):
    """What happened."""

    outcome: Literal["succeeded", "failed", "unknown"]
    result: Any = None
    attempt: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None


class HeartbeatIn(Incoming):
    """I am alive."""


class RulingOut(BaseModel):
    """Which rule had the say, of which version of the configuration."""

    rule: str
    version: str


class ActionOut(BaseModel):
    """An action: exactly what may run."""

    type: str
    arguments: dict[str, Any]


class GrantOut(BaseModel):
    """A permission to act once."""

    id: str
    state: str
    digest: str
    expires_at: datetime
    lease_until: datetime | None
    result: Any = None


class RequestOut(BaseModel):
    """A request as it stands, with what the agent should do next."""

    id: str
    kind: Literal["proposal", "question"]
    agent: str
    state: str
    created_at: datetime
    deadline: datetime
    decided_at: datetime | None
    decided_by: Sequence[str]
    reason: str | None
    answer: str | None
    action: ActionOut | None
    digest: str
    what_to_do_next: str
    policy: RulingOut
    grant: GrantOut | None
    follow: str | None


class PageOut(BaseModel):
    """Some requests, newest first."""

    items: Sequence[RequestOut]
    next: str | None


class ClaimedOut(BaseModel):
    """Go: do exactly this."""

    grant: GrantOut
    action: ActionOut
    heartbeat_seconds: float


class StandingOut(BaseModel):
    """How a grant stands, and when that was."""

    grant: GrantOut
    server_time: datetime


class RenewedOut(BaseModel):
    """The claim counts as held until the grant's `lease_until`."""

    grant: GrantOut


class ReportedOut(BaseModel):
    """It is on the record."""

    grant: GrantOut


class StopOut(BaseModel):
    """What stops the agent."""

    scope: str
    by: str
    reason: str
    at: datetime


class HeartbeatOut(BaseModel):
    """Whether the agent may go on."""

    may_proceed: bool
    stopped: StopOut | None
    server_time: datetime


class ProblemOut(BaseModel):
    """Why a call was refused, and what to do (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    path: str | None = None
