"""A complete HTTP response: status, headers and body, sent in one go."""

from dataclasses import dataclass
from typing import Final

from starlette.types import Send

JSON: Final = b"application/json"
_CLOSE: Final = (b"connection", b"close")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is sent back."""

    status: int
    body: bytes = b""
    media_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send, *, and_close: bool = False) -> None:
        """Send it; *and_close* gives up the connection, on which something may be left unread."""
        headers = [(b"content-length", b"%d" % len(self.body)), *self.headers]
        if self.body:
            headers.append((b"content-type", self.media_type))
        if and_close:
            headers.append(_CLOSE)
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
