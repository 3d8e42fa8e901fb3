"""Puts a bot into a local Slack: a port for the bot, a Slack that delivers to it, then the bot itself."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from deploy.demo.local_slack import NotInstalled, binary, local_slack
from deploy.demo.workspace import Workspace

Asgi = Callable[..., Any]


def needs_local_slack() -> pytest.MarkDecorator:
    """Return the mark of tests that run only where npm has installed local-slack."""
    try:
        binary()
    except NotInstalled as missing:
        return pytest.mark.skip(reason=str(missing))
    return pytest.mark.filterwarnings("error")


@asynccontextmanager
async def bot_in_slack(build: Callable[[Workspace], Asgi]) -> AsyncIterator[Workspace]:
    """Run local-slack and the ASGI bot that *build* makes for it, over signed HTTP."""
    # The port is held from here on: Slack must know the bot's address before the bot knows Slack's.
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        bot = f"http://127.0.0.1:{held.getsockname()[1]}"
        async with local_slack(bot=bot) as slack, _serving(build(slack), held):
            yield slack


@asynccontextmanager
async def _serving(app: Asgi, held: socket.socket) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    running = asyncio.create_task(server.serve(sockets=[held]))
    while not server.started and not running.done():
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await running
