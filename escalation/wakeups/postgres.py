"""Wake-ups over PostgreSQL's LISTEN and NOTIFY, on a connection of their own."""

from typing import Any

import asyncpg

from escalation.wakeups.relay import Relay

_CHANNEL = "andon"
_PATIENCE = 5.0
_NOTIFY = "SELECT pg_notify($1, topic) FROM unnest($2::text[]) AS topic"


class PostgresWakeups(Relay):
    """Wakes the waiters of every replica on the same database (``postgresql://…``)."""

    name = "postgresql"

    def __init__(self, url: str, *, tenant: str = "") -> None:
        super().__init__()
        self._channel = f"{_CHANNEL}:{tenant}"
        _, _, rest = url.partition("://")
        self._url = f"postgresql://{rest}"
        self._process = 0

    async def _carry(self) -> None:
        settings = {"application_name": "andon wake-ups"}
        connection = await asyncpg.connect(
            self._url, timeout=_PATIENCE, command_timeout=_PATIENCE, server_settings=settings
        )
        try:
            self._process = connection.get_server_pid()
            connection.add_termination_listener(lambda _: self._stir.set())
            await connection.add_listener(self._channel, self._notified)
            self._connected()
            while True:
                # With nothing to tell it asks all the same: that shows whether the line still stands.
                await connection.execute(_NOTIFY, self._channel, await self._to_send())
        finally:
            connection.terminate()

    def _notified(self, _connection: Any, process: int, _channel: str, topic: str) -> None:
        # What we said ourselves was heard here before it was sent.
        if process != self._process:
            self._heard([topic])
