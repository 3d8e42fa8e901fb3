"""The parent of processes that serve: has them forked, calls them, keeps their Slack, and hears them die."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from escalation.ports import StoredConfiguration
from tests.harness.fake_slack import FakeSlack
from tests.replicas.clock import SharedClock
from tests.replicas.order import Death, Order
from tests.replicas.process import speak
from tests.replicas.rehearsal import rehearse
from tests.replicas.replica import Replica
from tests.replicas.wire import Ready, Wire
from tests.scenario.world import CHANNELS, PEOPLE, SECRET

#: Seconds for whatever should take milliseconds.
_PATIENCE = 60.0


@dataclass(slots=True)
class Nursery:
    """Where processes are born."""

    clock: SharedClock
    _zygote: Process
    _socket: Path
    _unborn: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    _living: dict[int, Replica] = field(default_factory=dict)
    _hearing: set[asyncio.Task[None]] = field(default_factory=set)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def bear(
        self,
        url: str,
        *,
        slack: FakeSlack | None = None,
        death: Death | None = None,
        redis: str | None = None,
        serves_alone: bool = False,
    ) -> Replica:
        """Start a process on the database at *url*, and return it at once; await ``ready``."""
        order = Order(
            url=url, clock=str(self.clock.file), wire=str(self._socket), redis=redis,
            serves_alone=serves_alone, death=death,
        )  # fmt: skip
        async with self._turn:
            self._say(speak(order))
            pid = await self._unborn.get()
            replica = self._living[pid]
            replica.slack = slack
        return replica

    def kill(self, replica: Replica) -> None:
        """Kill *replica*, whatever it does, unless it is dead."""
        if not replica.dead.done():
            self._say(b"kill %d\n" % replica.pid)

    async def bury(self, *replicas: Replica) -> None:
        """Kill *replicas*, and return once they are dead."""
        for replica in replicas:
            self.kill(replica)
        for replica in replicas:
            await replica.dead

    async def bury_all(self) -> None:
        """Kill whoever lives, and return once nobody is heard any more."""
        await self.bury(*self._living.values())
        while self._hearing:
            await asyncio.wait(self._hearing)

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take in one process that serves."""
        wire = Wire(reader, writer)
        match await wire.read():
            case Ready(pid=pid) if pid in self._living:
                hearing = asyncio.create_task(self._living[pid].hear(wire))
                self._hearing.add(hearing)
                hearing.add_done_callback(self._hearing.discard)
            case _:
                wire.close()

    async def hear(self) -> None:
        """Note births and deaths."""
        assert self._zygote.stdout is not None
        async for line in self._zygote.stdout:
            match line.decode().split():
                case ["born", pid]:
                    dead: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                    self._living[int(pid)] = Replica(int(pid), dead)
                    self._unborn.put_nowait(int(pid))
                case ["died", pid, status]:
                    self._living.pop(int(pid)).dead.set_result(int(status))
                case said:
                    raise AssertionError(f"the zygote said {said}")

    def _say(self, line: bytes) -> None:
        assert self._zygote.stdin is not None
        self._zygote.stdin.write(line)


@asynccontextmanager
async def nursery(
    stored: StoredConfiguration, clock: SharedClock, *, rehearse_on: Sequence[str], log: Path
) -> AsyncIterator[Nursery]:
    """Bear processes that work by *stored*; each has been warmed on the databases *rehearse_on*."""
    folder = Path(tempfile.mkdtemp(prefix="andon-"))  # a socket's path must be short
    with log.open("ab") as sink:
        zygote = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.replicas.process"),
            stdin=PIPE, stdout=PIPE, stderr=sink, start_new_session=True,
        )  # fmt: skip
    born = Nursery(clock, zygote, folder / "wire")
    server = await asyncio.start_unix_server(born.welcome, folder / "wire")
    hearing = None
    try:
        await _warm(zygote, stored, clock, rehearse_on)
        hearing = asyncio.create_task(born.hear())
        yield born
    finally:
        if hearing is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await born.bury_all()
        with suppress(ProcessLookupError):
            os.killpg(zygote.pid, signal.SIGKILL)
        await zygote.wait()
        if hearing is not None:
            await asyncio.wait([hearing])
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


async def _warm(
    zygote: Process, stored: StoredConfiguration, clock: SharedClock, databases: Sequence[str]
) -> None:
    """Have the zygote do one of everything on each of *databases*, before it forks."""
    folder = Path(tempfile.mkdtemp(prefix="andon-"))
    slack = FakeSlack(clock=clock, people=PEOPLE, channels=CHANNELS, signing_secret=SECRET)

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        assert isinstance(await wire.read(), Ready)
        dead: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        replica = Replica(zygote.pid, dead)
        replica.slack = slack
        hearing = asyncio.create_task(replica.hear(wire))
        try:
            await replica.ready()
            await rehearse(replica)
        finally:
            wire.close()
            dead.set_result(0)
            await asyncio.wait([hearing])

    assert zygote.stdin is not None
    assert zygote.stdout is not None
    server = await asyncio.start_unix_server(act, folder / "wire")
    try:
        orders = [Order(url=url, clock=str(clock.file), wire=str(folder / "wire")) for url in databases]
        zygote.stdin.write(speak((orders, stored)))
        async with asyncio.timeout(_PATIENCE):
            said = await zygote.stdout.readline()
        assert said == b"warm\n", f"the rehearsal failed: {said!r}; see the log"
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
