"""Several processes over one database, clients that call them at the same instant, and what each was told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from bot.adapters import open_core
from bot.config import Environment
from bot.config.load import load_remembered
from escalation.ids import AgentName
from escalation.ports import Dossier
from escalation.reason import Refused
from escalation.request import Request, State
from escalation.service.claim import Claimed
from escalation.service.context import Counted
from escalation.service.decide import Approve, Reject
from escalation.service.propose import Proposed
from escalation.service.stop import Moved
from escalation.store import open_store
from escalation.switch import EVERYTHING
from tests.harness.dice import Dice
from tests.harness.fake_slack import FakeSlack
from tests.races import model
from tests.races.history import Operation
from tests.races.model import Doing
from tests.replicas.clock import SharedClock
from tests.replicas.commands import claiming, click, configuration, posting
from tests.replicas.databases import Databases
from tests.replicas.nursery import Nursery, nursery
from tests.replicas.replica import Failed, Replica
from tests.scenario import laws
from tests.scenario.agent import POSTING
from tests.scenario.world import AGENT, CHANNELS, PEOPLE, SECRET

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
RULES = configuration()
_AGENT = AgentName(AGENT)
#: Turns of the loop that a client lets pass at most before it begins: who is first is left to chance.
_TURNS = 12


@dataclass(slots=True, kw_only=True)
class Arena:
    """The processes, and the book in which everything is written down that clients see."""

    url: str
    clock: SharedClock
    replicas: Sequence[Replica]
    dice: Dice
    unheard: int = 0  #: Calls that came to an error: what they did is not known.
    _done: int = 0
    _goals: list[tuple[int, asyncio.Future[None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)
    _names: "count[int]" = field(default_factory=lambda: count(1))

    def name(self, prefix: str) -> str:
        """Return a name that was not used yet."""
        return f"{prefix}-{next(self._names)}"

    def any(self) -> Replica:
        """Return one of the processes."""
        return self.dice.choice(self.replicas)

    async def asked(self) -> Request:
        """Return a new request that waits."""
        proposed = await self.any().call("propose", posting(self.name("key")))
        assert isinstance(proposed, Proposed)
        return proposed.request

    async def after(self, returned: int) -> None:
        """Return once so many more operations have returned: in the middle of the others."""
        goal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._goals.append((self._done + returned, goal))
        self._note(0)
        await goal

    def _note(self, returned: int) -> None:
        self._done += returned
        for number, goal in self._goals:
            if number <= self._done and not goal.done():
                goal.set_result(None)
        self._goals = [each for each in self._goals if not each[1].done()]

    async def all_run(self, module: str) -> None:
        """Have every process run *module*, at the same time."""
        await asyncio.gather(*(replica.call("run", module) for replica in self.replicas))

    async def does(self, doing: Doing, about: Any) -> Operation:
        """Have a client do it through any process, at any moment now; write down what it was told."""
        for _ in range(self.dice.randrange(_TURNS)):
            await asyncio.sleep(0)
        replica = self.any()
        invoked, began = next(self._order), self.clock.now()
        try:
            told = await _DOES[doing.name](replica, doing.by, about)
        except Failed as failed:
            if not failed.may_pass:
                raise
            self.unheard += 1
            told = ""
        self._note(1)
        return Operation(
            client=f"pid {replica.pid}",
            doing=doing,
            invoked=invoked,
            returned=next(self._order) if told else None,
            told=told,
            began=began,
            ended=self.clock.now(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where processes for arenas are born, on one kind of database."""

    born: Nursery
    databases: Databases
    on_postgresql: bool


@asynccontextmanager
async def ground(databases: Databases, *, on_postgresql: bool = True) -> AsyncIterator[Ground]:
    """Prepare arenas on one kind of database."""
    name = "postgresql" if on_postgresql else "sqlite"
    clock = SharedClock(databases.folder / f"clock-{name}", NOON)
    rehearsal = await databases.fresh(on_postgresql=on_postgresql)
    log = databases.folder / f"races-{name}.log"
    async with nursery(RULES, clock, rehearse_on=[rehearsal], log=log) as born:
        yield Ground(born=born, databases=databases, on_postgresql=on_postgresql)
    clock.close()


