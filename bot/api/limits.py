"""Limits on requests whose sender is not known yet: path, size of headers and body, timeout, only JSON."""

import re
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.api.problems import Problem
from bot.http.body import Allowance, Flaw, read_body, replaying, stated_length
from bot.http.headers import Headers

#: Bytes of all headers.
MAX_HEADERS: Final = 16 * 1024
_SINGLE: Final = (b"host", b"content-type", b"authorization", b"idempotency-key")
#: The paths of this door hold plain words and ids. Anything else would only reach a row of the record,
#: or a database, that cannot hold it.
_PATH = re.compile(r"/[!-~]{0,199}")
_JSON = re.compile(rb'application/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?', re.IGNORECASE)


_NOT_FOUND: Final = Problem("not-found", 404, "There is nothing at this address.")
_HEADERS: Final = Problem(
    "malformed", 400, "A header is repeated, or the headers are larger than 16 KiB. Send each once."
)
_MEDIA: Final = Problem(
    "unsupported-media-type",
    415,
    "The body is not declared as application/json in UTF-8, uncompressed. Send it so.",
)
_FLAWS: Final = {
    Flaw.FRAMING: Problem("malformed", 400, "The length of the body is ambiguous. Send one Content-Length."),
    Flaw.TOO_SLOW: Problem("malformed", 400, "The body did not arrive in time. Send the request again."),
    Flaw.CUT_OFF: Problem("malformed", 400, "The body does not have its stated length. Send it whole."),
    Flaw.TOO_LARGE: Problem("too-large", 413, "The body is larger than 256 KiB. Send a smaller one."),
}


class LimitedBodies:
    """
    An ASGI app that is *inner* (the agents' API), which sees only whole, small JSON bodies.

    A body is read when *inner* asks for it, and not before: whoever has no key sends it in vain.
    """

    def __init__(self, inner: ASGIApp, *, allowance: Allowance | None = None) -> None:
        self._inner = inner
        self._allowance = allowance or Allowance()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope["headers"])
        known = _PATH.fullmatch(scope["path"])
        stated = self._stated(headers) if known else _NOT_FOUND
        if isinstance(stated, Problem):
            await stated.reply().send(send, and_close=True)  # what is still on the connection was never read
            return
        body = _Body(headers, receive, stated=stated, allowance=self._allowance)
        try:
            await self._inner(scope, body.receive, body.closing(send))
        except _Unread as unread:
            await unread.problem.reply().send(send, and_close=True)

    def _stated(self, headers: Headers) -> int | Problem | None:
        """Return the length that *headers* state, or what they give away before the body is read."""
        if headers.size > MAX_HEADERS or headers.repeated(_SINGLE):
            return _HEADERS
        stated = stated_length(headers, allowance=self._allowance)
        if isinstance(stated, Flaw):
            return _FLAWS[stated]
        return _MEDIA if stated and not _is_json(headers) else stated


class _Unread(Exception):  # met by the limits themselves: the API was asking for its body
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.name)
        self.problem = problem


class _Body:
    """The body of one request, which is on the connection still until somebody asks for it."""

    def __init__(
        self, headers: Headers, receive: Receive, *, stated: int | None, allowance: Allowance
    ) -> None:
        self._headers = headers
        self._source = receive
        self._stated = stated
        self._allowance = allowance
        self._rest: Receive | None = None

    async def receive(self) -> Message:
        """Return the whole body, and then whatever the server still has to say. Raises ``_Unread``."""
        if self._rest is None:
            body = await read_body(self._source, stated=self._stated, allowance=self._allowance)
            if isinstance(body, Flaw):
                raise _Unread(_FLAWS[body])
            if body and not _is_json(self._headers):
                raise _Unread(_MEDIA)
            self._rest = replaying(body, self._source)
        return await self._rest()

    def closing(self, send: Send) -> Send:
        """Return a *send* that gives up a connection whose body was never read."""
        # Without a length, a body comes in pieces or not at all.
        may_wait = self._stated != 0 and (self._stated or self._headers.all(b"transfer-encoding"))

        async def close_unread(message: Message) -> None:
            if message["type"] == "http.response.start" and may_wait and self._rest is None:
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        return close_unread


def _is_json(headers: Headers) -> bool:
    declared = _JSON.fullmatch(headers.first(b"content-type") or b"")
    return declared is not None and not headers.all(b"content-encoding")
