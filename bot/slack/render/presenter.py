"""Renders what use cases return, by the configuration in force: the one way from the core to blocks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.slack.permalinks import Permalinks
from bot.slack.render import card, home, notices, private_replies
from bot.slack.render.block_kit.blocks import Block, Message
from bot.slack.render.block_kit.dates import SlackDates
from bot.wording.times import Times
from bot.wording.view import View, view_of
from escalation import notice
from escalation.authority import Person
from escalation.configuration import Configuration
from escalation.ids import AgentName
from escalation.ports import Dossier, OutboxKind, Outgoing
from escalation.service.queries import Queue
from escalation.switch import Switch


@dataclass(frozen=True, slots=True)
class Presenter:
    """Renders by the configuration in force."""

    configuration: Callable[[], Configuration]
    runbook: Callable[[str], str | None] = lambda name: None  # noqa: ARG005 - who has no runbooks shows none
    permalinks: Permalinks = field(default_factory=Permalinks)

    def view(self, about: Dossier, *, now: datetime) -> View:
        """Return *about* as it is shown at *now*."""
        configuration = self.configuration()
        view = view_of(about, configuration, now=now, writes_times=_times(configuration))
        link, old, new = map(self.permalinks.of, (about.card, about.old_card, about.new_card))
        # An edit that the same people decide takes over the card: a card needs no link to itself.
        return replace(
            view,
            link=link,
            link_to_old=None if old == link else old,
            link_to_new=None if new == link else new,
        )

    def card(self, about: Dossier, *, now: datetime) -> Message:
        """Return the card of *about*."""
        return card.card(self.view(about, now=now))

    def notice(self, outgoing: Outgoing, about: Dossier | None, *, now: datetime) -> Message:
        """Return the message of the notice that *outgoing* holds."""
        view = None if about is None else self.view(about, now=now)
        if view is not None and outgoing.kind is OutboxKind.THREAD:
            view = replace(view, link=None)  # the card stands right above
        surroundings = notices.Surroundings(
            directory=self.configuration().directory,
            times=self.times(now=now),
            view=view,
            named=tuple(self.view(Dossier(request=request), now=now) for request in outgoing.tells_of),
            meant_for=outgoing.meant_for,
        )
        return notices.message(notice.parse(outgoing.body), surroundings)

    def twin(self, link: str) -> Message:
        """Return what takes the place of a card that stands twice; *link* leads to the one that counts."""
        return notices.twin(link)

    def home(
        self,
        person: Person,
        *,
        queue: Queue,
        stopped: Sequence[Switch],
        decided: Sequence[Dossier],
        now: datetime,
    ) -> Block:
        """Return the Home tab of *person*."""
        configuration = self.configuration()
        shown = home.Home(
            person=person,
            directory=configuration.directory,
            times=self.times(now=now, zone=person.time_zone),
            queue=tuple(self.view(about, now=now) for about in queue.shown),
            more=queue.more,
            agents=tuple(configuration.agents.values()),
            stopped=tuple(stopped),
            decided=tuple(self.view(about, now=now) for about in decided),
        )
        return home.home(shown)

    def status(
        self, person: Person, *, stopped: Sequence[Switch], waiting: Mapping[AgentName, int], now: datetime
    ) -> Message:
        """Return how things stand, as *person* reads it."""
        configuration = self.configuration()
        shown = private_replies.Status(
            agents=tuple(configuration.agents.values()),
            stopped=tuple(stopped),
            waiting=waiting,
            directory=configuration.directory,
            times=self.times(now=now, zone=person.time_zone),
        )
        return private_replies.status(shown)

    def times(self, *, now: datetime, zone: str = "UTC") -> Times:
        """Return how instants are written for somebody in *zone*."""
        return _times(self.configuration())(now=now, zone=zone)


def _times(configuration: Configuration) -> type[Times]:
    return Times if configuration.plain_times else SlackDates
