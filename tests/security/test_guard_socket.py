"""Claims about the guard behind a real server: what a raw socket can say and an ASGI message cannot."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from bot.http.body import Allowance
from bot.slack.ingress.guard import Limits
from tests.unit.guard.kit import CLICK, FORM, NOON, REFUSALS, Knock, Recorder, guard, knock, stamp

PATIENCE = timedelta(milliseconds=300)
Parser = Literal["httptools", "h11"]


class Server:
    """A real server on this machine, in a thread, before a guard that each test renews."""

    def __init__(self, parser: Parser) -> None:
        self.renew()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                self._door, interface="asgi3", http=parser, ws="none", lifespan="off", log_config=None
            )
        )
        self._thread = threading.Thread(target=self._uvicorn.run, args=([self._listening],), daemon=True)

    def renew(self) -> None:
        """Forget all that came: no attack may be refused only because it resembles an earlier one."""
        self.inside = Recorder()
        limits = Limits(body=Allowance(within=PATIENCE), refusals_per_second=1_000)
        self._guard = guard(self.inside, limits=limits)

    async def _door(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guard(scope, receive, send)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(timeout=10)
        self._listening.close()

    async def say(self, *parts: bytes, pause: float = 0) -> list[int]:
        """Say *parts* on one connection, with pauses; return the statuses of all that came back."""
        reader, writer = await asyncio.open_connection(*self._listening.getsockname())
        heard = asyncio.create_task(_until_end(reader))
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
        statuses = _statuses(await heard)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return statuses


async def _until_end(reader: asyncio.StreamReader) -> bytes:
    heard = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        while part := await asyncio.wait_for(reader.read(65_536), timeout=1 if heard else 10):
            heard += part
    return heard


def _statuses(heard: bytes) -> list[int]:
    return [int(line.split()[1]) for line in heard.splitlines() if line.startswith(b"HTTP/1.")]


@pytest.fixture(scope="module", params=["httptools", "h11"])
def running(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A running server with either of its two parsers."""
    result = Server(request.param)
    result.start()
    yield result
    result.stop()


@pytest.fixture
def server(running: Server) -> Server:
    """The running server, with a guard that has seen nothing yet."""
    running.renew()
    return running


def raw(request: Knock, *, line: bytes = b"POST /slack/events HTTP/1.1") -> bytes:
    """Return *request* as bytes on the wire."""
    return b"\r\n".join([line, *(name + b": " + value for name, value in request.headers), b"", request.body])


#: The last one on its connection, so that nobody waits for another.
GENUINE = knock().having((b"connection", b"close"))
STREAM = GENUINE.without(b"content-length")
CHUNKED = STREAM.having((b"transfer-encoding", b"chunked"))
SIGNATURE, TIMESTAMP = GENUINE.value(b"x-slack-signature"), GENUINE.value(b"x-slack-request-timestamp")
HEAD = raw(Knock(headers=CHUNKED.headers, chunks=()))
SIZE = b"%x\r\n" % len(CLICK)
HIDDEN = raw(knock(b"payload=%7B%22hidden%22%3A1%7D", secret="not the secret"))


def with_line(line: bytes, *, base: Knock = GENUINE) -> bytes:
    """Return *base* on the wire with one more header line, as it stands."""
    first, rest = raw(base).split(b"\r\n", 1)
    return first + b"\r\n" + line + b"\r\n" + rest


def replaced(old: bytes, new: bytes) -> bytes:
    """Return the genuine request with *old* replaced on the wire."""
    assert old in raw(GENUINE)
    return raw(GENUINE).replace(old, new, 1)


