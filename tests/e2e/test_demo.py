"""The demo, as `make demo` runs it: by itself from end to end, and by hand until Ctrl-C."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from deploy.demo.channels import FINANCE
from deploy.demo.processes import ROOT
from deploy.demo.workspace import Workspace
from tests.harness.local_slack import needs_local_slack

pytestmark = [needs_local_slack(), pytest.mark.timeout(240)]

SCENES = (
    "an unauthorised click is refused",
    "approve",
    "approve after an edit",
    "reject with a reason",
    "an answered question",
    "a two-person approval",
    "a time-out to the safe default",
    "a late click",
    "a rule changed while a request waits",
    "a stop that kills what is pending",
    "a resume by a different person",
    "audit verify",
)


async def test_the_demo_plays_every_scene() -> None:
    """Nobody at hand, every scene is played against the real bot, in order, and each goes as it should."""
    async with _demo({"AUTO": "1"}) as demo:
        out, err = await demo.communicate()
    transcript = out.decode()
    assert (demo.returncode, err.decode()) == (0, ""), transcript
    told = [line.strip() for line in transcript.splitlines() if line.strip()]
    assert [line.removeprefix("✔ ").partition(": ")[0] for line in told[:-1]] == list(SCENES)
    assert all(line.partition(": ")[2] for line in told[:-1])
    assert "The record is whole" in told[-2]
    assert told[-1].startswith("Every scene went as it should")


async def test_ctrl_c_ends_the_demo() -> None:
    """By hand it says where to look and goes on until Ctrl-C; then nothing that it started is left."""
    async with _demo({}) as demo, asyncio.timeout(120):
        assert demo.stdout is not None
        said = (await demo.stdout.readuntil(b"Ctrl-C ends it all.")).decode()
        url = said.partition("Open ")[2].split()[0]
        async with aiohttp.ClientSession(base_url=url) as http:
            await Workspace(url=url, http=http).message(FINANCE, "CB-26100003", within=60)
        started = _descendants(demo.pid)
        assert len(started) >= 3, "Slack, the bot and the agent"
        demo.send_signal(signal.SIGINT)
        out, err = await demo.communicate()
    assert (demo.returncode, err.decode()) == (0, "")
    assert out.decode().endswith("Everything is stopped.\n")
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


async def test_one_demo_at_a_time() -> None:
    """A second demo of one checkout says why it does not start, and leaves the first alone."""
    async with _demo({}) as first, asyncio.timeout(120):
        assert first.stdout is not None
        await first.stdout.readuntil(b"Ctrl-C ends it all.")
        async with _demo({}) as second:
            _, err = await second.communicate()
        assert second.returncode == 1
        assert err.decode().endswith("end it with Ctrl-C first\n")
        first.send_signal(signal.SIGINT)  # right after the welcome
        await first.communicate()
        assert first.returncode == 0


@asynccontextmanager
async def _demo(environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.demo.run"),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()  # and it ends what it started
            await process.communicate()


def _descendants(pid: int) -> list[int]:
    """Return the processes that *pid* started, and theirs."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except FileNotFoundError:
        return []
    return [found for child in map(int, children) for found in (child, *_descendants(child))]
