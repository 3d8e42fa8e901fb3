"""Composition root of one serving process: the doors and the engine around an open core."""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.adapters import heads_of, open_core, store_of
from bot.api import app as api
from bot.api.limits import LimitedBodies
from bot.config import Held, Loaded, Settings, SlackMode
from bot.file_watch import FileWatch
from bot.http import server
from bot.slack import app as slack
from bot.slack import web_api
from bot.slack.ingress.socket_mode import SocketMode
from bot.slack.listeners.context import ListenerContext
from bot.slack.outgoing.courier import SlackCourier
from bot.slack.outgoing.pacing import ChannelPacing
from bot.slack.permalinks import Permalinks
from bot.slack.render.presenter import Presenter
from escalation.clock import Clock, SystemClock
from escalation.engine import watchdog
from escalation.engine.metronome import Metronome
from escalation.errors import NotInForce, SchemaMismatch, StoreError
from escalation.ports import Kills, never
from escalation.service import refusals, restore
from escalation.service.configure import follow, start
from escalation.service.context import Core

_log = structlog.get_logger(__name__)

#: How long a shutdown waits for Slack messages that nothing depends on.
_BEST_EFFORT_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """The doors and the engine of one process, ready to serve."""

    core: Core
    web: ASGIApp  #: Slack's door and the agents'.
    engine: Metronome
    listeners: ListenerContext
    socket_mode: SocketMode | None = None


async def assemble(
    core: Core,
    settings: Settings,
    runbook_text: Callable[[str], str | None],
    *,
    clock: Clock | None = None,
    pace: float = 1.0,
) -> Application:
    """Put Slack, the agents' API and the engine around *core*; *pace*: messages a second and channel."""
    clock = clock or SystemClock()
    token = settings.slack_bot_token.get_secret_value()
    slack_client = web_api.client(token, settings.slack_api_url)
    identity = await web_api.identify(slack_client, workspace=core.configuration().tenant)
    presenter = Presenter(core.configuration, runbook_text, Permalinks(identity.url))
    engine = Metronome(core, SlackCourier(slack_client, presenter, clock, ChannelPacing(per_second=pace)))

    def hampered() -> list[str]:
        return [*engine.hampered(), *core.refused_files.lines(core.configuration().version)]

    listeners = ListenerContext(
        core=core, slack=slack_client, presenter=presenter, clock=clock, hampered=hampered
    )
    dispatch = slack.build(listeners, token=token, identity=identity)
    socket_mode, guard = None, None
    if settings.slack_mode is SlackMode.SOCKET:
        socket_mode = SocketMode(dispatch, app_token=_secret(settings.slack_app_token), slack=slack_client)
    else:
        guard = slack.guarded(dispatch, listeners, secret=_secret(settings.slack_signing_secret))

    async def readiness() -> api.Condition:
        deaf = socket_mode is not None and not await socket_mode.is_connected()
        lost = ["slack: Socket Mode is not connected"] if deaf else []
        trouble = [*await _store_trouble(core), *watchdog.trouble(engine.modules), *lost]
        # Anybody may ask: it says where the files are wrong, and not what stands there.
        refused = core.refused_files.places(core.configuration().version)
        return api.Condition(trouble=trouble, degraded=[*engine.hampered(), *refused])

    doors = _Doors(LimitedBodies(api.build(core, readiness)), guard)
    return Application(core=core, web=doors, engine=engine, listeners=listeners, socket_mode=socket_mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seams:
    """What a test of a whole process sets; in production it is as it stands here."""

    kills: Kills = never
    pace: float = 1.0  #: Messages a second and channel.


async def serve(
    settings: Settings,
    loaded: Loaded,
    listener: socket.socket,
    *,
    files: Path,
    seams: Seams | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; then shut down gracefully, within ten seconds.

    *files*: where ``andon.yaml`` is. It is watched, and read again at SIGHUP.
    """
    seams = seams or Seams()
    store = store_of(settings)
    with store.serve_lock():
        # PostgreSQL may be shared with an older version that still runs: there, migrating is a
        # decision (`andon migrate`). A SQLite file is ours alone.
        await store.prepare()
        async with open_core(settings, loaded.configuration, store=store, kills=seams.kills) as opened:
            held = Held(loaded)
            heads = heads_of(settings)
            core = replace(opened, configuration=held.configuration, adopt=held.adopt, heads=heads)
            await restore.begin(core)
            await begin(core, loaded)
            app = await assemble(core, settings, held.runbook_text, pace=seams.pace)
            version = loaded.configuration.version
            watch = FileWatch(core, held, files, version=version, today=lambda: SystemClock().now().date())
            app.engine.also(watch.module)
            # What a process starts with it keeps. Each full collection would walk all of it, and nobody
            # is answered for the tenth of a second that this takes.
            gc.collect()
            gc.freeze()
            async with web_api.pooled(app.listeners.slack), _running(app), _reading_again(watch):
                await server.serve(app.web, listener, close_waits=core.close_waits)


async def begin(core: Core, loaded: Loaded) -> None:
    """Put *loaded* in force, unless it was in force earlier: then work by what is in force now."""
    if await start(core, body=loaded.body, host=socket.gethostname()):
        return
    _log.warning(
        "these_files_are_not_in_force",
        version=loaded.configuration.version,
        why="they were in force earlier; `andon apply` puts them in force again",
    )
    # What cannot be loaded is said by the engine; until then nothing is decided here.
    with suppress(NotInForce):
        await follow(core)


@asynccontextmanager
async def _reading_again(watch: FileWatch) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, watch.ask)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


@asynccontextmanager
async def _running(app: Application) -> AsyncIterator[None]:
    watch = None
    try:
        app.engine.start()
        if app.socket_mode is not None:
            # In the background: while Slack is away agents are still served, and /readyz says so.
            watch = asyncio.create_task(_watch(app.socket_mode))
        yield
    finally:
        if app.socket_mode is not None and watch is not None:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            await app.socket_mode.stop()
        await app.engine.stop()
        with suppress(StoreError):
            await refusals.summarise(app.core)
        with suppress(TimeoutError):
            async with asyncio.timeout(_BEST_EFFORT_SECONDS):
                await app.listeners.drain()


async def _watch(socket_mode: SocketMode) -> None:
    await socket_mode.start()
    while True:
        await asyncio.sleep(5)
        await socket_mode.mend()


def _secret(secret: SecretStr | None) -> str:
    # The settings have made sure of the one that their mode needs.
    return "" if secret is None else secret.get_secret_value()


async def _store_trouble(core: Core) -> list[str]:
    try:
        await core.store.check()
    except SchemaMismatch as error:
        return [str(error)]
    except StoreError as error:
        # Anybody may ask whether we are ready; where the database is, is for the log.
        _log.warning("store_unavailable", error=str(error))
        return ["the database cannot be reached; the log says why"]
    return []


class _Doors:
    """Dispatches by path: Slack's requests to Slack's door, all others to the agents' API."""

    def __init__(self, agents: ASGIApp, people: ASGIApp | None) -> None:
        self._agents = agents
        self._people = people

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        slack_door = scope["type"] == "http" and scope["path"].startswith("/slack/")
        app = self._people if slack_door and self._people is not None else self._agents
        await app(scope, receive, send)