def bent_lengths() -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Signed requests whose end two readers could see in two places."""
    yield "length twice, different", (with_line(b"Content-Length: 0"),)
    yield "length with a sign", (replaced(b"content-length: ", b"content-length: +"),)
    yield "negative length", (replaced(b"content-length: ", b"content-length: -"),)
    yield "hexadecimal length", (replaced(b"content-length: %d" % len(CLICK), b"content-length: 0x57"),)
    yield "endless length", (replaced(b"content-length: ", b"content-length: " + b"9" * 40),)
    yield "too large a length", (replaced(b"content-length: %d" % len(CLICK), b"content-length: 262145"),)
    yield "length and chunks", (with_line(b"Transfer-Encoding: chunked"),)
    chunks_hide = with_line(b"Content-Length: 4", base=CHUNKED).removesuffix(CLICK)
    yield "chunks that hide a request", (chunks_hide + b"0\r\n\r\n" + HIDDEN,)
    yield "coding twice", (with_line(b"Transfer-Encoding: identity", base=CHUNKED),)
    yield "unknown coding", (raw(STREAM.having((b"transfer-encoding", b"xchunked"))),)
    yield "coding with a tab", (with_line(b"Transfer-Encoding:\tchunked"),)
    yield "coding with a space before the colon", (with_line(b"Transfer-Encoding : chunked"),)
    yield "coding in quotes", (with_line(b'Transfer-Encoding: "chunked"'),)
    yield "chunks of garbage", (HEAD + b"zz\r\n" + CLICK + b"\r\n0\r\n\r\n",)
    yield "negative chunk", (HEAD + b"-1\r\n" + CLICK + b"\r\n0\r\n\r\n",)
    yield "chunk with 0x", (HEAD + b"0x" + SIZE + CLICK + b"\r\n0\r\n\r\n",)
    yield "endless chunk size", (HEAD + b"f" * 40 + b"\r\n" + CLICK,)
    yield "chunk too short", (HEAD + b"1\r\n" + CLICK + b"\r\n0\r\n\r\n",)
    yield "chunk too long", (HEAD + b"fff\r\n" + CLICK + b"\r\n0\r\n\r\n",)
    yield "no last chunk", (HEAD + SIZE + CLICK + b"\r\n",)
    yield "chunks beyond the limit", (HEAD + b"50000\r\n" + b"x" * 0x50000 + b"\r\n0\r\n\r\n",)


def bent_headers() -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Signed requests whose headers two readers could read differently."""
    yield "signature twice", (with_line(b"X-Slack-Signature: " + SIGNATURE),)
    yield "forged signature first", (with_line(b"x-slack-signature: v0=" + b"0" * 64),)
    yield "timestamp twice", (with_line(b"X-Slack-Request-Timestamp: 0"),)
    yield "type twice", (with_line(b"Content-Type: application/json"),)
    yield "host twice", (with_line(b"Host: evil.example"),)
    yield "no host", (raw(GENUINE.without(b"host")),)
    yield "folded signature", (replaced(b"signature: v0=", b"signature: v0=\r\n "),)
    yield "fold before all headers", (with_line(b" x-slack-signature: v0=" + b"0" * 64),)
    yield "bare line feed", (with_line(b"X-A: b\nx-slack-signature: v0=" + b"0" * 64),)
    yield "bare carriage return", (with_line(b"X-A: b\rx-slack-signature: " + SIGNATURE),)
    yield "NUL in a header", (replaced(SIGNATURE, SIGNATURE + b"\x00"),)
    yield "NUL in a name", (with_line(b"x-slack\x00-signature: x"),)
    yield "header without colon", (with_line(b"x-slack-signature"),)
    yield "header without name", (with_line(b": value"),)
    yield "underscores", (replaced(b"x-slack-signature", b"x_slack_signature"),)
    yield "space in the name", (replaced(b"x-slack-signature:", b"x-slack-signature :"),)
    yield "long header", (with_line(b"X-Long: " + b"x" * 50_000),)
    yield "huge header", (with_line(b"X-Huge: " + b"x" * 2_000_000),)
    yield "many headers", (with_line(b"\r\n".join(b"X-%d: y" % number for number in range(3_000))),)


def late_false_or_slow() -> Iterator[tuple[str, tuple[bytes, ...]]]:
    """Requests in good form that are not Slack's, not of now, or not finished."""
    yield "stale", (raw(knock(at=NOON - timedelta(seconds=301))),)
    yield "unsigned", (raw(GENUINE.without(b"x-slack-signature")),)
    yield "forged", (raw(knock(secret="not the secret")),)
    yield "time with spaces inside", (replaced(TIMESTAMP, TIMESTAMP[:5] + b" " + TIMESTAMP[5:]),)
    yield "other type", (replaced(FORM, b"text/plain"),)
    yield "signed nonsense", (raw(knock(b"payload=%7B")),)
    yield "signed NUL", (raw(knock(b"text=%00")),)
    yield "slow body", (raw(GENUINE).removesuffix(CLICK), CLICK[:10], CLICK[10:20])
    yield "cut body", (raw(GENUINE)[:-5],)
    yield "asks to go on, then does not", (with_line(b"Expect: 100-continue").removesuffix(CLICK),)


