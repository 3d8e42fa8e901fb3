"""Limits on requests whose sender is not known yet: path, size of headers and body, timeout, only JSON."""

import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

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
    """An ASGI app that is *inner* (the agents' API), which sees only whole, small JSON bodies."""

    def __init__(self, inner: ASGIApp, *, allowance: Allowance | None = None) -> None:
        self._inner = inner
        self._allowance = allowance or Allowance()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        known = _PATH.fullmatch(scope["path"])
        body = await self._body(Headers(scope["headers"]), receive) if known else _NOT_FOUND
        if isinstance(body, Problem):
            await body.reply().send(send, and_close=True)  # what is still on the connection was never read
            return
        await self._inner(scope, replaying(body, receive), send)

    async def _body(self, headers: Headers, receive: Receive) -> bytes | Problem:
        if headers.size > MAX_HEADERS or headers.repeated(_SINGLE):
            return _HEADERS
        stated = stated_length(headers, allowance=self._allowance)
        if isinstance(stated, Flaw):
            return _FLAWS[stated]
        if stated and not _is_json(headers):
            return _MEDIA
        body = await read_body(receive, stated=stated, allowance=self._allowance)
        if isinstance(body, Flaw):
            return _FLAWS[body]
        return body if not body or _is_json(headers) else _MEDIA


def _is_json(headers: Headers) -> bool:
    declared = _JSON.fullmatch(headers.first(b"content-type") or b"")
    return declared is not None and not headers.all(b"content-encoding")
