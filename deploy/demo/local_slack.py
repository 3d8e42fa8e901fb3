"""
Runs local-slack, a whole Slack in one process on this machine, with Andon's people in it.

    async with local_slack(bot="http://127.0.0.1:8080") as slack:   # signed HTTP deliveries
        ...                                                         # slack.api_url is the bot's Web API
    async with local_slack() as slack:                              # no *bot*: Socket Mode

The binary comes from npm (`npm ci`). `LOCAL_SLACK` may name another copy of it.

    LocalSlackError
    ├── NotInstalled   the binary is not there; says how to get it
    └── DidNotStart    it ended or stayed silent; carries what it printed
"""

import asyncio
import json
import os
import platform
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp

from deploy.demo import slack_app
from deploy.demo.channels import CHANNELS, Channel
from deploy.demo.people import PEOPLE
from deploy.demo.workspace import Workspace

HOST: Final = "127.0.0.1"
EVENTS_PATH: Final = "/slack/events"

_ROOT: Final = Path(__file__).resolve().parents[2]
_STARTS_WITHIN: Final = 20.0  # seconds; a cold 95 MB binary on a busy machine
_STOPS_WITHIN: Final = 5.0  # seconds between asking and insisting


class LocalSlackError(Exception):
    """The local Slack is not to be had."""


class NotInstalled(LocalSlackError):
    """The binary is not where npm puts it."""


class DidNotStart(LocalSlackError):
    """The process ended, or said nothing, before it was ready."""


def binary() -> Path:
    """Return the local-slack executable, or raise `NotInstalled`."""
    if chosen := os.environ.get("LOCAL_SLACK"):
        candidate = Path(chosen)
    else:
        machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(
            platform.machine(), platform.machine()
        )
        package = f"local-slack-{platform.system().lower()}-{machine}"
        candidate = _ROOT / "node_modules" / package / "bin" / "local-slack"
    if shutil.which(candidate) is None:
        raise NotInstalled(
            f"{candidate} is not there; run `npm ci`, or set LOCAL_SLACK to a copy of local-slack"
        )
    return candidate


@asynccontextmanager
async def local_slack(*, bot: str | None = None, port: int = 0) -> AsyncIterator[Workspace]:
    """
    Run local-slack until the block ends; yield the client that acts for its slack_app.

    *bot* is the bot's base URL for signed HTTP deliveries; None means Socket Mode.
    *port* 0 takes any free one. The page listens on every interface (local-slack cannot be told
    otherwise): run it where that is fine.
    """
    with TemporaryDirectory(prefix="local-slack-") as directory:
        process = await asyncio.create_subprocess_exec(
            *_command(Path(directory), bot=bot, port=port),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            async with _ready(process) as url, aiohttp.ClientSession(base_url=url) as http:
                yield Workspace(url=url, http=http)
        finally:
            await _stop(process)


def settings(bot: str | None) -> dict[str, Any]:
    """Return local-slack's configuration: one workspace, one app, HTTP to *bot* or Socket Mode."""
    delivery = {"mode": "socket"} if bot is None else {"mode": "events", "requestUrl": bot + EVENTS_PATH}
    app = {
        "appId": slack_app.APP_ID,
        "botUserId": slack_app.BOT_USER_ID,
        "botName": "andon",
        "botToken": slack_app.BOT_TOKEN,
        "appToken": slack_app.APP_TOKEN,
        "signingSecret": slack_app.SIGNING_SECRET,
    }
    return {
        "workspace": {"name": "Andon", "domain": "andon", "teamId": slack_app.TEAM_ID},
        "apps": [app | delivery],
        "users": [asdict(person) for person in PEOPLE],
        "channels": [_channel(channel) for channel in CHANNELS],
    }


def _channel(channel: Channel) -> dict[str, Any]:
    members = [person.id for person in channel.members]
    # A message in a channel reaches the bot only when the bot is listed as a member.
    return {
        "id": channel.id,
        "name": channel.name,
        "purpose": channel.purpose,
        "members": [*members, slack_app.BOT_USER_ID],
    }


def _command(directory: Path, *, bot: str | None, port: int) -> Sequence[str | Path]:
    config = directory / "workspace.json"
    config.write_text(json.dumps(settings(bot)), encoding="utf-8")
    # Without --base-host, Socket Mode and response_url say "localhost", which may resolve to ::1.
    where = ("--port", str(port), "--base-host", HOST)
    return (binary(), "--config", config, *where, "--files-dir", directory / "files")


@asynccontextmanager
async def _ready(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    """Yield the URL that *process* announces, and keep its pipe empty until the block ends."""
    said: list[str] = []
    try:
        url = await asyncio.wait_for(_announced(process, said), _STARTS_WITHIN)
    except TimeoutError as silent:
        raise DidNotStart(
            f"local-slack was not ready after {_STARTS_WITHIN:g} s:\n{''.join(said)}"
        ) from silent
    draining = asyncio.create_task(_drain(process))
    try:
        yield url
    finally:
        draining.cancel()
        with suppress(asyncio.CancelledError):
            await draining


async def _announced(process: asyncio.subprocess.Process, said: list[str]) -> str:
    async for line in _lines(process):
        said.append(line)
        if "Control API:" in line:  # printed once it is listening
            return line.split()[-1].removesuffix("/_control")
    raise DidNotStart(f"local-slack ended with status {await process.wait()}:\n{''.join(said)}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    async for _ in _lines(process):
        pass


async def _lines(process: asyncio.subprocess.Process) -> AsyncIterator[str]:
    if process.stdout is None:
        return
    async for line in process.stdout:
        yield line.decode(errors="replace")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End the process and whatever it started: ask first, then insist."""
    for wish in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, wish)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOPS_WITHIN)
            return
