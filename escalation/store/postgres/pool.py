"""A few connections to PostgreSQL, lent one at a time; a broken one is replaced when it is next needed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from escalation.errors import StoreUnavailable
from escalation.store.postgres.errors import MetOthers


class Pool:
    """Up to *size* connections of *connect*. The one used last is lent first: it is still warm."""

    def __init__(self, connect: Callable[[], Awaitable[Any]], *, size: int, patience: float) -> None:
        self._connect = connect
        self._idle: list[Any] = []
        self._free = asyncio.Semaphore(size)
        self._patience = patience
        self._closed = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """Lend a connection for the block; it comes back without an open transaction."""
        await self._turn()
        try:
            connection = self._warm() or await self._connect()
            try:
                yield connection
            except MetOthers:
                raise
            except StoreUnavailable:
                # Whatever it was, it may be the connection's fault; a new one costs little.
                connection.terminate()
                raise
            finally:
                self._give_back(connection)
        finally:
            self._free.release()

    async def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()

    async def _turn(self) -> None:
        if not self._free.locked():
            await self._free.acquire()
            return
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise StoreUnavailable("PostgreSQL: no connection came free in time") from error

    def _warm(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _give_back(self, connection: Any) -> None:
        if self._closed:
            connection.terminate()
        else:
            self._idle.append(connection)
