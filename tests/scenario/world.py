"""The whole app in one process, a fake Slack, and a clock that moves when told: scenarios read as prose."""

from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import httpx
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.adapters import open_core
from bot.config import Environment, Loaded, Settings, SlackMode
from bot.wiring import Application, assemble
from escalation.action import canonical, decode
from escalation.audit import Entry, Event, Standing, standing, values_of
from escalation.clock import Clock
from escalation.commitment import joined
from escalation.engine import retention
from escalation.ids import AgentName
from escalation.ports import Heads, Nowhere, Store
from escalation.reason import Refused
from escalation.service import keys, queries
from escalation.service.configure import put_in_force
from escalation.service.context import Core
from escalation.store.memory import MemoryStore
from tests.harness.fake_http import serve
from tests.harness.fake_person import FakePerson, through
from tests.harness.fake_slack import BOT_TOKEN, Answer, FakeSlack, Posted
from tests.scenario import laws
from tests.scenario.agent import Agent
from tests.scenario.rules import Rules, shipped

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
AGENT = "bank-reconciliation"
SECRET = "a signing secret of the scenarios"
PEOPLE = {
    "salma": "U01SALMA",
    "khalid": "U02KHALID",
    "maryam": "U03MARYAM",
    "yusuf": "U04YUSUF",
    "nadia": "U05NADIA",
    "omar": "U06OMAR",  # nobody in andon.yaml
    "maryams_phone": "W07MARYAM",  # a second account of Maryam's, where andon.yaml says so
}
CHANNELS = {"#finance": "C01FINANCE", "#directors": "C02DIRECT", "#alerts": "C03ALERTS", "#audit": "C04AUDIT"}


@dataclass(slots=True)
class MovableClock:
    """A clock that stands until it is moved."""

    at: datetime = NOON
    wrong: timedelta = timedelta()  #: How far ahead of the truth it is.

    def now(self) -> datetime:
        return self.at + self.wrong

    def advance(self, **by: float) -> None:
        """Move the clock, by minutes=…, seconds=… and so on."""
        self.at += timedelta(**by)


def told_by(entry: Entry) -> Event:
    """Return the event of *entry* with the words it commits to in its data."""
    assert standing(entry) in {Standing.CHAINED, Standing.WAITING}, entry
    event = None if entry.event is None else entry.event.event()
    assert entry.event is not None
    assert event is not None, entry
    words = joined(values_of(entry.event), entry.texts)
    return replace(event, data=canonical(words, limit=1024 * 1024))


