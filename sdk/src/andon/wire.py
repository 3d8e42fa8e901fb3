"""
One call over HTTP, repeated with patience while the bot is away, and never answered by guessing.

    answered 2xx ─────────────────────────▶ the JSON
    answered 4xx ─────────────────────────▶ Problem
    no answer, no JSON, 429, 5xx ─▶ again, the same bytes under the same key ─▶ … ─▶ Unreachable

Repeating is safe because every call of the contract may be repeated: a request carries its key, a claim its
attempt, a report its outcome.
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

FIRST_PAUSE: Final = 0.2  #: Seconds; doubled after each try.
LONGEST_PAUSE: Final = 5.0  #: Seconds, unless the bot asks for more.


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
class Away:
    """A try that got no usable answer."""

    error: Exception
    after: float = 0.0  #: Seconds the bot asked us to wait.


class Wire:
    """The connection to one bot, as one agent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def call(self, call: Call) -> JsonValue:
        """Return the bot's JSON; raise `Problem` when it refuses, `Unreachable` when patience ends."""
        content = None if call.body is None else sendable(call.body)
        pause, until = FIRST_PAUSE, None
        while True:
            answer = await self._once(call, content)
            if not isinstance(answer, Away):
                return answer
            now = asyncio.get_running_loop().time()
            until = until or now + self._settings.patience  # patience starts with the first failure
            wanted = max(answer.after, pause * (0.5 + secrets.randbelow(512) / 1024))
            if now + wanted > until:
                raise self._gave_up(answer.error)
            log.warning("%s %s: %s; again in %.1f s", call.method, call.path, answer.error, wanted)
            await asyncio.sleep(wanted)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _once(self, call: Call, content: bytes | None) -> JsonValue | Away:
        try:
            # httpx limits the silence between two bytes; this limits the whole try.
            async with asyncio.timeout(self._settings.timeout + call.wait):
                response = await self._send(call, content)
        except (httpx.HTTPError, TimeoutError) as error:
            return Away(error=_plain(error))
        return self._read(response)

    async def _send(self, call: Call, content: bytes | None) -> httpx.Response:
        headers = {"Idempotency-Key": call.key} if call.key is not None else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
        return await self._connection().request(
            call.method, self._settings.url + call.path, params=call.params, content=content, headers=headers
        )

    def _read(self, response: httpx.Response) -> JsonValue | Away:
        # Should anything echo our key, it goes no further.
        text = response.content.replace(self._settings.key.get_secret_value().encode(), b"[key]")
        try:
            body = parse(text)
        except Unfit as error:
            if response.is_success or response.is_server_error:
                return Away(error=error)
            body = None
        if response.is_success:
            return body
        refusal = problem(response.status_code, body)
        if response.is_server_error or isinstance(refusal, OverCap):
            return Away(error=refusal, after=_retry_after(response))
        raise refusal

    def _connection(self) -> httpx.AsyncClient:
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:  # connections belong to the loop that made them
            self._loop = loop
            self._client = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {self._settings.key.get_secret_value()}"},
                timeout=None,  # noqa: S113  # each try is limited as a whole, in _once
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


def _plain(error: Exception) -> Exception:
    """Give a bare timeout words; anything else has its own."""
    return error if str(error) else Unreachable(f"no answer in time ({type(error).__name__})")


def _retry_after(response: httpx.Response) -> float:
    """Return the seconds asked for; dates are not of the contract and count as not asked."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
