"""A network and a bot that misbehave on purpose, in front of a script that does not."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from andon.canonical import digest, parse
from andon.testing import Script

Forward = Callable[[httpx.Request], Awaitable[httpx.Response]]
Trick = Callable[[httpx.Request, Forward], Awaitable[httpx.Response]]

AN_HOUR = 3600.0


@dataclass(slots=True)
class _Planned:
    pattern: str
    trick: Trick
    times: int


@dataclass(slots=True)
class Hostile(httpx.AsyncBaseTransport):
    """Carries each call to the script, except where a trick is planned for `METHOD /path`."""

    script: Script
    seen: list[httpx.Request] = field(default_factory=list)
    _planned: list[_Planned] = field(default_factory=list)

    def on(self, pattern: str, trick: Trick, *, times: int = 1) -> Self:
        """Plan *trick* for the next *times* calls whose `METHOD /path` matches *pattern* in full."""
        self._planned.append(_Planned(pattern, trick, times))
        return self

    def calls(self, pattern: str) -> list[httpx.Request]:
        return [request for request in self.seen if _matches(pattern, request)]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.seen.append(request)
        for planned in self._planned:
            if planned.times and _matches(planned.pattern, request):
                planned.times -= 1
                return await planned.trick(request, self.script.handle_async_request)
        return await self.script.handle_async_request(request)


def _matches(pattern: str, request: httpx.Request) -> bool:
    return re.fullmatch(pattern, f"{request.method} {request.url.path}") is not None


async def never_arrives(request: httpx.Request, _: Forward) -> httpx.Response:
    """The bot never sees the call."""
    raise httpx.ConnectError("connection refused", request=request)


async def loses_the_reply(request: httpx.Request, forward: Forward) -> httpx.Response:
    """The bot acts on the call; the agent never hears."""
    await forward(request)
    raise httpx.ReadError("connection reset", request=request)


async def never_answers(request: httpx.Request, forward: Forward) -> httpx.Response:
    """The bot acts on the call and keeps the connection open."""
    await forward(request)
    await asyncio.sleep(AN_HOUR)
    raise AssertionError(request)


def answers(status: int, *, text: str = "{}", headers: dict[str, str] | None = None) -> Trick:
    """Something other than the script answers."""

    async def trick(_: httpx.Request, __: Forward) -> httpx.Response:
        return httpx.Response(status, text=text, headers=headers)

    return trick


def refuses(name: str, status: int, **members: object) -> Trick:
    """The bot refuses with this problem, without having acted."""

    async def trick(_: httpx.Request, __: Forward) -> httpx.Response:
        body = {
            "type": f"urn:andon:problem:{name}",
            "title": name,
            "status": status,
            "detail": "no",
            **members,
        }
        return httpx.Response(status, json=body)

    return trick


def lies(change: Callable[[dict[str, Any]], None]) -> Trick:
    """The bot acts on the call, and *change* is made to its answer."""

    async def trick(request: httpx.Request, forward: Forward) -> httpx.Response:
        response = await forward(request)
        body = parse(response.content)
        assert isinstance(body, dict)
        change(body)
        return httpx.Response(response.status_code, json=body)

    return trick


def with_another_amount(holder: dict[str, Any]) -> None:
    """Change the arguments, and nothing that vouches for them."""
    holder["action"]["arguments"]["amount"] = "999999.00"


def consistently(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Make *change* to a request, and make every digest vouch for it."""

    def forge(request: dict[str, Any]) -> None:
        change(request)
        forged = digest(request["action"]["type"], request["action"]["arguments"])
        request["digest"] = forged
        if request["grant"] is not None:
            request["grant"]["digest"] = forged

    return forge
