"""What a raw socket can do to the server before any door hears of the request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from bot.http.protocol import BoundedHead

HEAD = b"POST /v1/requests HTTP/1.1\r\nHost: andon\r\n"


class Hurried(BoundedHead):
    """The same, for people with less patience."""

    head_timeout = 0.3


async def _hello(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    """Serve one app as the bot is served; yield its port."""
    config = uvicorn.Config(
        _hello, http=Hurried, ws="none", lifespan="off", log_config=None, port=0, timeout_keep_alive=5
    )
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    try:
        yield running.servers[0].sockets[0].getsockname()[1]
    finally:
        running.should_exit = True
        await task


async def _hangs_up(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 5)
    return b""


async def _say(writer: asyncio.StreamWriter, part: bytes, *, times: int, pause: float = 0) -> int:
    said = 0
    with suppress(ConnectionError):
        for _ in range(times):
            writer.write(part)
            await writer.drain()
            said += len(part)
            await asyncio.sleep(pause)
    return said


async def test_headers_without_end_are_not_collected() -> None:
    """Whoever sends one header after another is hung up on, long before it fills our memory."""
    async with server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        said = await _say(writer, HEAD + b"", times=1) + await _say(
            writer, b"X-More: " + b"x" * 8000 + b"\r\n", times=5000
        )
        assert said < 20_000_000
        assert await _hangs_up(reader) == b""
        writer.close()


@pytest.mark.parametrize("begun", [b"", b"P", HEAD, HEAD + b"X-Slow: a"])
async def test_a_head_that_does_not_come_is_not_waited_for(begun: bytes) -> None:
    """A connection that says nothing, or stops in the middle of its headers, is closed."""
    async with server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        assert await _hangs_up(reader) == b""
        writer.close()


async def test_a_head_that_trickles_is_not_waited_for() -> None:
    """One byte at a time, faster than any pause we would notice: it is closed all the same."""
    async with server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        trickle = asyncio.create_task(_say(writer, b"x", times=1000, pause=0.01))
        writer.write(HEAD + b"X-Slow: ")
        assert await _hangs_up(reader) == b""
        trickle.cancel()
        writer.close()


async def test_who_speaks_plainly_is_heard() -> None:
    """A slow, large body and a second request on the same connection are nobody's attack."""
    async with server() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(HEAD + b"Content-Length: 700000\r\n\r\n")
            assert await _say(writer, b"x" * 100_000, times=7, pause=0.08) == 700_000
            assert await asyncio.wait_for(reader.readuntil(b"hi"), 5)
        writer.close()
