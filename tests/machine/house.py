"""Two processes over one database, an own small Slack in this one, and a clock that moves when told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.config import Held
from bot.slack.outgoing.courier import SlackCourier
from bot.slack.outgoing.pacing import ChannelPacing
from bot.slack.permalinks import Permalinks
from bot.slack.render.presenter import Presenter
from escalation.clock import Clock
from escalation.engine import sweeping
from escalation.ports import (
    Delivery,
    Dossier,
    Outgoing,
    Store,
    StoredConfiguration,
    Transaction,
    Turn,
    Unreadables,
    UseCase,
    Wakeups,
)
from escalation.service import configure
from escalation.service.context import Core
from escalation.store.memory import MemoryStore
from escalation.wakeups.local import LocalWakeups
from tests.harness.fake_faults import AcceptThenSilence, RateLimited, ServerError
from tests.harness.fake_slack import BOT_TOKEN, FakeSlack
from tests.machine.dice import Dice, DrawnIds
from tests.machine.setups import ACCOUNTS, CHANNELS, FIRST, Setup, loaded, remembered
from tests.scenario.world import NOON, MovableClock

T = TypeVar("T")
#: Opens the database, and the way to wake others, for one life of one process.
Open = Callable[[Clock], Store]
Connect = Callable[[], Awaitable[Wakeups]]
CORES = 2


async def alone() -> Wakeups:
    """Wake nobody but this process."""
    return LocalWakeups()


class Died(BaseException):
    """The process is gone, in the middle of what it did."""


@dataclass(frozen=True, slots=True)
class Death:
    """When a process dies: at its so-manieth commit from now, counted from 0."""

    commit: int = 0
    after: bool = False  #: Whether that commit counts, and nobody is told.


@dataclass(slots=True)
class MortalStore:
    """*inner*, whose process dies at a commit when told."""

    inner: Store
    death: Death | None = None

    @property
    def unreadable(self) -> Unreadables:
        return self.inner.unreadable

    def open_for(self, tenant: str) -> None:
        self.inner.open_for(tenant)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        async with self.inner.write() as tx:
            yield tx
            after = self._dies()
        if after:
            raise Died

    async def transact(self, use_case: UseCase[T], *, touches: Collection[str]) -> T:
        after = False

        async def then_commit(tx: Transaction) -> T:
            nonlocal after
            outcome = await use_case(tx)
            after = self._dies()
            return outcome

        outcome = await self.inner.transact(then_commit, touches=touches)
        if after:
            raise Died
        return outcome

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        async with self.inner.read() as tx:
            yield tx

    async def check(self) -> None:
        await self.inner.check()

    async def close(self) -> None:
        await self.inner.close()

    def _dies(self) -> bool:
        """Die before this commit, or return whether to die after it."""
        if self.death is None:
            return False
        if self.death.commit:
            self.death = replace(self.death, commit=self.death.commit - 1)
            return False
        if not self.death.after:
            raise Died
        return True


class NearSlack(AsyncWebClient):
    """Slack's own client, whose calls reach a fake Slack in this process without any network."""

    def __init__(self, slack: FakeSlack) -> None:
        super().__init__(token=BOT_TOKEN)
        self._slack = slack

    async def api_call(self, api_method: str, **call: Any) -> AsyncSlackResponse:
        given = {**(call.get("params") or {}), **(call.get("data") or {}), **(call.get("json") or {})}
        arguments = {name: value for name, value in given.items() if value is not None}
        faults = self._slack._faults[api_method]
        fault = faults.popleft() if faults else None
        scope = {"headers": [(b"authorization", f"Bearer {BOT_TOKEN}".encode())]}
        answer = await self._slack._answer(scope, api_method, arguments, fault)
        if isinstance(fault, AcceptThenSilence):
            raise TimeoutError
        response = AsyncSlackResponse(
            client=self,
            http_verb="POST",
            api_url=api_method,
            req_args={},
            data=answer,
            headers={"retry-after": str(fault.after)} if isinstance(fault, RateLimited) else {},
            status_code={RateLimited: 429, ServerError: 500}.get(type(fault), 200),
        )
        response.validate()  # type: ignore[no-untyped-call]  # it has no types; it raises what Slack refused
        return response


