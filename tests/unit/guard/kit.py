"""What tests of the doors share: a clock to move, signed requests to bend, and an app that tells who came."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.slack.ingress.envelope import sign
from bot.slack.ingress.guard import Guard, Inner, Limits

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CLICK = b"payload=%7B%22type%22%3A%22block_actions%22%2C%22user%22%3A%7B%22id%22%3A%22U1%22%7D%7D"
FORM = b"application/x-www-form-urlencoded"
PATH = "/slack/events"
#: What a request that Slack did not sign may hear.
REFUSALS = frozenset({400, 401, 413, 415, 429})

Header = tuple[bytes, bytes]


class MovableClock:
    """A clock that stands still until it is told."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


@dataclass(frozen=True, kw_only=True)
class Knock:
    """One request, in every part that a forger could choose."""

    headers: tuple[Header, ...]
    chunks: tuple[bytes, ...]
    method: str = "POST"
    path: str = PATH
    query: bytes = b""
    version: str = "1.1"
    cut_off: bool = False  #: The peer goes away before the end of the body.
    peer: str | None = "203.0.113.7"

    def without(self, name: bytes) -> Self:
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] != name))

    def having(self, *more: Header) -> Self:
        return replace(self, headers=self.headers + more)

    def saying(self, name: bytes, value: bytes) -> Self:
        return self.without(name).having((name, value))

    def carrying(self, *chunks: bytes) -> Self:
        """Carry another body under the same signature."""
        length = b"%d" % sum(map(len, chunks))
        return replace(self.saying(b"content-length", length), chunks=chunks)

    def value(self, name: bytes) -> bytes:
        return dict(self.headers)[name]

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)


def stamp(at: datetime) -> bytes:
    return b"%d" % int(at.timestamp())


def knock(
    body: bytes = CLICK,
    *,
    media: bytes = FORM,
    at: datetime = NOON,
    timestamp: bytes | None = None,
    secret: str = SECRET,
) -> Knock:
    """Return the request that Slack would send for *body*."""
    timestamp = stamp(at) if timestamp is None else timestamp
    headers = (
        (b"host", b"andon.example"),
        (b"user-agent", b"Slackbot 1.0 (+https://api.slack.com/robots)"),
        (b"accept", b"*/*"),
        (b"content-length", b"%d" % len(body)),
        (b"content-type", media),
        (b"x-slack-request-timestamp", timestamp),
        (b"x-slack-signature", sign(timestamp, body, secret=secret.encode())),
    )
    return Knock(headers=headers, chunks=(body,))


@dataclass
class Reply:
    """What came back."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


async def knock_at(door: ASGIApp, request: Knock) -> Reply:
    """Send *request* to *door* and return its reply."""
    incoming = _events(request)
    reply = Reply()

    async def receive() -> Message:
        if incoming:
            return incoming.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = dict(message["headers"])
        else:
            reply.body += message.get("body", b"")

    await door(scope_of(request), receive, send)
    return reply


def scope_of(request: Knock) -> Scope:
    """Return what an ASGI server says of *request*."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": request.version,
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query,
        "headers": list(request.headers),
        "client": None if request.peer is None else (request.peer, 4711),
        "server": ("127.0.0.1", 3000),
        "scheme": "https",
        "state": {},
    }


def _events(request: Knock) -> list[Message]:
    events: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in request.chunks
    ]
    if request.cut_off:
        return [*events, {"type": "http.disconnect"}]
    events[-1]["more_body"] = False
    return events


class Recorder:
    """An app behind a door: it remembers who was let in, and answers 200."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        message = await receive()
        self.bodies.append(message["body"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-from", b"inside")]})
        await send({"type": "http.response.body", "body": b"ack", "more_body": False})

    @property
    def headers(self) -> Sequence[Header]:
        """The headers of the last request that was let in."""
        last: Sequence[Header] = self.scopes[-1]["headers"]
        return last


def guard(
    inner: Inner, *, clock: MovableClock | None = None, secret: str = SECRET, limits: Limits | None = None
) -> Guard:
    """Return a guard before *inner*, at noon, that never loses patience unless told by *limits*."""
    return Guard(
        inner,
        secret=secret,
        clock=clock or MovableClock(),
        limits=limits or Limits(refusals_per_second=1_000_000),
    )