@asynccontextmanager
async def arena(on: Ground, falls: Dice, *, replicas: int, redis: str | None = None) -> AsyncIterator[Arena]:
    """Run so many *replicas* on a new database."""
    on.born.clock.set(NOON)
    url = await on.databases.fresh(on_postgresql=on.on_postgresql)
    running = [await on.born.bear(url, redis=redis) for _ in range(replicas)]
    for replica in running:
        await replica.ready()
    yield Arena(url=url, clock=on.born.clock, replicas=running, dice=falls)
    await on.born.bury(*running)
    await on.databases.drop(url)


async def hold_laws(on: Arena) -> None:
    """Check what must be true of the rows and the record, whatever the clients were told."""
    configuration = load_remembered(RULES).configuration
    store = open_store(on.url, on.clock)
    slack = FakeSlack(clock=on.clock, people=PEOPLE, channels=CHANNELS, signing_secret=SECRET)
    async with open_core(Environment(), configuration, store=store) as core:
        await laws.hold(core, slack, [configuration])


def _how(request: Request) -> str:
    return model.UNANSWERED if request.state.went_unanswered else request.state.value


async def _told(replica: Replica, outcome: Any, request: Request) -> str:
    if isinstance(outcome, Refused):
        # As whoever clicked is told: how it ended.
        return await _see(replica, "", request)
    ended = outcome.request if isinstance(outcome, Counted) else outcome
    made = State.SUPERSEDED.value if ended.id != request.id else _how(ended)
    return f"counts: {made}"


async def _approve(replica: Replica, by: str, request: Request) -> str:
    return await _told(replica, await replica.call("decide", click(by), request.id, Approve()), request)


async def _reject(replica: Replica, by: str, request: Request) -> str:
    return await _told(replica, await replica.call("decide", click(by), request.id, Reject("No")), request)


async def _edit(replica: Replica, by: str, request: Request) -> str:
    arguments = {**POSTING, "memo": f"as {by} wrote it"}
    return await _told(replica, await replica.call("edit", click(by), request.id, arguments), request)


async def _cancel(replica: Replica, _: str, request: Request) -> str:
    return await _told(replica, await replica.call("cancel", _AGENT, request.id, "no more"), request)


async def _see(replica: Replica, _: str, request: Request) -> str:
    found = await replica.call("see", request.id)
    assert isinstance(found, Dossier)
    return _how(found.request)


async def _wait(replica: Replica, _: str, request: Request) -> str:
    # The clock stands, so it never gives up: whoever settles it has to wake this process.
    found = await replica.call("wait", _AGENT, request.id, 30.0)
    assert isinstance(found, Dossier)
    return _how(found.request)


async def _propose(replica: Replica, memo: str, key: str) -> str:
    outcome = await replica.call("propose", posting(key, memo=memo))
    if isinstance(outcome, Refused):
        return outcome.reason.value
    assert isinstance(outcome, Proposed)
    return "new" if outcome.fresh else "known"


async def _claim(replica: Replica, attempt: str, request: Request) -> str:
    found = await replica.call("see", request.id)
    assert isinstance(found, Dossier)
    assert found.grant is not None
    outcome = await replica.call("claim", found.grant.id, claiming(found.grant, attempt))
    return "claimed" if isinstance(outcome, Claimed) else str(outcome.reason.value)


async def _stop(replica: Replica, by: str, _: Any) -> str:
    outcome = await replica.call("stop", click(by), EVERYTHING, "a race")
    return "stopped" if isinstance(outcome, Moved) else str(outcome.reason.value)


async def _resume(replica: Replica, by: str, _: Any) -> str:
    outcome = await replica.call("resume", click(by), EVERYTHING)
    return "resumed" if isinstance(outcome, Moved) else str(outcome.reason.value)


_DOES: Mapping[str, Callable[[Replica, str, Any], Awaitable[str]]] = {
    "approve": _approve,
    "reject": _reject,
    "edit": _edit,
    "cancel": _cancel,
    "see": _see,
    "wait": _wait,
    "propose": _propose,
    "claim": _claim,
    "stop": _stop,
    "resume": _resume,
}
