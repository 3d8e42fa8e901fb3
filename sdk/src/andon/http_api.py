"""
The bot's HTTP API: each call is retried with exponential backoff while the bot is away.

    answered 2xx ─────────────────────────▶ the JSON
    answered 4xx ─────────────────────────▶ Problem
    no answer, no JSON, 429, 5xx ─▶ retry: the same bytes, the same idempotency key ─▶ … ─▶ Unreachable

Retrying is safe because every call is idempotent: a request carries its idempotency key, a claim its attempt,
a report its outcome.
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass, field
from typing import Final

import httpx
from pydantic import JsonValue

from andon.canonical import parse, sendable
from andon.errors import AndonError, OverCap, Unfit, Unreachable, problem
from andon.settings import Settings

log = logging.getLogger("andon")

FIRST_BACKOFF: Final = 0.2  #: Seconds before the first retry; doubled for each further one.
LONGEST_BACKOFF: Final = 5.0  #: Seconds, unless the bot asks for more with `Retry-After`.


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the contract."""

    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    body: JsonValue = None  #: Sent as canonical bytes; None sends nothing.
    key: str | None = None  #: The idempotency key.
    wait: float = 0.0  #: Seconds the bot may take on purpose (a long poll).


@dataclass(frozen=True, slots=True, kw_only=True)
class Retryable:
    """An attempt at a call that got no usable answer; the same call may be sent again."""

    error: Exception
    after: float = 0.0  #: Seconds the bot asked us to wait (`Retry-After`).


class HttpApi:
    """One agent's calls to one bot, over a pool of kept-alive connections."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(self, call: Call) -> JsonValue:
        """Return the bot's JSON; raise `Problem` when it refuses, `Unreachable` once retries are over."""
        content = None if call.body is None else sendable(call.body)
        backoff, give_up_at = FIRST_BACKOFF, None
        while True:
            answer = await self._attempt(call, content)
            if not isinstance(answer, Retryable):
                return answer
            now = asyncio.get_running_loop().time()
            give_up_at = give_up_at or now + self._settings.patience  # counted from the first failure
            pause = max(answer.after, backoff * _jitter())
            if now + pause > give_up_at:
                raise self._gave_up(answer.error)
            log.warning("%s %s: %s; again in %.1f s", call.method, call.path, answer.error, pause)
            await asyncio.sleep(pause)
            backoff = min(backoff * 2, LONGEST_BACKOFF)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _attempt(self, call: Call, content: bytes | None) -> JsonValue | Retryable:
        try:
            # httpx limits the silence between two bytes; this limits the attempt as a whole.
            async with asyncio.timeout(self._settings.timeout + call.wait):
                response = await self._send(call, content)
        except (httpx.HTTPError, TimeoutError) as error:
            return Retryable(error=_described(error))
        return self._read(response)

    async def _send(self, call: Call, content: bytes | None) -> httpx.Response:
        headers = {"Idempotency-Key": call.key} if call.key is not None else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return await self._connection_pool().request(
            call.method, self._settings.url + call.path, params=call.params, content=content, headers=headers
        )

    def _read(self, response: httpx.Response) -> JsonValue | Retryable:
        # Should a proxy or the bot echo our key, it must not reach an error message or a log.
        text = response.content.replace(self._settings.key.get_secret_value().encode(), b"[key]")
        try:
            body = parse(text)
        except Unfit as error:
            if response.is_success or response.is_server_error:
                return Retryable(error=error)
            body = None
        if response.is_success:
            return body
        refusal = problem(response.status_code, body)
        if response.is_server_error or isinstance(refusal, OverCap):
            return Retryable(error=refusal, after=_retry_after(response))
        raise refusal

    def _connection_pool(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:  # connections belong to the loop that opened them
            self._loop = loop
            self._client = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {self._settings.key.get_secret_value()}"},
                timeout=None,  # noqa: S113  # each attempt is limited as a whole, in _attempt
                transport=self._settings.transport,
            )
        return self._client

    def _gave_up(self, error: Exception) -> AndonError:
        if isinstance(error, OverCap):
            return error
        away = Unreachable(
            f"the bot at {self._settings.url} did not answer within {self._settings.patience:g} s "
            f"({error}). Nothing may run; try again later with the same key"
        )
        away.__cause__ = error
        return away


def _jitter() -> float:
    """Return a factor from 0.5 to 1.0, so that agents that lost the bot together do not retry together."""
    return 0.5 + secrets.randbelow(512) / 1024


def _described(error: Exception) -> Exception:
    """Give a bare timeout words; anything else has its own."""
    return error if str(error) else Unreachable(f"no answer in time ({type(error).__name__})")


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds of `Retry-After`; its date form is not of the contract and counts as absent."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
