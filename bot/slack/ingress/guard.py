"""
The guard before Slack's endpoint: only requests that Slack signed, minutes ago at most, and once, pass.

    path, method ▶ headers ▶ body, up to a size ▶ age ▶ signature ▶ first time? ▶ one meaning? ▶ handler

Whoever fails gets a plain 4xx, costs no write, and no parse beyond headers and signature. A click that
was let in and then failed on our side gets 503, so that Slack shows the person that it was not taken.
"""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import structlog
from starlette.types import Message, Receive, Scope, Send

from bot.http.body import Allowance, Flaw, read_body, replaying, respond
from bot.http.headers import Headers
from bot.slack.ingress import signed_body
from bot.slack.ingress.envelope import Envelope, Rejected, Why, open_envelope, rejected, verify
from bot.slack.ingress.replays import ReplayCache
from bot.slack.signed_request import INGRESS_HEADER, SCOPE_KEY, SignedRequest
from bot.token_buckets import TokenBuckets
from escalation.clock import Clock
from escalation.errors import InvalidConfiguration, places

#: Slack's secrets have 32 characters; one this short was typed wrongly, and could be guessed.
MIN_SECRET: Final = 16
#: A server may pass on others, such as the 0.9 of a request line without any.
_VERSIONS: Final = frozenset({"1.0", "1.1", "2"})

#: An ASGI app that may change the scope it is handed: the scope is a dict of its own.
Inner: TypeAlias = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The sizes and rates that the guard allows."""

    body: Allowance = field(default_factory=Allowance)
    remembered: int = 100_000  #: Entries of the replay cache; about 20 MB when full.
    refusals_per_second: int = 20  #: Rate limit of one peer's refusals; beyond, it gets 429.
    peers: int = 4_096  #: Token buckets kept, of the peers that were refused last.


class Guard:
    """An ASGI app that is *inner* behind a guard, at exactly *paths*.

    Raises ``InvalidConfiguration`` for a signing secret that cannot be Slack's.
    """

    def __init__(
        self,
        inner: Inner,
        *,
        secret: str,
        clock: Clock,
        paths: Collection[str] = ("/slack/events",),
        limits: Limits | None = None,
    ) -> None:
        if len(secret.strip()) < MIN_SECRET:
            raise InvalidConfiguration(f"Slack's signing secret has fewer than {MIN_SECRET} characters")
        self._inner = inner
        self._secret = secret.strip().encode()
        self._clock = clock
        self._paths = frozenset(paths)
        self._limits = limits or Limits()
        self._replays = ReplayCache(capacity=self._limits.remembered)
        most = self._limits.refusals_per_second
        self._refusals = TokenBuckets(per_second=most, burst=most, keys=self._limits.peers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._take(scope, receive, send)
            case "lifespan":
                await self._inner({**scope}, receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1008})

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        envelope = self._look_at(scope)
        if isinstance(envelope, Rejected):
            await self._refuse(scope, send, envelope)
            return
        body = await read_body(receive, stated=envelope.length, allowance=self._limits.body)
        if isinstance(body, Flaw):
            await self._refuse(scope, send, rejected(body))
            return
        verdict = self._judge(envelope, body, now=self._clock.now())
        if isinstance(verdict, Rejected):
            await self._refuse(scope, send, verdict)
            return
        handed_on = _handed_on(scope, envelope, verdict)
        await _hand_over(self._inner, handed_on, replaying(body, receive), send)

    def _look_at(self, scope: Scope) -> Envelope | Rejected:
        if scope["path"] not in self._paths:
            return Rejected(why=Why.PATH)
        if scope["method"] != "POST":
            return Rejected(why=Why.METHOD)
        if scope["http_version"] not in _VERSIONS:
            return Rejected(why=Why.VERSION)
        return open_envelope(Headers(scope["headers"]), allowance=self._limits.body)

    def _judge(self, envelope: Envelope, body: bytes, *, now: datetime) -> SignedRequest | Rejected:
        # No await from here to the end: of two equal requests, one is the first.
        verdict = verify(envelope, body, now=now, secret=self._secret)
        if isinstance(verdict, Rejected):
            return verdict
        if not self._replays.is_first(verdict.fingerprint, now=now):
            return Rejected(why=Why.REPLAYED)
        content = signed_body.parse(body, envelope.media)
        if content is None:
            return Rejected(why=Why.ILL_FORMED)
        return SignedRequest(body=content, fingerprint=verdict.fingerprint)

    async def _refuse(self, scope: Scope, send: Send, refusal: Rejected) -> None:
        # Counted only now: what others send through the same proxy never keeps a signed click out.
        peer = scope["client"][0] if scope.get("client") else "unknown"
        if not self._refusals.take(peer, at=self._clock.now().timestamp()):
            # Not logged: a flood must not become a flood of our own writes.
            await _answer(send, HTTPStatus.TOO_MANY_REQUESTS, (b"retry-after", b"1"))
            return
        _log.warning("slack_request_refused", status=refusal.status, why=refusal.why.name.lower(), peer=peer)
        extra = [(b"allow", b"POST")] if refusal.why is Why.METHOD else []
        await _answer(send, HTTPStatus(refusal.status), *extra)


def _handed_on(scope: Scope, envelope: Envelope, request: SignedRequest) -> dict[str, Any]:
    """Return *scope* with the parsed request, only the headers that we checked, and without a query."""
    ingress = (INGRESS_HEADER.encode(), request.fingerprint.encode())
    headers = [*envelope.headers, ingress]
    return {**scope, "headers": headers, "query_string": b"", SCOPE_KEY: request}


class _Reply:
    """The reply of *inner* on its way out; one that says we failed is held back."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status: int | None = None

    @property
    def is_failure(self) -> bool:
        return self.status is None or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        if not self.is_failure:
            await self._send(message)


async def _hand_over(inner: Inner, scope: dict[str, Any], receive: Receive, send: Send) -> None:
    reply = _Reply(send)
    where: list[str] = []
    error: str | None = None
    try:
        await inner(scope, receive, reply.send)
    except Exception as raised:  # noqa: BLE001  # whatever it is, the person must see that the click was not taken
        # Type and place only: the message of an error may quote what a person wrote.
        error = type(raised).__name__
        where = places(raised)
    if reply.is_failure or error:
        _log.error("slack_request_failed", status=reply.status, error=error, where=where)
    if reply.is_failure:
        await _answer(send, HTTPStatus.SERVICE_UNAVAILABLE)


async def _answer(send: Send, status: HTTPStatus, *headers: tuple[bytes, bytes]) -> None:
    plain = (b"content-type", b"text/plain; charset=utf-8")
    await respond(send, status, status.phrase.encode(), headers=[plain, *headers])
