"""The real bot, as `andon serve` runs it: a process of its own, with Slack's calls answered beside it."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import work
from bench.databases import Databases, config_in, core_of
from bench.fake_slack import FakeSlack, fake_slack
from bench.measure import memory_of
from bench.ports import free_port
from bench.wire import Lines
from deploy.demo.processes import program, running
from deploy.demo.slack_app import BOT_TOKEN, SIGNING_SECRET
from escalation.errors import EscalationError
from escalation.service import keys

SLACK_PATH = "/slack/events"
_READY_WITHIN = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A process that is ready."""

    process: Process
    agents: Lines  #: Where agents propose and wait.
    people: Lines  #: Where Slack brings clicks.
    headers: dict[str, str]  #: An agent's.
    slack: FakeSlack
    started_in: float  #: Seconds until ``/readyz`` said yes.
    memory: int  #: Bytes, then.

    async def propose(self) -> str:
        """Put a proposal, and return the id of the request."""
        return str((await self._proposed())["id"])

    async def ruled_by(self) -> str:
        """Put a proposal, and return the version of the rules that had the say."""
        return str((await self._proposed())["policy"]["version"])

    async def _proposed(self) -> dict[str, Any]:
        async with self.agents.line() as line:
            headers = {**self.headers, "idempotency-key": work.key(), "content-type": "application/json"}
            answer = await line.post("/v1/requests", headers, work.proposal_body())
        found: dict[str, Any] = answer.json(status=201)
        assert found["state"] == "pending", found
        return found

    async def outcome(self, request: str) -> None:
        """Wait, as the agent does, until *request* is approved."""
        async with self.agents.line() as line:
            answer = await line.get(f"/v1/requests/{request}?wait=30", self.headers)
        found = answer.json(status=200)
        assert found["state"] == "approved", found
        assert found["grant"]["state"] == "granted", found

    async def approve(self, request: str, clicks: work.Clicks) -> None:
        """Bring Salma's click, and see it acknowledged."""
        headers, body = clicks.approve(request)
        async with self.people.line() as line:
            answer = await line.post(SLACK_PATH, headers, body)
        assert answer.status == 200, answer

    async def clicks(self) -> work.Clicks:
        """Return clicks on cards as this server posts them; it takes a request, which is approved."""
        request = await self.propose()
        clicks = work.Clicks.on(await self.slack.card(request), request)
        await self.approve(request, clicks)
        await self.outcome(request)
        return clicks

    async def kill(self) -> None:
        """Let it end in the middle of whatever it does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


@asynccontextmanager
async def serving(
    url: str, folder: Path, *, redis: str = "", sampled: Path | None = None
) -> AsyncIterator[Server]:
    """
    Run ``andon serve`` on the database at *url* during the block; its log and bytecode are in *folder*.

    Where it is *sampled*, that file holds where its processor time goes.
    """
    async with core_of(url) as core:
        key = await keys.create(core, work.AGENT)
        assert isinstance(key, keys.NewKey), key
    port = free_port()
    log = folder / f"server-{port}.log"
    async with fake_slack() as slack:
        andon = (
            [program("andon")] if sampled is None else [sys.executable, "-m", "bench.sampling", str(sampled)]
        )
        command = [*andon, "serve", "--port", str(port)]
        begun = time.perf_counter()
        async with running(
            command, {**_environment(url, slack.url, folder), "ANDON_REDIS_URL": redis}, log
        ) as process:
            agents, people = Lines(port), Lines(port)
            await _ready(process, agents, log)
            yield Server(
                process=process,
                agents=agents,
                people=people,
                headers={"authorization": f"Bearer {key.secret}"},
                slack=slack,
                started_in=time.perf_counter() - begun,
                memory=memory_of(process.pid),
            )
            agents.close()
            people.close()


@asynccontextmanager
async def serving_all(
    url: str, folder: Path, replicas: int, *, redis: str = ""
) -> AsyncIterator[list[Server]]:
    """Run so many *replicas* on one database during the block."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(url, folder, redis=redis)) for _ in range(replicas)]


async def compiled(databases: Databases) -> None:
    """Let a first server compile the modules, for the others: every start but the first finds them so."""
    async with serving(await databases.fresh(next(iter(databases.kinds))), databases.folder):
        """It is ready."""


def _environment(url: str, slack: str, folder: Path) -> dict[str, str]:
    return {
        "ANDON_CONFIG": str(config_in(folder)),
        "ANDON_DATABASE_URL": url,
        "ANDON_SLACK_MODE": "http",
        # Some environments forbid Python to keep what it compiled; nobody serves like that.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "SLACK_API_URL": slack,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
    }


async def _ready(process: Process, lines: Lines, log: Path) -> None:
    until = time.perf_counter() + _READY_WITHIN
    while process.returncode is None and time.perf_counter() < until:
        with suppress(OSError, EOFError, TimeoutError):
            async with lines.line() as line, asyncio.timeout(1):
                if (await line.get("/readyz")).status == 200:
                    return
        await asyncio.sleep(0.005)
    raise EscalationError(f"the server is not ready:\n{_last_words(log)}")


def _last_words(log: Path) -> str:
    return log.read_text(encoding="utf-8")[-2000:]
