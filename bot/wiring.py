"""Puts one serving process together: the doors and the engine around an open core."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import uvicorn
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.api import app as api
from bot.api.limits import LimitedBodies
from bot.asgi import BoundedHead
from bot.config import Settings, SlackMode
from bot.opening import Loaded, open_core, store_of
from bot.slack import app as slack
from bot.slack import client as slack_client
from bot.slack.courier import SlackCourier
from bot.slack.door import Door
from bot.slack.draw import Drawing
from bot.slack.lanes import Lanes
from bot.slack.socket_mode import SocketMode
from escalation.clock import Clock, SystemClock
from escalation.engine import watchdog
from escalation.engine.metronome import Metronome
from escalation.errors import StoreError
from escalation.service.configure import put_in_force
from escalation.service.context import Core

#: For whoever waits at the doors; the engine then takes up to five seconds more, and ten are promised.
_STOP_SECONDS = 3
#: How long an ending process waits for what is a nicety and no promise.
_COURTESY_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """One process, ready to serve."""

    core: Core
    web: ASGIApp  #: Slack's door and the agents'.
    engine: Metronome
    door: Door
    socket_mode: SocketMode | None = None


async def furnish(
    core: Core, settings: Settings, loaded: Loaded, *, clock: Clock | None = None, pace: float = 1.0
) -> House:
    """Put Slack, the agents' API and the engine around *core*; *pace*: messages a second and channel."""
    clock = clock or SystemClock()
    token = settings.slack_bot_token.get_secret_value()
    web = slack_client.client(token, settings.slack_api_url)
    identity = await slack_client.identify(web, workspace=loaded.configuration.tenant)
    drawing = Drawing(core.configuration, loaded.runbook)
    door = Door(core=core, slack=web, drawing=drawing, clock=clock)
    bolt = slack.build(door, token=token, identity=identity)
    engine = Metronome(core, SlackCourier(web, drawing, clock, Lanes(per_second=pace)))
    socket_mode, guard = None, None
    if settings.slack_mode is SlackMode.SOCKET:
        socket_mode = SocketMode(bolt, app_token=_secret(settings.slack_app_token), slack=web)
    else:
        guard = slack.guarded(bolt, door, secret=_secret(settings.slack_signing_secret))

    async def readiness() -> list[str]:
        deaf = socket_mode is not None and not await socket_mode.is_connected()
        lost = ["slack: Socket Mode is not connected"] if deaf else []
        return [*await _store_trouble(core), *watchdog.trouble(engine.modules), *lost]

    doors = _Doors(LimitedBodies(api.build(core, readiness)), guard)
    return House(core=core, web=doors, engine=engine, door=door, socket_mode=socket_mode)


async def serve(settings: Settings, loaded: Loaded, listener: socket.socket) -> None:
    """Serve until told to stop; then finish what was begun, within ten seconds."""
    store = store_of(settings)
    with store.serve_lock():
        # PostgreSQL may be shared with an older version that still runs: there, migrating is a
        # decision (`andon migrate`). A SQLite file is ours alone.
        await store.prepare()
        async with open_core(settings, loaded, store=store) as core:
            await put_in_force(core, body=loaded.body)
            house = await furnish(core, settings, loaded)
            async with _running(house):
                await _listen(house, listener)


@asynccontextmanager
async def _running(house: House) -> AsyncIterator[None]:
    watch = None
    try:
        house.engine.start()
        if house.socket_mode is not None:
            # Beside everything else: while Slack is away agents are served, and told so by /readyz.
            watch = asyncio.create_task(_watch(house.socket_mode))
        yield
    finally:
        if house.socket_mode is not None and watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            await house.socket_mode.stop()
        await house.engine.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_COURTESY_SECONDS):
                await house.door.settle()


async def _watch(socket_mode: SocketMode) -> None:
    await socket_mode.start()
    while True:
        await asyncio.sleep(5)
        await socket_mode.mend()


async def _listen(house: House, listener: socket.socket) -> None:
    config = uvicorn.Config(
        house.web,
        loop="uvloop",
        http=BoundedHead,
        lifespan="off",  # what starts and stops with the process is written out above
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    await _Server(config, house.core).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Uvicorn, that tells who waits for an outcome to come back to another replica."""

    def __init__(self, config: uvicorn.Config, core: Core) -> None:
        super().__init__(config)
        self._core = core

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, and let the engine and the store close after the doors."""
        # Uvicorn's own raises the signal again once its doors are closed, and the process would end there.
        loop, signals = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the doors; let what is under way finish."""
        self._core.close_waits()
        await super().shutdown(sockets)


def _secret(secret: SecretStr | None) -> str:
    # The settings have made sure of the one that their mode needs.
    return "" if secret is None else secret.get_secret_value()


async def _store_trouble(core: Core) -> list[str]:
    try:
        await core.store.check()
    except StoreError as error:
        return [str(error)]
    return []


class _Doors:
    """Sends each request to the door it knocks at."""

    def __init__(self, agents: ASGIApp, people: ASGIApp | None) -> None:
        self._agents = agents
        self._people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        slack_door = scope["type"] == "http" and scope["path"].startswith("/slack/")
        app = self._people if slack_door and self._people is not None else self._agents
        await app(scope, receive, send)
