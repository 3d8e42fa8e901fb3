"""What the people who run it decided: agents, their actions and rules, people, teams and times."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from escalation.action import Json
from escalation.authority import Directory, Terms
from escalation.calendar import ALWAYS_OPEN, Calendar
from escalation.ids import AgentName, PersonId
from escalation.policy import Policy
from escalation.switch import EVERYTHING, Scope, ScopeKind

#: Where a title names an argument.
PLACES = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Where arguments do not fit their schema."""

    path: str  #: Such as ``$.amount``.
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionType:
    """One kind of action that an agent may propose."""

    type: str
    title: str | None = None  #: What people call it, such as ``Post {amount} to the ledger``.
    schema: Mapping[str, Json]  #: JSON Schema 2020-12 of the arguments.
    misfit: Callable[[Mapping[str, Json]], Misfit | None]  #: The compiled schema.
    reversible: bool
    display: tuple[str, ...]  #: Which arguments stand first on the card; none is left out.
    redact: frozenset[str]  #: Arguments whose values are masked on cards and in notices.
    policy: Policy
    report: timedelta | None = None  #: How long after a claim silence means UNKNOWN; by default as for all.


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent under control."""

    name: AgentName
    function: str
    owner: PersonId
    backup: PersonId
    runbook: str  #: Its name; the file is ``runbooks/NAME.md``.
    runbook_url: str | None  #: Where people can read it.
    actions: Mapping[str, ActionType]
    questions: Terms  #: Who may answer it.
    questions_channel: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long things take, at most."""

    sla: timedelta = timedelta(minutes=15)
    grant: timedelta = timedelta(minutes=10)  #: How long a grant can be claimed.
    report: timedelta = timedelta(minutes=10)  #: How long after a claim silence means UNKNOWN.


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much may be asked of people, at most; what a rule settles by itself is asked of nobody."""

    pending_per_agent: int = 1000
    pending_per_channel: int = 2000
    asks_per_person_and_hour: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long rows are kept that nobody works with any more."""

    requests: timedelta = timedelta(days=400)  #: From when a request was settled, and its grant ended.
    clicks: timedelta = timedelta(days=400)
    messages: timedelta = timedelta(days=30)  #: From when they were sent.
    words: timedelta | None = None  #: Of what was written in the record; None keeps it for good.


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything above, as one version."""

    version: str  #: The content hash of all the files it came from.
    tenant: str  #: Slack's team id.
    directory: Directory
    operators: tuple[str, ...]  #: Teams and people who may resume what was stopped.
    agents: Mapping[AgentName, Agent]
    alerts_channel: str
    audit_channel: str | None
    times: Times
    caps: Caps = Caps()
    retention: Retention = Retention()
    alerts_fallback: str | None = None  #: Where operators are told what the alerts channel does not take.
    calendar: Calendar = ALWAYS_OPEN
    plain_times: bool = False  #: Print times in words, for clients that do not draw Slack's dates.

    def scopes(self) -> frozenset[Scope]:
        """Return every scope that can be stopped."""
        agents = self.agents.values()
        return frozenset(
            {EVERYTHING}
            | {Scope(ScopeKind.AGENT, agent.name) for agent in agents}
            | {Scope(ScopeKind.FUNCTION, agent.function) for agent in agents}
            | {Scope(ScopeKind.ACTION, type_) for agent in agents for type_ in agent.actions}
        )

    def channel_of(self, terms: Terms) -> str:
        """Return where *terms* are asked: the channel of the first team named, or the alerts channel."""
        teams = (self.directory.teams.get(name) for name in terms.approvers)
        return next((team.channel for team in teams if team is not None), self.alerts_channel)
