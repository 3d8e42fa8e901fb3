"""The demo's programs: a local Slack, the bot on SQLite, and a key for the agent; all gone at the end."""

import fcntl
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.demo import slack_app
from deploy.demo.local_slack import local_slack
from deploy.demo.processes import ROOT, DidNotWork, free_port, output, program, ready, running
from deploy.demo.workspace import Workspace

PLACE: Final = ROOT / ".demo"
AGENT: Final = "bank-reconciliation"
DATA: Final = ROOT / "agents" / "bank_reconciliation" / "data" / "small"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What runs, and how to reach it."""

    slack: Workspace
    bot_url: str
    environment: Mapping[str, str]  #: The bot's.
    key: str  #: The agent's.

    @property
    def agent_environment(self) -> Mapping[str, str]:
        """What the agent needs, and nothing more: no Slack token, no database."""
        return {"ANDON_URL": self.bot_url, "ANDON_AGENT_KEY": self.key}

    def agent_command(self) -> list[str]:
        """Return the command that closes the small month."""
        return [
            program("python"),
            str(ROOT / "agents" / "bank_reconciliation"),
            *("--statement", str(DATA / "statement.camt053.xml")),
            *("--ledger", str(DATA / "ledger.csv")),
            *("--book", str(PLACE / "close.beancount")),
        ]


@asynccontextmanager
async def running_stack(*, sla: str | None = None) -> AsyncIterator[Stack]:
    """Run Slack and the bot during the block; *sla* shortens the time people have, such as ``20s``."""
    with _only_demo_here():
        async with _started(sla) as on:
            yield on


@contextmanager
def _only_demo_here() -> Iterator[None]:
    """Keep this checkout's demo folder for ourselves, emptied of what an earlier demo left."""
    PLACE.mkdir(mode=0o700, exist_ok=True)
    folder = os.open(PLACE, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DidNotWork(f"another demo runs in {PLACE.parent}; end it with Ctrl-C first") from None
        for left in PLACE.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()
        yield
    finally:
        os.close(folder)


@asynccontextmanager
async def _started(sla: str | None) -> AsyncIterator[Stack]:
    bot_url = f"http://127.0.0.1:{free_port(8080)}"
    async with AsyncExitStack() as exits:
        slack = await exits.enter_async_context(local_slack(bot=bot_url, port=free_port(3000)))
        environment = _environment(slack, _configuration(sla))
        command = [program("andon"), "serve", "--port", bot_url.rpartition(":")[2]]
        log = PLACE / "bot.log"
        bot = await exits.enter_async_context(running(command, environment, log))
        await ready(f"{bot_url}/readyz", bot, log)
        made = await output([program("andon"), "keys", "create", "--agent", AGENT], environment)
        exports = f"export ANDON_URL={bot_url} ANDON_AGENT_KEY={made.strip()} ANDON_WORKFLOW=first-try\n"
        (PLACE / "agent.env").write_text(exports, encoding="utf-8")
        yield Stack(slack=slack, bot_url=bot_url, environment=environment, key=made.strip())


def _environment(slack: Workspace, configuration: Path) -> dict[str, str]:
    return {
        "ANDON_CONFIG": str(configuration),
        "ANDON_DATABASE_URL": f"sqlite+aiosqlite:///{PLACE / 'andon.db'}",
        "SLACK_API_URL": slack.api_url,
        "SLACK_BOT_TOKEN": slack_app.BOT_TOKEN,
        "SLACK_SIGNING_SECRET": slack_app.SIGNING_SECRET,
    }


def _configuration(sla: str | None) -> Path:
    """Write the shipped andon.yaml as the demo needs it: times in words, and perhaps a short SLA."""
    text = (ROOT / "andon.yaml").read_text(encoding="utf-8")
    if sla is not None:
        text, count = re.subn(r"(?m)^(  sla:\s*)\S+", rf"\g<1>{sla}", text)
        if count != 1:
            raise LookupError(f"andon.yaml sets the SLA {count} times; the demo shortens the one under times")
    # The local Slack draws no dates of its own.
    folders = f"folders: {{agents: {ROOT / 'agents'}, runbooks: {ROOT / 'runbooks'}}}"
    path = PLACE / "andon.yaml"
    path.write_text(f"{text}\nplain_times: true\n{folders}\n", encoding="utf-8")
    return path
