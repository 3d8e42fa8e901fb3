"""
The program of a process that serves and may be killed at any instant: it is forked from one that is warm.

    stdin    one order a line, pickled and in hex     fork one more process
             "kill PID"                               end that one, whatever it does
    stdout   "born PID", "died PID STATUS"

Everything is imported, and every statement compiled, before the first fork: what a process costs from
its birth to its first answer is some ten milliseconds, so that thousands of them can die.
"""

import asyncio
import gc
import os
import pickle
import selectors
import signal
import sys
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import uvloop
from pydantic import SecretStr

from bot.adapters import open_core
from bot.config import Environment, Held, Loaded
from bot.config.load import load_remembered
from bot.slack.outgoing.courier import SlackCourier
from bot.slack.outgoing.pacing import ChannelPacing
from bot.slack.permalinks import Permalinks
from bot.slack.render.presenter import Presenter
from bot.wiring import begin
from escalation.engine.metronome import Metronome
from escalation.errors import EscalationError, StoreError
from escalation.store import open_store
from tests.replicas.calls import Serving, call
from tests.replicas.clock import SharedClock
from tests.replicas.order import Deaths, Order
from tests.replicas.slack import WiredSlack
from tests.replicas.wire import Call, FromSlack, Ready, Reply, Wire


def main() -> None:
    """Fork a process for each order, and tell of births and deaths."""
    # What anything prints goes to the log; only births and deaths are said to the parent.
    said = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    rehearsals, stored = pickle.loads(bytes.fromhex(sys.stdin.buffer.readline().decode()))
    loaded = load_remembered(stored)
    for order in rehearsals:
        # In this very process: what it compiles and remembers is inherited.
        uvloop.run(_serve(order, loaded))
    gc.collect()
    gc.freeze()
    said.write(b"warm\n")
    _tend(said, loaded)


def _tend(said: BinaryIO, loaded: Loaded) -> None:
    deaf, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(deaf, selectors.EVENT_READ)
    living: set[int] = set()
    heard = b""
    while True:
        ready = {key.fd for key, _ in selector.select()}
        if deaf in ready:
            os.read(deaf, 4096)
            _mourn(said, living)
        if 0 not in ready:
            continue
        more = os.read(0, 1 << 16)
        if not more:
            return
        *lines, heard = (heard + more).split(b"\n")
        for line in lines:
            _obey(line, living, said, loaded)


def _obey(line: bytes, living: set[int], said: BinaryIO, loaded: Loaded) -> None:
    if line.startswith(b"kill "):
        # Nobody else waits for them: as long as it is not mourned, the number is its own.
        if (pid := int(line[5:])) in living:
            os.kill(pid, signal.SIGKILL)
        return
    pid = os.fork()
    if pid == 0:
        _live(pickle.loads(bytes.fromhex(line.decode())), loaded)
    living.add(pid)
    said.write(b"born %d\n" % pid)


def _mourn(said: BinaryIO, living: set[int]) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            living.discard(pid)
            said.write(b"died %d %d\n" % (pid, os.waitstatus_to_exitcode(status)))


def _live(order: Order, loaded: Loaded) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.close(0)
    status = 1
    try:
        uvloop.run(_serve(order, loaded))
        status = 0
    finally:
        os._exit(status)


async def _serve(order: Order, loaded: Loaded) -> None:
    wire = Wire(*await asyncio.open_unix_connection(order.wire))
    clock = SharedClock(Path(order.clock))
    store = open_store(order.url, clock)
    environment = Environment(
        andon_database_url=SecretStr(order.url),
        andon_redis_url=None if order.redis is None else SecretStr(order.redis),
    )
    with store.serve_lock() if order.serves_alone else nullcontext():
        await store.check()
        kills = Deaths(order.death, clock.say_last)
        opened = open_core(environment, loaded.configuration, store=store, clock=clock, kills=kills)
        async with opened as made:
            held = Held(loaded)
            core = replace(made, configuration=held.configuration, adopt=held.adopt)
            await begin(core, loaded)
            slack = WiredSlack(wire)
            presenter = Presenter(core.configuration, held.runbook_text, Permalinks("https://slack.example/"))
            courier = SlackCourier(slack, presenter, clock, ChannelPacing(per_second=1000))
            serving = Serving(core=core, held=held, engine=Metronome(core, courier))
            wire.write(Ready(os.getpid()))
            await _listen(wire, serving, slack)


async def _listen(wire: Wire, serving: Serving, slack: WiredSlack) -> None:
    under_way = set()
    while (heard := await wire.read()) is not None:
        match heard:
            case FromSlack():
                slack.hear(heard)
            case Call():
                task = asyncio.create_task(_answer(wire, serving, heard))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            case _:
                raise AssertionError(f"it was told {heard}")
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)


async def _answer(wire: Wire, serving: Serving, called: Call) -> None:
    try:
        value = await call(serving, called.name, called.arguments)
        wire.write(Reply(called.number, value))
    except EscalationError as error:
        # A door answers 503, and whoever called does so again.
        told = f"{type(error).__name__}: {error}"
        wire.write(Reply(called.number, error=told, may_pass=isinstance(error, StoreError)))
    except Exception as error:  # noqa: BLE001 - whoever called is told, and fails
        wire.write(Reply(called.number, error=f"{type(error).__name__}: {error}"))


def speak(value: Any) -> bytes:
    """Return *value* as a line."""
    return pickle.dumps(value).hex().encode() + b"\n"


if __name__ == "__main__":
    main()
