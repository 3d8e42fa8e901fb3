"""A place to run `andon` in: the shipped configuration in a folder of its own, and a Slack that answers."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from shutil import copytree
from typing import Any, Final

from aiohttp import web

from deploy.demo import slack_app
from deploy.demo.processes import ROOT, free_port, program, ready, running

#: What auth.test says of a token that is ours.
OURS: Final = {
    "ok": True,
    "team_id": slack_app.TEAM_ID,
    "user_id": slack_app.BOT_USER_ID,
    "bot_id": "B0ANDON",
}


#: Give up CAP_DAC_OVERRIDE (PR_CAPBSET_DROP), where there is one, and become the command.
_LESS: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command said, and how it ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An `andon serve` that is ready."""

    url: str
    process: Process
    log: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything an operator writes, in *place*; *environment* is what they export."""

    place: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    under: Sequence[str] = ()  #: What each command is run by.

    @property
    def database(self) -> Path:
        """The SQLite file that is served unless *environment* says otherwise."""
        return self.place / "var" / "andon.db"

    def exporting(self, **variables: str) -> "Installation":
        """Return this installation with *variables* exported as well."""
        return replace(self, environment={**self.environment, **variables})

    def without_privileges(self) -> "Installation":
        """Return this installation run by somebody who may what the files allow and no more, even if root."""
        return replace(self, under=(sys.executable, "-c", _LESS))

    def change(self, file: str, old: str, new: str) -> None:
        """Write *new* for *old* in a file of the configuration."""
        text = (self.place / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {old!r} {text.count(old)} times"
        (self.place / file).write_text(text.replace(old, new), encoding="utf-8")

    async def andon(self, line: str) -> Ran:
        """Run `andon` with the arguments in *line* to its end."""
        process = await asyncio.create_subprocess_exec(
            *self.under,
            *(program("andon"), *line.split()),
            cwd=self.place,
            env={**os.environ, **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(60):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return Ran(status=process.returncode or 0, out=out.decode(), err=err.decode())

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[Server]:
        """Run `andon serve` during the block, on *port* or any free one."""
        port = port or free_port(0)
        where = {
            "ANDON_CONFIG": str(self.place / "andon.yaml"),
            "ANDON_DATABASE_URL": f"sqlite+aiosqlite:///{self.database}",
        }
        log = self.place / f"{port}.log"
        command = [program("andon"), "serve", "--port", str(port)]
        async with running(command, where | {**self.environment}, log) as process:
            await ready(f"http://127.0.0.1:{port}/readyz", process, log)
            yield Server(url=f"http://127.0.0.1:{port}", process=process, log=log)


def installed(place: Path) -> Installation:
    """Copy what is shipped into *place*, with the secrets of a Slack that is away."""
    manifest = ROOT / "agents" / "bank_reconciliation" / "manifest.yaml"
    (place / "agents" / "bank_reconciliation").mkdir(parents=True)
    (place / "agents" / "bank_reconciliation" / "manifest.yaml").write_bytes(manifest.read_bytes())
    copytree(ROOT / "runbooks", place / "runbooks")
    (place / "andon.yaml").write_bytes((ROOT / "andon.yaml").read_bytes())
    (place / "var").mkdir()
    return Installation(place=place).exporting(
        SLACK_API_URL="http://127.0.0.1:1/api/",  # nobody listens there
        SLACK_BOT_TOKEN=slack_app.BOT_TOKEN,
        SLACK_SIGNING_SECRET=slack_app.SIGNING_SECRET,
    )


@asynccontextmanager
async def slack_that(knows: Mapping[str, Any], says: Any = None) -> AsyncIterator[str]:
    """Serve a Web API: auth.test answers *knows*, anything else what *says* returns; yield its URL."""

    async def answer(request: web.Request) -> web.Response:
        if request.match_info["method"] == "auth.test":
            return web.json_response({**knows})
        return web.json_response(await says() if says is not None else {"ok": True, "ts": "1.1"})

    app = web.Application()
    app.router.add_route("*", "/api/{method}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port := free_port(0))
        await site.start()
        yield f"http://127.0.0.1:{port}/api/"
    finally:
        await runner.cleanup()
