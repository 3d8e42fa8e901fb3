"""Uvicorn's HTTP/1.1 with a size limit and a timeout on the head of a request."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedHead(HttpToolsProtocol):
    """Uvicorn's HTTP/1.1 protocol that closes a connection whose request head is too large or too slow.

    Uvicorn by itself buffers headers for as long as they come, before any application sees the request:
    a slow-headers (Slowloris) client would hold memory and a connection for ever.
    """

    head_limit = 512 * 1024  #: Bytes of a request line and its headers, and what was read along with them.
    head_timeout = 10.0  #: Seconds until a head has to be complete.
    _read = 0
    _timer: asyncio.TimerHandle | None = None  # runs while a head is expected

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._head_begins()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_ends()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._head_begins()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_ends()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._read += len(data)
        if self._timer is not None and self._read > self.head_limit:
            self.transport.close()

    def _head_begins(self) -> None:
        self._head_ends()
        self._timer = self.loop.call_later(self.head_timeout, self.transport.close)

    def _head_ends(self) -> None:
        self._read = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
