"""A bot that is killed and started again, and the people and agents who go on as if nothing had been."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bot.config import load
from escalation.clock import SystemClock
from escalation.configuration import Configuration
from escalation.ids import AgentName
from escalation.reason import Refused
from escalation.service import keys
from escalation.service.context import Core
from tests.e2e.installation import Installation
from tests.harness.fake_http import serve
from tests.harness.fake_slack import BOT_TOKEN, Answer, FakeSlack, Post
from tests.scenario import laws
from tests.scenario.agent import Agent
from tests.scenario.rules import TODAY
from tests.scenario.world import AGENT, CHANNELS, PEOPLE, SECRET

#: Seconds after which somebody who calls again and again gives up.
_PATIENCE = 60.0
_AGAIN = 0.02


@dataclass(slots=True, kw_only=True)
class Town:
    """A bot that may die, a Slack and an agent that do not, and what they know to be true."""

    slack: FakeSlack
    agent: Agent
    http: httpx.AsyncClient
    order: Path  #: Where the next death is written.
    zygote: Process
    effects: list[str] = field(default_factory=list)  #: The grants under which something was done.
    deaths: list[int] = field(default_factory=list)  #: Exit codes.
    _pid: int = 0
    _died: asyncio.Event = field(default_factory=asyncio.Event)

    def arm(self, point: str, nth: int = 1) -> None:
        """Have the bot die the *nth* time it passes *point*."""
        written = self.order.with_suffix(".new")
        written.write_text(f"{point} {nth}", encoding="utf-8")
        written.rename(self.order)

    @property
    def is_armed(self) -> bool:
        """Whether a death is still to come."""
        return self.order.exists()

    async def live(self) -> None:
        """Start the bot, and again each time it dies, until cancelled."""
        assert self.zygote.stdin is not None
        while True:
            self._died.clear()
            self.zygote.stdin.write(b"live\n")
            await self._died.wait()

    async def hear(self) -> None:
        """Note births and deaths."""
        assert self.zygote.stdout is not None
        async for line in self.zygote.stdout:
            match line.decode().split():
                case ["born", pid]:
                    self._pid = int(pid)
                case ["died", _, status]:
                    self.deaths.append(int(status))
                    self._died.set()
                case said:
                    raise AssertionError(f"the zygote said {said}")

    async def ready(self) -> None:
        """Return once the bot is ready."""
        async with asyncio.timeout(_PATIENCE):
            while True:
                with suppress(httpx.TransportError):
                    if (await self.http.get("/readyz")).status_code == httpx.codes.OK:
                        return
                await asyncio.sleep(_AGAIN)

    async def dies(self, times: int) -> None:
        """Return once the bot has died so many *times* in all."""
        async with asyncio.timeout(_PATIENCE):
            while len(self.deaths) < times:
                await asyncio.sleep(_AGAIN)

    async def end(self) -> None:
        """Kill the bot, whatever it does."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)


class _Persistent(httpx.AsyncBaseTransport):
    """Sends a call again, unchanged, until somebody answers it: what an agent with a key does."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(_PATIENCE):
            while True:
                with suppress(httpx.TransportError):
                    answer = await self._inner.handle_async_request(request)
                    if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                        return answer
                await asyncio.sleep(_AGAIN)

    async def aclose(self) -> None:
        await self._inner.aclose()


@asynccontextmanager
async def town(here: Installation, core: Core, database: str, port: int) -> AsyncIterator[Town]:
    """Run a bot on *database* that can be killed, during the block."""
    slack = FakeSlack(clock=SystemClock(), people=PEOPLE, channels=CHANNELS, signing_secret=SECRET)
    made = await keys.create(core, AgentName(AGENT))
    assert not isinstance(made, Refused)
    order, base = here.place / "death", f"http://127.0.0.1:{port}"
    async with (
        serve(slack) as api,
        httpx.AsyncClient(base_url=base, timeout=40) as once,
        httpx.AsyncClient(base_url=base, transport=_Persistent(), timeout=40) as again,
        _zygote(_environment(here, database, api, order, port), here.place / "lives.log") as zygote,
    ):
        slack.post = _signed(once)
        agent = Agent(http=again, key=made.secret, name=AGENT)
        on = Town(slack=slack, agent=agent, http=once, order=order, zygote=zygote)
        living, hearing = asyncio.create_task(on.live()), asyncio.create_task(on.hear())
        try:
            await on.ready()
            yield on
        finally:
            living.cancel()
            await on.end()
            hearing.cancel()


async def judged(core: Core, on: Town, history: list[Configuration]) -> None:
    """Check every law about rows, the record, Slack and effects, once the bot is dead."""
    await laws.hold(core, on.slack, history)
    assert len(on.effects) == len(set(on.effects)), "an effect ran twice"


def configuration_of(here: Installation) -> Configuration:
    """Return what is in force in *here*."""
    return load(here.place / "andon.yaml", today=TODAY).configuration


def _signed(http: httpx.AsyncClient) -> Post:
    async def post(path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            answer = await http.post(path, headers=dict(headers), content=body)
        except httpx.TransportError:
            return Answer(status=503)  # Slack says that it had trouble connecting.
        return Answer(status=answer.status_code, body=answer.content)

    return post


def _environment(here: Installation, database: str, api: str, order: Path, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "ANDON_CONFIG": str(here.place / "andon.yaml"),
        "ANDON_DATABASE_URL": database,
        "ANDON_SLACK_MODE": "http",
        "SLACK_API_URL": api,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "CRASH_AT": str(order),
        "CRASH_PORT": str(port),
    }


@asynccontextmanager
async def _zygote(environment: Mapping[str, str], log: Path) -> AsyncIterator[Process]:
    with log.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.crash.mortal"),
            env=dict(environment), stdin=PIPE, stdout=PIPE, stderr=sink, start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
