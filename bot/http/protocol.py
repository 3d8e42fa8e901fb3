"""Uvicorn's HTTP/1.1 with a size limit and a timeout on the head of a request."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class BoundedHead(HttpToolsProtocol):
    """Uvicorn's HTTP/1.1, that hangs up on a head too large or too slow to be anybody's we know.

    By itself it collects headers for as long as they come, before any door hears of the request.
    """

    most = 512 * 1024  #: Bytes of a request line and its headers, and what was read along with them.
    patience = 10.0  #: Seconds until a head has to be complete.
    _read = 0
    _late: asyncio.TimerHandle | None = None  # while a head is expected

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._have()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self._expect()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._have()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._read += len(data)
        if self._late is not None and self._read > self.most:
            self.transport.close()

    def _expect(self) -> None:
        self._have()
        self._late = self.loop.call_later(self.patience, self.transport.close)

    def _have(self) -> None:
        self._read = 0
        if self._late is not None:
            self._late.cancel()
            self._late = None
