"""Strict message framing, and request bodies read whole within a size limit and a timeout."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from starlette.types import Message, Receive, Send

from bot.http.headers import Headers

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
