"""
The life of a permission.

    GRANTED ──claim (same digest, in time)──▶ CLAIMED ──report──▶ SUCCEEDED | FAILED | UNKNOWN
       │ ╲───expire──▶ EXPIRED                   ╲──nobody reported──▶ UNKNOWN
       └─────revoke──▶ REVOKED                                           │
                                            a person resolves it ──▶ SUCCEEDED | FAILED

One grant, one claim, one effect. If nobody knows what happened, a person says so;
nothing is ever run again in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias, assert_never

from escalation.action import Digest
from escalation.ids import AgentName, GrantId, PersonId, RequestId
from escalation.reason import Reason, Refused


class GrantState(Enum):
    """Where a grant stands."""

    GRANTED = "granted"  #: May be claimed, once, until it expires.
    CLAIMED = "claimed"  #: The effect may be under way.
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"  #: Nobody knows whether it happened; a person has to say.
    EXPIRED = "expired"
    REVOKED = "revoked"


class Report(Enum):
    """What an agent says happened."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The permission to do one action once."""

    id: GrantId
    tenant: str
    request: RequestId
    agent: AgentName
    digest: Digest
    granted_at: datetime
    expires_at: datetime  #: From this instant on it cannot be claimed.
    report_within: timedelta  #: How long after the claim silence means UNKNOWN.
    state: GrantState = GrantState.GRANTED
    version: int = 1
    attempt: str | None = None  #: The agent's name for the attempt that claimed it.
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    result: str | None = None  #: What the agent reported, as canonical JSON.
    resolved_by: PersonId | None = None

    @property
    def next_due_at(self) -> datetime | None:
        """When the clock has to look at it next."""
        match self.state:
            case GrantState.GRANTED:
                return self.expires_at
            case GrantState.CLAIMED:
                return (self.claimed_at or self.granted_at) + self.report_within
            case _:
                return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The agent is about to act."""

    agent: AgentName
    digest: Digest
    attempt: str  #: The same attempt may claim again: its reply was lost.


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """The agent says what happened."""

    agent: AgentName
    report: Report
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """Its time is over: unclaimed it expires, unreported it is unknown."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """A stop, or authority that no longer holds, takes it back."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """A person found out what happened."""

    by: PersonId
    report: Report


Command: TypeAlias = Claim | Tell | Lapse | Revoke | Resolve


@dataclass(frozen=True, slots=True)
class Applied:
    """The command took effect, or had taken effect before."""

    grant: Grant


Outcome: TypeAlias = Applied | Refused

#: Why a grant that is no longer GRANTED cannot be used.
_SPENT: Mapping[GrantState, Reason] = {
    GrantState.CLAIMED: Reason.GRANT_CLAIMED,
    GrantState.SUCCEEDED: Reason.GRANT_CLAIMED,
    GrantState.FAILED: Reason.GRANT_CLAIMED,
    GrantState.UNKNOWN: Reason.AWAITING_PERSON,
    GrantState.EXPIRED: Reason.GRANT_EXPIRED,
    GrantState.REVOKED: Reason.GRANT_REVOKED,
}


def apply(grant: Grant, command: Command, *, now: datetime) -> Outcome:
    """Return what *command* makes of *grant* at *now*."""
    match command:
        case Claim():
            return _claim(grant, command, now)
        case Tell():
            return _tell(grant, command, now)
        case Lapse():
            return _lapse(grant, now)
        case Revoke() if grant.state is GrantState.GRANTED:
            return Applied(_end(grant, GrantState.REVOKED, now))
        case Revoke():
            return Refused(_SPENT[grant.state])
        case Resolve(by=by, report=report):
            if grant.state is not GrantState.UNKNOWN or report is Report.UNKNOWN:
                return Refused(Reason.NOT_UNKNOWN)
            return Applied(replace(_end(grant, GrantState(report.value), now), resolved_by=by))
        case _:
            assert_never(command)


def _claim(grant: Grant, command: Claim, now: datetime) -> Outcome:
    if command.agent != grant.agent:
        return Refused(Reason.NOT_YOURS)
    if command.digest != grant.digest:
        return Refused(Reason.DIGEST_MISMATCH)
    if grant.state is GrantState.CLAIMED and command.attempt == grant.attempt:
        # Its reply was lost; but after the time to report, nobody starts what counts as unknown.
        is_over = isinstance(_lapse(grant, now), Applied)
        return Refused(Reason.AWAITING_PERSON) if is_over else Applied(grant)
    if grant.state is not GrantState.GRANTED:
        return Refused(_SPENT[grant.state])
    if now >= grant.expires_at:
        return Refused(Reason.GRANT_EXPIRED)
    return Applied(
        replace(
            grant,
            state=GrantState.CLAIMED,
            attempt=command.attempt,
            claimed_at=now,
            version=grant.version + 1,
        )
    )


def _tell(grant: Grant, command: Tell, now: datetime) -> Outcome:
    if command.agent != grant.agent:
        return Refused(Reason.NOT_YOURS)
    told = GrantState(command.report.value)
    if grant.state is GrantState.CLAIMED:
        return Applied(replace(_end(grant, told, now), result=command.result))
    if grant.state is told and grant.resolved_by is None:
        return Applied(grant)
    if grant.state is GrantState.UNKNOWN:
        return Refused(Reason.AWAITING_PERSON)
    ended = grant.state in {GrantState.SUCCEEDED, GrantState.FAILED}
    return Refused(Reason.ALREADY_REPORTED if ended else Reason.NOT_CLAIMED)


def _lapse(grant: Grant, now: datetime) -> Outcome:
    due = grant.next_due_at
    if due is None:
        return Refused(_SPENT[grant.state])
    if now < due:
        return Refused(Reason.NOT_YET_DUE)
    granted = grant.state is GrantState.GRANTED
    return Applied(_end(grant, GrantState.EXPIRED if granted else GrantState.UNKNOWN, now))


def _end(grant: Grant, state: GrantState, now: datetime) -> Grant:
    return replace(grant, state=state, ended_at=now, version=grant.version + 1)