@dataclass(slots=True)
class Watched:
    """A courier, and what it was ever given to carry that has to reach somebody."""

    inner: SlackCourier
    alarms: set[str]

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        """Carry it."""
        if outgoing.turn is Turn.ALARM:
            self.alarms.add(outgoing.id)
        return await self.inner.carry(outgoing, about)


@dataclass(slots=True, kw_only=True)
class Life:
    """One process, from its start to its end."""

    core: Core
    store: MortalStore
    held: Held
    courier: Watched
    sweeps: Callable[[], Awaitable[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.sweeps = sweeping.module(self.core).work

    async def ends(self, *, shared: bool) -> None:
        """Let go of everything; *shared*: the database lives in this process."""
        await self.core.wakeups.close()
        if not shared:
            await self.store.close()


@dataclass(slots=True, kw_only=True)
class House:
    """Both processes, and what is around them."""

    seed: int
    clock: MovableClock
    slack: FakeSlack
    open_store: Open
    connect: Connect
    store: Store  #: Of whoever watches.
    setups: dict[str, Setup] = field(default_factory=dict)  #: By version.
    history: list[Setup] = field(default_factory=list)  #: What was ever in force, in order.
    lives: list[Life] = field(default_factory=list)
    requests: dict[str, str] = field(default_factory=dict)  #: Ids, by the label of the history.
    labels: dict[str, str] = field(default_factory=dict)
    grants: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)  #: Labels of what may be there from now on.
    alarms: set[str] = field(default_factory=set)  #: Rows of the outbox that have to reach somebody.
    log: Sequence[MutableMapping[str, Any]] = ()
    told_time: datetime = NOON  #: Where the clock moves to.
    _begun: int = 0

    @property
    def shared(self) -> bool:
        """Whether the database lives in this process."""
        return isinstance(self.store, MemoryStore)

    async def begin(self, core: int, files: Setup) -> None:
        """Begin process number *core* with *files*."""
        self.knows(files)
        self._begun += 1
        held = Held(loaded(files))
        dice = Dice(f"{self.seed}/{self._begun}")
        store = MortalStore(self.store if self.shared else self.open_store(self.clock))

        async def adopt(stored: StoredConfiguration) -> None:
            held.become(remembered(stored))

        new = Core(
            store=store,
            ids=DrawnIds(self.clock, dice),
            wakeups=await self.connect(),
            configuration=held.configuration,
            adopt=adopt,
        )
        presenter = Presenter(
            held.configuration, held.runbook_text, Permalinks("https://andon.slack.example/")
        )
        courier = SlackCourier(NearSlack(self.slack), presenter, self.clock, ChannelPacing(per_second=1e6))
        self.lives[core : core + 1] = [
            Life(core=new, store=store, held=held, courier=Watched(courier, self.alarms))
        ]
        if not await configure.start(new, body=loaded(files).body):
            await configure.follow(new)

    async def restart(self, core: int, files: Setup) -> None:
        """Throw process number *core* away and begin it anew."""
        await self.lives[core].ends(shared=self.shared)
        await self.begin(core, files)

    def knows(self, setup: Setup) -> None:
        """Remember which version *setup* is, and that it may be in force."""
        self.setups[loaded(setup).configuration.version] = setup
        self.history.append(setup)

    async def close(self) -> None:
        """End it all."""
        for life in self.lives:
            await life.ends(shared=self.shared)
        await self.store.close()


@asynccontextmanager
async def house(open_store: Open, *, seed: int, connect: Connect = alone) -> AsyncIterator[House]:
    """Yield two processes that have just begun, over an empty database."""
    clock = MovableClock()
    slack = FakeSlack(clock=clock, people=ACCOUNTS, channels=CHANNELS, signing_secret="unused")
    made = House(
        seed=seed, clock=clock, slack=slack, open_store=open_store, connect=connect, store=open_store(clock)
    )
    made.store.open_for(loaded(FIRST).configuration.tenant)
    try:
        for core in range(CORES):
            await made.begin(core, FIRST)
        yield made
    finally:
        await asyncio.shield(made.close())
