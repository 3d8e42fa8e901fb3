"""
The life of a permission.

    GRANTED ──claim (same digest, in time)──▶ CLAIMED ──report──▶ SUCCEEDED | FAILED | UNKNOWN
       │ ╲───expire──▶ EXPIRED                   ╲──nobody reported──▶ UNKNOWN
       └─────revoke──▶ REVOKED                                           │
                                            a person resolves it ──▶ SUCCEEDED | FAILED
                                            with a late report before them, if there is one;
                                        one that says otherwise afterwards is kept and told

    GRANTED | CLAIMED ──▶ UNKNOWN    when the database went back to an older copy: what it holds as unused
                                     may have been used since the copy was made

    CLAIMED:  held ──no heartbeat for LEASE──▶ abandoned     only then may another attempt
                ▲───────────heartbeat─────────────│          say UNKNOWN before the clock does

One grant, one claim, one effect. The lease tells another process of the same agent whether to wait for the
one that claimed; it lets nobody run the effect, and does not put off the time to report. If nobody knows
what happened, a person says so; nothing is ever run again in silence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias, assert_never

from escalation.action import Digest
from escalation.ids import AgentName, GrantId, PersonId, RequestId
from escalation.reason import Reason, Refused

#: How long a claim counts as held without a word from whoever made it.
LEASE: Final = timedelta(seconds=30)
#: How often its holder should send a heartbeat. One that comes in half that time writes nothing.
HEARTBEAT: Final = LEASE / 3


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
class LateReport:
    """What an agent said when nobody knew the outcome any more, or a person had said otherwise."""

    report: Report
    result: str | None  #: As canonical JSON.
    at: datetime


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
    lease_until: datetime | None = None  #: Until then the attempt is under way, as far as anybody knows.
    ended_at: datetime | None = None
    result: str | None = None  #: What the agent reported, as canonical JSON.
    late: LateReport | None = None  #: Changes no state; whoever resolves the unknown, or did, sees it.
    resolved_by: PersonId | None = None

    def is_held(self, now: datetime) -> bool:
        """Return whether the attempt that claimed it gave a sign of life within its lease."""
        return self.state is GrantState.CLAIMED and self.lease_until is not None and now < self.lease_until

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
class Beat:
    """The attempt that claimed it is alive."""

    agent: AgentName
    attempt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """The agent says what happened."""

    agent: AgentName
    report: Report
    attempt: str | None = None  #: Which of its attempts says so; None is taken for the one that claimed.
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """Its time is over: unclaimed it expires, unreported it is unknown."""


@dataclass(frozen=True, slots=True)
class Revoke:
    """A stop, or authority that no longer holds, takes it back."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """The database went back to an older copy: nobody knows whether it was used since."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """A person found out what happened."""

    by: PersonId
    report: Report


Command: TypeAlias = Claim | Beat | Tell | Lapse | Revoke | Doubt | Resolve


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
        case Beat():
            return _beat(grant, command, now)
        case Tell():
            return _tell(grant, command, now)
        case Lapse():
            return _lapse(grant, now)
        case Revoke() if grant.state is GrantState.GRANTED:
            return Applied(_end(grant, GrantState.REVOKED, now))
        case Doubt() if grant.state in {GrantState.GRANTED, GrantState.CLAIMED}:
            return Applied(_end(grant, GrantState.UNKNOWN, now))
        case Revoke() | Doubt():
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
        return _held_on(grant, now)  # its reply was lost
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
            lease_until=now + LEASE,
            version=grant.version + 1,
        )
    )


def _beat(grant: Grant, command: Beat, now: datetime) -> Outcome:
    if command.agent != grant.agent:
        return Refused(Reason.NOT_YOURS)
    if grant.state is GrantState.CLAIMED and command.attempt == grant.attempt:
        return _held_on(grant, now)
    unclaimed = grant.state is GrantState.GRANTED
    return Refused(Reason.NOT_CLAIMED if unclaimed else _SPENT[grant.state])


def _held_on(grant: Grant, now: datetime) -> Outcome:
    # After the time to report, nobody starts or goes on with what counts as unknown.
    if isinstance(_lapse(grant, now), Applied):
        return Refused(Reason.AWAITING_PERSON)
    if grant.lease_until is not None and now < grant.lease_until - LEASE + HEARTBEAT / 2:
        return Applied(grant)
    return Applied(replace(grant, lease_until=now + LEASE, version=grant.version + 1))


def _tell(grant: Grant, command: Tell, now: datetime) -> Outcome:
    if command.agent != grant.agent:
        return Refused(Reason.NOT_YOURS)
    told = GrantState(command.report.value)
    # An older copy does not know which attempt claimed what became unknown in it; any may be the one.
    is_bystander = command.attempt not in {None, grant.attempt or command.attempt}
    if grant.state is GrantState.CLAIMED:
        if is_bystander and (told is not GrantState.UNKNOWN or grant.is_held(now)):
            return Refused(Reason.GRANT_CLAIMED)
        return Applied(replace(_end(grant, told, now), result=command.result))
    if grant.state is told and grant.resolved_by is None:
        return Applied(grant)
    resolved = grant.resolved_by is not None
    says_otherwise = resolved and told not in {grant.state, GrantState.UNKNOWN}
    if grant.state is GrantState.UNKNOWN or says_otherwise:
        if is_bystander or grant.late is not None:
            return Refused(Reason.ALREADY_REPORTED if resolved else Reason.AWAITING_PERSON)
        late = LateReport(report=command.report, result=command.result, at=now)
        return Applied(replace(grant, late=late, version=grant.version + 1))
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
