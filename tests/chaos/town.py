"""Some replicas over one database, a Slack, and who freezes them, fills their disks, sets their clocks."""

import asyncio
import json
import math
import os
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.adapters import open_core
from bot.config import Environment
from deploy.demo.processes import free_port
from escalation.clock import SystemClock, monotonic
from escalation.ids import AgentName
from escalation.reason import Refused
from escalation.service import keys
from escalation.service.context import Core
from escalation.store import open_store
from tests.chaos.dice import Dice
from tests.chaos.ledger import Ledger, Trouble
from tests.crash.lives import configuration_of
from tests.e2e.installation import Installation, installed
from tests.harness.fake_http import serve
from tests.harness.fake_slack import BOT_TOKEN, Answer, FakeSlack, Post
from tests.scenario.world import AGENT, CHANNELS, PEOPLE, SECRET

#: Seconds until somebody who waits for a process gives up.
_PATIENCE = 60.0
_AGAIN = 0.05
#: Slack gives a click so many seconds.
_OF_A_CLICK = 3.0
#: How long people have, and those who are left alone: everything ends within a round.
SLA, SHORT_SLA = 30, 3


class Zygote:
    """A process that has imported everything, and forks replicas."""

    def __init__(self, log: Path) -> None:
        # What they do is not measured: it would take as long again.
        environment = {name: said for name, said in os.environ.items() if not name.startswith("COV")}
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.replica"],
                env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink,
                start_new_session=True,
            )  # fmt: skip

    def fork(self, environment: Mapping[str, str]) -> int:
        """Start a replica; return its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(dict(environment)).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        """Kill it, and every replica with it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@dataclass(slots=True, kw_only=True)
class Replica:
    """One serving process."""

    pid: int
    url: str
    log: Path
    skew: Path
    woke_at: float | None = None  #: By the monotonic clock; for ever in the future while it is frozen.

    def freeze(self) -> None:
        """Stop it where it stands."""
        self.woke_at = math.inf
        os.kill(self.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)
        self.woke_at = monotonic()

    def was_frozen_since(self, moment: float) -> bool:
        """Return whether it was frozen at or after *moment*."""
        return self.woke_at is not None and self.woke_at >= moment

    def set_clock(self, seconds: float) -> None:
        """Set its wall clock so many *seconds* off."""
        with self.skew.open("r+b") as file:
            file.write(struct.pack("d", seconds))

    @contextmanager
    def writing_at_most(self, size: int) -> Iterator[None]:
        """Let it write no file beyond *size* bytes during the block: its disk fails, and its log with it."""
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard, hard))

    def end(self) -> None:
        """Kill it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


@dataclass(slots=True, kw_only=True)
class Town:
    """Everything in one round."""

    here: Installation
    environment: Environment
    slack: FakeSlack
    http: httpx.AsyncClient
    key: str  #: The agent's.
    replicas: list[Replica]
    dice: Dice
    ledger: Ledger = field(default_factory=Ledger)
    is_open: bool = True  #: Whether agents begin new things.

    async def ready(self) -> None:
        """Return once every replica is ready."""
        async with asyncio.timeout(_PATIENCE):
            for replica in self.replicas:
                while not await self.is_ready(replica):
                    await asyncio.sleep(_AGAIN)

    async def is_ready(self, replica: Replica) -> bool:
        """Return whether *replica* says that it is ready."""
        with suppress(httpx.TransportError):
            answer = await self.http.get(f"{replica.url}/readyz")
            self.ledger.note_readiness(answer)
            return answer.status_code == httpx.codes.OK
        return False

    @asynccontextmanager
    async def trouble(self, what: str) -> AsyncIterator[None]:
        """Remember that something is broken during the block, and how long it takes to be well again."""
        clock = SystemClock()
        began = clock.now()
        try:
            yield
        finally:
            self.ledger.troubles.append(Trouble(what=what, began=began, ended=clock.now()))


@asynccontextmanager
async def outside(here: Installation, environment: Environment) -> AsyncIterator[Core]:
    """Open the use cases on the database, while nobody serves it."""
    store = open_store(environment.database_url)
    await store.prepare()
    async with open_core(environment, configuration_of(here), store=store) as core:
        yield core


def town_hall(place: Path) -> Installation:
    """Return what is shipped, but that everything ends within a minute."""
    place.mkdir(parents=True, exist_ok=True)
    made = installed(place)
    made.change("andon.yaml", "sla: 15m", f"sla: {SLA}s")
    # Nobody means to flood anybody here; what caps do is another matter.
    with (made.place / "andon.yaml").open("a", encoding="utf-8") as file:
        file.write(
            "\ncaps: {pending_per_agent: 9000, pending_per_channel: 9000, asks_per_person_and_hour: 9000}\n"
        )
    made.change("agents/bank_reconciliation/manifest.yaml", "sla: 15m", f"sla: {SHORT_SLA}s")
    return made


@asynccontextmanager
async def town(
    zygote: Zygote, place: Path, environment: Environment, *, seed: int, replicas: int = 1
) -> AsyncIterator[Town]:
    """Run some *replicas* over the database that *environment* names, during the block."""
    here = town_hall(place)
    slack = FakeSlack(clock=SystemClock(), people=PEOPLE, channels=CHANNELS, signing_secret=SECRET)
    key = await _key(here, environment)
    async with serve(slack) as api, httpx.AsyncClient(timeout=10) as http:
        started = [_start(zygote, here, environment, api) for _ in range(replicas)]
        made = Town(
            here=here, environment=environment, slack=slack, http=http, key=key, replicas=started,
            dice=Dice(seed),
        )  # fmt: skip
        slack.post = _delivering(made)
        try:
            await made.ready()
            yield made
        finally:
            for replica in started:
                replica.end()


async def _key(here: Installation, environment: Environment) -> str:
    async with outside(here, environment) as core:
        made = await keys.create(core, AgentName(AGENT))
        assert not isinstance(made, Refused)
        return made.secret


def _start(zygote: Zygote, here: Installation, environment: Environment, api: str) -> Replica:
    port = free_port(0)
    log, skew = here.place / f"{port}.log", here.place / f"{port}.skew"
    skew.write_bytes(struct.pack("d", 0.0))
    told = {
        **here.environment,
        "ANDON_CONFIG": str(here.place / "andon.yaml"),
        "ANDON_DATABASE_URL": environment.database_url,
        "ANDON_SLACK_MODE": "http",
        "SLACK_API_URL": api,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "CHAOS_PORT": str(port),
        "CHAOS_LOG": str(log),
        "CHAOS_SKEW": str(skew),
    }
    if environment.redis_url is not None:
        told["ANDON_REDIS_URL"] = environment.redis_url
    return Replica(pid=zygote.fork(told), url=f"http://127.0.0.1:{port}", log=log, skew=skew)


def _delivering(on: Town) -> Post:
    dice = on.dice.apart("slack")

    async def once(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        replica = dice.one_of(on.replicas)
        try:
            answer = await on.http.post(
                replica.url + path, headers=dict(headers), content=body, timeout=_OF_A_CLICK
            )
        except httpx.TransportError:
            return Answer(status=503)  # Slack says that it had trouble connecting.
        return Answer(status=answer.status_code, body=answer.content)

    async def post(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if dice.happens(0.1):
            await asyncio.sleep(dice.between(0, 0.3))  # others overtake it
        answer = await once(path, headers, body)
        if dice.happens(0.1):
            again = await once(path, headers, body)
            if answer.status != httpx.codes.OK:
                return again
        return answer

    return post
