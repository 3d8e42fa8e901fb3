"""What every door shares about HTTP: strict framing, and bodies read up to a size and within a time."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from starlette.types import Message, Receive, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CONTENT_LENGTH = b"content-length"
_TRANSFER_ENCODING = b"transfer-encoding"
#: Digits of a stated length: more would be a number no body of ours can have.
_LENGTH_DIGITS = 12


class Flaw(Enum):
    """Why a body was not read to its end."""

    FRAMING = "its length is stated twice, in two ways, or not as a number"
    TOO_LARGE = "it is larger than this door takes"
    TOO_SLOW = "it did not arrive in time"
    CUT_OFF = "it is shorter or longer than its stated length"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much of a body is read, and for how long."""

    size: int = 256 * 1024  #: Bytes.
    within: timedelta = timedelta(seconds=5)


class BoundedHead(HttpToolsProtocol):
    """Uvicorn's HTTP/1.1, that hangs up on a head too large or too slow to be anybody's we know.

    By itself it collects headers for as long as they come, before any door hears of the request.
    """

    most = 512 * 1024  #: Bytes of a request line and its headers, and what was read along with them.
    patience = 10.0  #: Seconds until a head has to be complete.
    _read = 0
    _late: asyncio.TimerHandle | None = None  # while a head is expected

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._expect()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._have()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._read += len(data)
        if self._late is not None and self._read > self.most:
            self.transport.close()

    def _expect(self) -> None:
        self._have()
        self._late = self.loop.call_later(self.patience, self.transport.close)

    def _have(self) -> None:
        self._read = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None


class Headers:
    """The headers of one request: every value that was sent, by lower-case name."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, list[bytes]] = {}
        self.size = 0  #: Bytes of all names and values.
        for name, value in raw:
            self.size += len(name) + len(value)
            self._values.setdefault(name.lower(), []).append(value)

    def all(self, name: bytes) -> list[bytes]:
        """Return the values of *name*, in the order they were sent."""
        return self._values.get(name, [])

    def first(self, name: bytes) -> bytes | None:
        """Return the first value of *name*, or None if it was not sent."""
        return next(iter(self.all(name)), None)

    def repeated(self, names: Iterable[bytes]) -> bool:
        """Tell whether any of *names* was sent more than once: two readers could pick two values."""
        return any(len(self.all(name)) > 1 for name in names)


def stated_length(headers: Headers, *, allowance: Allowance) -> int | Flaw | None:
    """Return the length in bytes that *headers* state, None for a stream, or what is wrong with it.

    Source: RFC 9112, section 6.3. A request that could be framed in two ways is refused, not repaired.
    """
    lengths, codings = headers.all(_CONTENT_LENGTH), headers.all(_TRANSFER_ENCODING)
    if len(lengths) + len(codings) > 1:
        return Flaw.FRAMING
    if codings and codings[0].lower() != b"chunked":
        return Flaw.FRAMING
    if not lengths:
        return None
    if not lengths[0].isdigit() or len(lengths[0]) > _LENGTH_DIGITS:
        return Flaw.FRAMING
    length = int(lengths[0])
    return Flaw.TOO_LARGE if length > allowance.size else length


async def read_body(receive: Receive, *, stated: int | None, allowance: Allowance) -> bytes | Flaw:
    """Return the whole body, or why it was given up; no more than *allowance* (and a chunk) is held."""
    try:
        async with asyncio.timeout(allowance.within.total_seconds()):
            body = await _collect(receive, limit=allowance.size)
    except TimeoutError:
        return Flaw.TOO_SLOW
    if isinstance(body, bytes) and stated is not None and len(body) != stated:
        return Flaw.CUT_OFF
    return body


async def _collect(receive: Receive, *, limit: int) -> bytes | Flaw:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return Flaw.CUT_OFF
        body += message.get("body", b"")
        if len(body) > limit:
            return Flaw.TOO_LARGE
        more = message.get("more_body", False)
    return bytes(body)


def replaying(body: bytes, receive: Receive) -> Receive:
    """Return a ``receive`` that hands out *body* once, and then whatever *receive* still has to say."""
    waiting = [body]

    async def again() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return again


async def respond(
    send: Send, status: int, body: bytes, *, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Send one complete response and give the connection up: what is still on it was never read."""
    framing = [(_CONTENT_LENGTH, b"%d" % len(body)), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *framing]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
