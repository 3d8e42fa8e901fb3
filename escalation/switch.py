"""
The kill switch: what it covers, and who may let go of it.

    RUNNING ──stop (anybody we know)──▶ STOPPED ──resume (a different operator)──▶ RUNNING
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from escalation.errors import InvalidConfiguration
from escalation.ids import AgentName, PersonId
from escalation.reason import Reason, Refused


class ScopeKind(Enum):
    """How wide a stop reaches."""

    ALL = "all"
    FUNCTION = "function"
    AGENT = "agent"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a stop covers; written ``all``, ``agent:NAME``, ``function:NAME`` or ``action:TYPE``."""

    kind: ScopeKind
    name: str = ""

    def __str__(self) -> str:
        return self.kind.value if self.kind is ScopeKind.ALL else f"{self.kind.value}:{self.name}"


EVERYTHING = Scope(ScopeKind.ALL)


def scope(text: str) -> Scope:
    """Return the scope written as *text*, or raise ``InvalidConfiguration``."""
    kind, _, name = text.strip().partition(":")
    if text.strip() == ScopeKind.ALL.value:
        return EVERYTHING
    try:
        found = ScopeKind(kind)
    except ValueError:
        found = ScopeKind.ALL
    if found is ScopeKind.ALL or not name:
        raise InvalidConfiguration(
            f"{text!r} is no scope; write all, agent:NAME, function:NAME or action:TYPE"
        )
    return Scope(found, name)


def covering(*, agent: AgentName, function: str, action_type: str | None) -> tuple[Scope, ...]:
    """Return every scope whose stop holds this agent doing this type of action (or asking)."""
    wide = (EVERYTHING, Scope(ScopeKind.FUNCTION, function), Scope(ScopeKind.AGENT, agent))
    return wide if action_type is None else (*wide, Scope(ScopeKind.ACTION, action_type))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """That somebody pulled the cord."""

    by: PersonId
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One scope's switch."""

    scope: Scope
    stop: Stop | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Applied:
    """The switch moved."""

    switch: Switch


def in_doubt(scope_: Scope, *, since: datetime, version: int = 1) -> Switch:
    """Return the switch of *scope_* where nobody can tell whether it was let go of: it counts as stopped."""
    stop = Stop(by=PersonId("nobody"), at=since, reason="its switch cannot be read")
    return Switch(scope=scope_, stop=stop, version=version)


def pull(switch: Switch, stop: Stop) -> Applied | Refused:
    """Return *switch* stopped. The first stop stands: its author must not be able to swap themselves out."""
    if switch.stop is not None:
        return Refused(Reason.ALREADY_STOPPED, f"by {switch.stop.by}")
    return Applied(replace(switch, stop=stop, version=switch.version + 1))


def release(switch: Switch, *, by: PersonId, operators: frozenset[PersonId]) -> Applied | Refused:
    """Return *switch* running again, if *by* is an operator and did not stop it."""
    if switch.stop is None:
        return Refused(Reason.NOT_STOPPED)
    if by not in operators:
        return Refused(Reason.NOT_AN_OPERATOR)
    if by == switch.stop.by:
        return Refused(Reason.SAME_PERSON_STOPPED)
    return Applied(replace(switch, stop=None, version=switch.version + 1))