ATTACKS = dict([*bent_lengths(), *bent_headers(), *late_false_or_slow()])


@pytest.mark.parametrize("name", ATTACKS)
async def test_what_two_readers_could_read_differently_is_refused(server: Server, name: str) -> None:
    """Bent on the wire, even a signed request hears a 4xx or nothing, and no listener runs."""
    pause = 0.6 * PATIENCE.total_seconds() if name == "slow body" else 0
    statuses = [status for status in await server.say(*ATTACKS[name], pause=pause) if status != 100]
    assert set(statuses) <= REFUSALS
    assert statuses
    assert not server.inside.bodies


LINES = [
    b"GET /slack/events HTTP/1.1",
    b"PUT /slack/events HTTP/1.1",
    b"POST /slack/events?payload=%FF HTTP/3.9",
    b"POST /slack/events/ HTTP/1.1",
    b"POST /slack/events%00 HTTP/1.1",
    b"POST /slack/events\xff HTTP/1.1",
    b"POST //slack/events HTTP/1.1",
    b"POST /slack/../slack/events HTTP/1.1",
    b"POST slack/events HTTP/1.1",
    b"POST * HTTP/1.1",
    b"CONNECT evil.example:443 HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"post /slack/events HTTP/1.1",
    b"POST /slack/events",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /" + b"a" * 100_000 + b" HTTP/1.1",
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:40])
async def test_odd_request_lines_lead_nowhere(server: Server, line: bytes) -> None:
    """Whatever stands in the first line, a signed request for another door or method is not taken."""
    statuses = await server.say(raw(GENUINE, line=line))
    assert set(statuses) <= REFUSALS | {404, 405}
    assert not server.inside.bodies


HARMLESS = {
    "length twice, the same": with_line(b"Content-Length: %d" % len(CLICK)),
    "length as a list": replaced(b"content-length: ", b"content-length: %d, " % len(CLICK)),
    "folded unknown header": with_line(b"X-Folded: a\r\n b"),
    "two spaces in the first line": raw(GENUINE, line=b"POST  /slack/events HTTP/1.1"),
    "signature also in a trailer": HEAD + SIZE + CLICK + b"\r\n0\r\nx-slack-signature: x\r\n\r\n",
}


@pytest.mark.parametrize("name", HARMLESS)
async def test_what_has_one_reading_is_taken_as_that_or_not_at_all(server: Server, name: str) -> None:
    """Where a parser mends an oddity with one meaning, exactly the signed bytes get in, or nothing."""
    statuses = await server.say(HARMLESS[name])
    assert (statuses, server.inside.bodies) in (([200], [CLICK]), ([400], []))


async def test_slacks_own_request_gets_in(server: Server) -> None:
    """The same bytes unbent are taken, so the refusals above are not for another reason."""
    assert await server.say(raw(GENUINE)) == [200]
    assert server.inside.bodies == [CLICK]


async def test_honest_chunks_get_in(server: Server) -> None:
    """A proxy may pass a signed body on in chunks."""
    assert await server.say(HEAD + SIZE + CLICK + b"\r\n0\r\n\r\n") == [200]
    assert server.inside.bodies == [CLICK]


async def test_a_trailer_corrects_no_header(server: Server) -> None:
    """A good signature that comes after the body does not replace a forged one before it."""
    head = HEAD.replace(SIGNATURE, b"v0=" + b"0" * 64)
    trailer = b"x-slack-signature: " + SIGNATURE + b"\r\n"
    statuses = await server.say(head + SIZE + CLICK + b"\r\n0\r\n" + trailer + b"\r\n")
    assert statuses[0] in REFUSALS
    assert not server.inside.bodies


async def test_a_second_request_in_the_same_breath_is_judged_for_itself(server: Server) -> None:
    """A forgery sent behind a genuine click on one connection, and a copy of the click, stay outside."""
    forged = raw(knock(b"payload=%7B%7D", secret="not the secret"))
    statuses = await server.say(raw(knock()) + raw(knock()) + forged)
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {401}
    assert server.inside.bodies == [CLICK]


async def test_a_refused_connection_is_closed(server: Server) -> None:
    """After a refusal the rest of the connection is not read: what follows there is never a request."""
    later = raw(knock(b"payload=%7B%7D", at=NOON, timestamp=stamp(NOON)))
    assert await server.say(raw(knock().without(b"x-slack-signature")), later, pause=0.05) == [401]
    assert not server.inside.bodies