@dataclass(slots=True, kw_only=True)
class World:
    """Everything in the room."""

    clock: MovableClock
    slack: FakeSlack
    house: Application
    agent: Agent
    rules: Rules
    log: Sequence[MutableMapping[str, Any]]
    expected: set[str] = field(default_factory=set)  #: What the log may hold although it is bad news.

    def __getattr__(self, name: str) -> FakePerson:
        if name not in PEOPLE:
            raise AttributeError(name)
        return self.slack.person(name)

    @property
    def core(self) -> Core:
        return self.house.core

    @property
    def store(self) -> Store:
        return self.core.store

    async def beats(self) -> None:
        """Let the engine do what is due now, and every courtesy be said."""
        await self.house.engine.tick()
        await self.house.listeners.drain()

    async def passes(self, **by: float) -> None:
        """Move the clock and let the engine notice."""
        self.clock.advance(**by)
        await self.beats()

    async def card(self, request: Mapping[str, Any], *, in_: str = "#finance") -> Posted:
        """Return the card of *request*, as everybody sees it."""
        await self.beats()
        about = await self._card_of(request)
        return next(posted for posted in self.slack.in_channel(in_) if posted.ts == about)

    async def thread(self, request: Mapping[str, Any], *, in_: str = "#finance") -> list[Posted]:
        """Return what was said in the thread of *request*'s card."""
        card = await self.card(request, in_=in_)
        return [posted for posted in self.slack.in_channel(in_) if posted.thread == card.ts]

    async def approved(self, **changes: Any) -> dict[str, Any]:
        """Return a posting that was asked and that Salma approved."""
        asked = await self.agent.asks(**changes)
        answer = await self.salma.clicks("Approve", on=await self.card(asked))
        assert answer.status == 200
        settled = await self.agent.sees(asked)
        assert settled["state"] == "approved"
        return settled

    async def events(self, name: str | None = None) -> list[Event]:
        """Return what the record says, with its words, oldest first; only the events called *name*."""
        found = await queries.events(self.core, agent=None, subject=None, limit=10_000)
        told = [told_by(entry) for entry in found]
        return [event for event in told if name is None or event.name.value == name]

    async def refusals(self) -> list[tuple[str, str]]:
        """Return what was refused, by the record: who, and for which reason."""
        found = []
        for event in await self.events("ingress.refused"):
            data = decode(event.data)
            assert isinstance(data, dict)
            found.append((event.actor, str(data["reason"])))
        return found

    async def rules_become(self, loaded: Loaded) -> None:
        """Put another configuration in force, as a restart would."""
        self.rules.become(loaded)
        await put_in_force(self.core, body=loaded.body)

    async def agent_called(self, name: str) -> Agent:
        """Return another agent, with a key of its own."""
        return Agent(http=self.agent.http, key=await _key(self.core, name), name=name)

    def delivers_twice(self) -> None:
        """Have Slack deliver each click twice, the second time to a replica that never saw the first."""
        deliver = self.slack.post
        assert deliver is not None

        async def post(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
            first = await deliver(path, headers, body)
            people: Any = self.house.web
            people._people._replays._seen.clear()
            second = await deliver(path, headers, body)
            assert (first.status, second.status) == (200, 200)
            return first

        self.slack.post = post

    async def _card_of(self, request: Mapping[str, Any]) -> str:
        async with self.store.read() as tx:
            card = await tx.cards.get(request["id"])
        assert card is not None, f"{request['id']} has no card"
        return card.ts


@asynccontextmanager
async def world(
    *,
    store: Callable[[Clock], Store] = MemoryStore,
    clock: MovableClock | None = None,
    loaded: Loaded | None = None,
    settings: Mapping[str, Any] | None = None,
    heads: Heads | None = None,
) -> AsyncIterator[World]:
    """Yield a world in which *loaded* (the shipped configuration) is in force; check the laws at its end."""
    clock = clock or MovableClock()
    loaded = loaded or shipped()
    rules = Rules(loaded, [loaded.configuration])
    slack = FakeSlack(clock=clock, people=PEOPLE, channels=CHANNELS, signing_secret=SECRET)

    def passed() -> float:
        return clock.at.timestamp()  # as much as in truth, however wrong the clock is

    steady = patch.object(retention, "monotonic", passed)
    with steady, capture_logs() as log:
        async with (
            serve(slack) as api_url,
            open_core(Environment(), loaded.configuration, store=store(clock), clock=clock) as opened,
        ):
            core = replace(opened, configuration=rules.current, heads=heads or Nowhere())
            await put_in_force(core, body=loaded.body)
            known = _settings(api_url, settings or {})
            house = await assemble(core, known, rules.runbook, clock=clock, pace=1000)
            slack.post = through(house.web)
            async with _web(house) as http:
                agent = Agent(http=http, key=await _key(core, AGENT), name=AGENT)
                room = World(clock=clock, slack=slack, house=house, agent=agent, rules=rules, log=log)
                yield room
                await _ends_well(room)


async def _ends_well(room: World) -> None:
    await room.beats()
    assert [module.error for module in room.house.engine.modules if module.error] == []
    await laws.hold(room.core, room.slack, room.rules.history)
    laws.quiet(room.log, expected=frozenset(room.expected))


def _settings(api_url: str, more: Mapping[str, Any]) -> Settings:
    given = {
        "slack_bot_token": SecretStr(BOT_TOKEN),
        "slack_signing_secret": SecretStr(SECRET),
        "slack_api_url": api_url,
        "andon_slack_mode": SlackMode.HTTP,
        **more,
    }
    return Settings(**given)


def _web(house: Application) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(house.web), base_url="http://andon")


async def _key(core: Core, name: str) -> str:
    made = await keys.create(core, AgentName(name))
    assert not isinstance(made, Refused)
    return made.secret
