"""Starts the programs of the demo and makes sure that none outlives it."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp

ROOT: Final = Path(__file__).resolve().parents[2]
_READY_WITHIN: Final = 30.0
_STOPS_WITHIN: Final = 12.0


class DidNotWork(Exception):
    """A program of the demo ended badly; its last words are in the message."""


def free_port(preferred: int) -> int:
    """Return *preferred* if nobody listens there, or any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise DidNotWork("there is no free port on 127.0.0.1")


def program(name: str) -> str:
    """Return the path of *name* beside the Python that runs this."""
    return str(Path(sys.executable).with_name(name))


async def output(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run *command* to its end and return what it printed; raise ``DidNotWork`` if it failed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    if process.returncode != 0:
        raise DidNotWork(f"{Path(command[0]).name} {' '.join(command[1:3])} failed:\n{err.decode()}")
    return out.decode()


@asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run *command* during the block, writing to *log*; then ask it to stop, and insist."""
    with log.open("ab") as sink:
        # A group of its own: Ctrl-C reaches us alone, and we end the others in order.
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, **environment},
            cwd=ROOT,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await _stop(process)


async def ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    """Return once *url* answers 200; raise ``DidNotWork`` if *process* ends or stays silent."""
    deadline = asyncio.get_running_loop().time() + _READY_WITHIN
    async with aiohttp.ClientSession() as http:
        while asyncio.get_running_loop().time() < deadline and process.returncode is None:
            with suppress(aiohttp.ClientError):
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
    raise DidNotWork(f"the bot is not ready:\n{log.read_text(encoding='utf-8')[-2000:]}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOPS_WITHIN)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
