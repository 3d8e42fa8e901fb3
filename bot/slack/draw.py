"""Brings what the core knows to what is drawn: the one bridge between use cases and rendering."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.slack.render import answers, card, home, notices
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.dates import SlackDates
from bot.wording.times import Times
from bot.wording.view import Edited, View
from escalation import notice
from escalation.action import Action
from escalation.authority import Account, Authority, Person
from escalation.configuration import Configuration
from escalation.ids import PersonId
from escalation.ports import Dossier, Outgoing
from escalation.request import Request
from escalation.service import queries
from escalation.switch import Switch


@dataclass(frozen=True, slots=True)
class Drawing:
    """Draws by the configuration in force."""

    configuration: Callable[[], Configuration]
    runbook: Callable[[str], str | None] = lambda name: None  # noqa: ARG005 - who has no runbooks shows none

    def view(self, about: Dossier, *, now: datetime) -> View:
        """Return *about* as it is drawn at *now*."""
        configuration = self.configuration()
        return View(
            request=about.request,
            agent=configuration.agents.get(about.request.agent),
            directory=configuration.directory,
            authority=_authority(configuration, about.request),
            now=now,
            grant=about.grant,
            edited=_edited(about.original),
            steps=tuple(about.steps),
            writes_times=_times(configuration),
        )

    def card(self, about: Dossier, *, now: datetime) -> Message:
        """Return the card of *about*."""
        return card.card(self.view(about, now=now))

    def note(self, outgoing: Outgoing, about: Dossier | None, *, now: datetime) -> Message:
        """Return what *outgoing* says."""
        around = notices.Around(
            directory=self.configuration().directory,
            times=self.times(now=now),
            view=None if about is None else self.view(about, now=now),
        )
        return notices.notify(notice.parse(outgoing.body), around)

    def home(
        self,
        person: Person,
        *,
        queue: Sequence[Dossier],
        stopped: Sequence[Switch],
        decided: Sequence[Request],
        now: datetime,
    ) -> Block:
        """Return the Home tab of *person*."""
        configuration = self.configuration()
        shown = home.Home(
            person=person,
            directory=configuration.directory,
            times=self.times(now=now, zone=person.time_zone),
            queue=tuple(self.view(about, now=now) for about in queue),
            agents=tuple(configuration.agents.values()),
            stopped=tuple(stopped),
            decided=tuple(self.view(Dossier(request=request), now=now) for request in decided),
        )
        return home.home(shown)

    def status(
        self, person: Person, *, stopped: Sequence[Switch], pending: Sequence[Dossier], now: datetime
    ) -> Message:
        """Return how things stand, as *person* reads it."""
        configuration = self.configuration()
        shown = answers.Status(
            agents=tuple(configuration.agents.values()),
            stopped=tuple(stopped),
            waiting=Counter(about.request.agent for about in pending),
            directory=configuration.directory,
            times=self.times(now=now, zone=person.time_zone),
        )
        return answers.status(shown)

    def times(self, *, now: datetime, zone: str = "UTC") -> Times:
        """Return how instants are written for somebody in *zone*."""
        return _times(self.configuration())(now=now, zone=zone)

    def account_of(self, person: PersonId) -> Account | None:
        """Return the account of *person* in our workspace."""
        configuration = self.configuration()
        known = configuration.directory.people.get(person)
        accounts = () if known is None else known.accounts
        return next((a for a in sorted(accounts, key=str) if a.workspace == configuration.tenant), None)


def _authority(configuration: Configuration, request: Request) -> Authority:
    if not request.state.is_settled:
        return queries.who_decides(configuration, request)
    # What is over was up to those who were asked, whatever the rules became since.
    agent = configuration.agents.get(request.agent)
    owners = frozenset({request.owner} if agent is None else {request.owner, agent.owner})
    return Authority(directory=configuration.directory, terms=(request.terms,), owners=owners)


def _edited(original: Request | None) -> Edited | None:
    if original is None or original.edited_by is None or not isinstance(original.subject, Action):
        return None
    return Edited(arguments=original.subject.arguments, by=original.edited_by)


def _times(configuration: Configuration) -> type[Times]:
    return Times if configuration.plain_times else SlackDates
