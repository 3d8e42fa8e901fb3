"""HTTP/1.1 with as little of our own time as possible, so that the server is measured and not its client."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

#: Seconds: a server hangs up on connections that were idle for a little longer.
_STAYS_OPEN = 3.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes

    def json(self, *, status: int) -> dict[str, Any]:
        """Return the body, read, of an answer that has to have *status*."""
        assert self.status == status, self
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Line:
    """A connection that stays open; one exchange at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return await self._exchange("GET", path, headers or {}, b"")

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return await self._exchange("POST", path, {**headers, "content-length": str(len(body))}, body)

    async def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        said = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{said}\r\n".encode() + body)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        assert length is not None, head
        return Answer(int(head[9:12]), await self.reader.readexactly(int(length[1])))


@dataclass(slots=True)
class Lines:
    """Connections to one port of this machine, opened as they are needed and used again."""

    port: int
    _idle: list[tuple[float, Line]] = field(default_factory=list)  #: Since when, the newest last.

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Line]:
        """Lend a connection for the block."""
        line = self._warm() or Line(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            yield line
        except BaseException:
            line.writer.close()
            raise
        self._idle.append((time.perf_counter(), line))

    def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop()[1].writer.close()

    def _warm(self) -> Line | None:
        if not self._idle:
            return None
        since, line = self._idle.pop()
        if time.perf_counter() - since < _STAYS_OPEN:
            return line
        self._idle.append((since, line))
        self.close()  # the others have been idle for longer still
        return None
