"""One request as a door shows it: as it stands, and what the configuration says about it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.wording.text import cut
from bot.wording.times import Times, common_zone
from escalation.action import Action, Json
from escalation.authority import Authority, Directory
from escalation.configuration import PLACES, ActionType, Agent, Configuration
from escalation.grant import Grant
from escalation.ids import PersonId
from escalation.ports import Dossier, Step
from escalation.request import Question, Request
from escalation.service import queries

#: Characters; the rows below show all of it.
_LONGEST_IN_TITLE = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What a person changed into this request."""

    arguments: Mapping[str, Json]  #: As the agent had proposed them.
    by: PersonId


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One request at one moment, with everything that is shown of it."""

    request: Request
    agent: Agent | None  #: As configured today; none if it was taken out of the configuration.
    directory: Directory
    authority: Authority  #: Who may decide it now; who might, once it is settled.
    now: datetime
    grant: Grant | None = None
    edited: Edited | None = None  #: For a request that edits another one.
    steps: tuple[Step, ...] = ()  #: The rungs that were climbed, in order.
    writes_times: type[Times] = Times  #: How the door writes instants.
    link: str | None = None  #: The address of its card, for what is said elsewhere.
    link_to_old: str | None = None  #: Of another card: that of the request which it edits or asks again.
    link_to_new: str | None = None  #: Of another card: that of the request which took its place.

    @property
    def type(self) -> ActionType | None:
        """What the manifest says of the action; none for a question or a type it no longer names."""
        if self.agent is None or not isinstance(self.request.subject, Action):
            return None
        return self.agent.actions.get(self.request.subject.type)

    @property
    def title(self) -> str:
        """What the request is about, in a few words, with values as the agent sent them."""
        subject = self.request.subject
        if isinstance(subject, Question):
            return f"question from {self.request.agent}"
        if self.type is None or self.type.title is None:
            return subject.type
        arguments = subject.arguments
        # What an older request lacks, today's title shows as missing.
        return PLACES.sub(lambda place: _in_title(arguments.get(place[1], "…")), self.type.title)

    @property
    def deciders(self) -> tuple[PersonId, ...]:
        """Everybody who may decide, by name; the owner never does."""
        return tuple(sorted(self.authority.approvers, key=self.directory.name))

    def may_see(self, person: PersonId | None) -> bool:
        """Return whether *person* may see what the manifest hides."""
        return person is not None and person in self.authority.owners | self.authority.approvers

    @property
    def awaited(self) -> tuple[PersonId, ...]:
        """Everybody who may decide and has not approved yet, by name."""
        awaited = self.authority.awaited(self.request.approved_by)
        return tuple(sorted(awaited, key=self.directory.name))

    @property
    def missing(self) -> int:
        """How many approvals are still needed."""
        return self.authority.missing(self.request.approved_by)

    @property
    def times(self) -> Times:
        """Writes instants for those who decide."""
        people = self.directory.people
        zone = common_zone(people[person].time_zone for person in self.deciders)
        return self.writes_times(now=self.now, zone=zone)


def view_of(
    about: Dossier, configuration: Configuration, *, now: datetime, writes_times: type[Times] = Times
) -> View:
    """Return *about* by *configuration*, as a door that *writes_times* shows it at *now*."""
    return View(
        request=about.request,
        agent=configuration.agents.get(about.request.agent),
        directory=configuration.directory,
        authority=_authority(configuration, about.request),
        now=now,
        grant=about.grant,
        edited=_edited(about),
        steps=tuple(about.steps),
        writes_times=writes_times,
    )


def _authority(configuration: Configuration, request: Request) -> Authority:
    if not request.state.is_settled:
        return queries.who_decides(configuration, request)
    # What is over was up to those who were asked, whatever the rules became since.
    agent = configuration.agents.get(request.agent)
    owners = frozenset({request.owner} if agent is None else {request.owner, agent.owner})
    return Authority(directory=configuration.directory, terms=(request.terms,), owners=owners)


def _edited(about: Dossier) -> Edited | None:
    original, by = about.original, about.request.author
    if original is None or by is None or not isinstance(original.subject, Action):
        return None
    return Edited(arguments=original.subject.arguments, by=by)


def _in_title(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return cut(text, _LONGEST_IN_TITLE)
