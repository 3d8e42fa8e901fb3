"""Watches the files of the configuration: once they change, what they say is put in force, or refused."""

import asyncio
import hashlib
import socket
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeAlias

import structlog

from bot.config import Held, Loaded, load, watched
from escalation.engine.module import Module, Progress
from escalation.errors import InvalidConfiguration
from escalation.service import configure
from escalation.service.context import Core

_log = structlog.get_logger(__name__)

#: Seconds between two looks. Files are read once two looks in a row found them alike: an editor or a
#: deployment that is half-way through writing them is given the time between.
EVERY = 0.25

#: What tells one state of the files from another, without reading them.
_Signature: TypeAlias = tuple[object, ...]


class FileWatch:
    """
    Looks at the files that begin at *path*.

    *version* is what they said when the process began. It need not be what it works by: files that were
    in force earlier are not put in force again until they change.
    """

    def __init__(
        self, core: Core, held: Held, path: Path, *, version: str, today: Callable[[], date]
    ) -> None:
        self._core = core
        self._held = held
        self._path = path
        self._today = today
        self._seen: _Signature | None = None
        self._read: _Signature | None = None  # what was read last, and is dealt with
        #: Of the files when they were last in order. Another replica may have put another one in force.
        self._version = version
        self._asked = False

    @property
    def module(self) -> Module:
        """What the engine runs."""
        return Module(name="files", work=self.look, every=EVERY)

    def ask(self) -> None:
        """Have the files put in force at the next look, changed or not: an operator says so."""
        self._asked = True

    async def look(self) -> Progress:
        """Put the files in force if they changed since the last look but one."""
        before, self._seen = self._seen, await asyncio.to_thread(watched.signature, self._path)
        asked = self._asked
        if asked or (before == self._seen != self._read):
            await self._take(asked=asked)
            self._asked, self._read = False, self._seen
        return Progress(done=0)

    async def _take(self, *, asked: bool) -> None:
        try:
            loaded = await asyncio.to_thread(load, self._path, today=self._today())
            self._held.check_workspace(loaded)
            if asked or loaded.configuration.version != self._version:
                await self._put_in_force(loaded)
            self._version = loaded.configuration.version
            await configure.accept(self._core)
        except InvalidConfiguration as error:
            await self._refuse(str(error))

    async def _put_in_force(self, loaded: Loaded) -> None:
        change = await configure.put_in_force(
            self._core.by(loaded.configuration),
            body=loaded.body,
            source=configure.Source.FILES,
            host=socket.gethostname(),
        )
        self._held.become(loaded)
        if change.changed:
            _log.info(
                "configuration_put_in_force", version=loaded.configuration.version, before=change.before
            )

    async def _refuse(self, why: str) -> None:
        _log.error("configuration_refused", problems=why.splitlines())
        files = hashlib.sha256(why.encode()).hexdigest()[:12]
        await configure.refuse(self._core, why, files=files, host=socket.gethostname())
