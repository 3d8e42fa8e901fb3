"""Runs uvicorn on a bound socket, with a graceful shutdown on SIGTERM and SIGINT."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from bot.http.protocol import BoundedHead

#: For requests under way; the engine then takes up to five seconds more, and ten are promised.
_SHUTDOWN_SECONDS = 3


async def serve(app: ASGIApp, listener: socket.socket, *, close_waits: Callable[[], None]) -> None:
    """Serve *app* until a signal says stop; *close_waits* is called before connections are drained."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=BoundedHead,
        lifespan="off",  # bot.wiring starts and stops what belongs to the process
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    await _Server(config, close_waits).serve(sockets=[listener])


class _Server(uvicorn.Server):
    """Uvicorn, that ends long polls at a shutdown: who waits may ask another replica."""

    def __init__(self, config: uvicorn.Config, close_waits: Callable[[], None]) -> None:
        super().__init__(config)
        self._close_waits = close_waits

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, and let the engine and the store close after the last response."""
        # Uvicorn's own raises the signal again after its shutdown, and the process would end there.
        loop, signals = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting; let requests under way finish."""
        self._close_waits()
        await super().shutdown(sockets)
