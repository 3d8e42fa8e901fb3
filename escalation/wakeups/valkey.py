"""Wake-ups over Valkey's or Redis's publish and subscribe. Nothing is ever kept there."""

import asyncio
import os
import socket

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from escalation.wakeups.relay import Relay

_CHANNEL = "andon:wake"
_PATIENCE = 5.0


class ValkeyWakeups(Relay):
    """Wakes the waiters of every replica on the same Valkey (``redis://…`` or ``valkey://…``)."""

    name = "valkey"

    def __init__(self, url: str, *, tenant: str = "") -> None:
        super().__init__()
        self._channel = f"{_CHANNEL}:{tenant}"
        scheme, separator, rest = url.partition("://")
        self._url = f"{scheme.replace('valkey', 'redis')}{separator}{rest}"
        # What we said ourselves was heard here before it was sent, and is known by this.
        self._sender = f"{socket.gethostname()}/{os.getpid()}/{id(self)}"

    async def _carry(self) -> None:
        async with (
            Redis.from_url(
                self._url,
                decode_responses=True,
                socket_connect_timeout=_PATIENCE,
                health_check_interval=_PATIENCE,
                socket_keepalive=True,
            ) as client,
            client.pubsub(ignore_subscribe_messages=True) as line,
        ):
            await line.subscribe(self._channel)
            self._connected()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear(line))
                group.create_task(self._tell(client))

    async def _hear(self, line: PubSub) -> None:
        while not self._closed:
            message = await line.get_message(timeout=_PATIENCE)
            sender, *topics = str(message["data"]).split("\n") if message else [self._sender]
            if sender != self._sender:
                self._heard(topics)

    async def _tell(self, client: "Redis") -> None:
        # Redis's client may swallow a cancellation, and a group tells its tasks of one only: a flag says it.
        while not self._closed:
            if topics := await self._to_send():
                await client.publish(self._channel, "\n".join([self._sender, *topics]))
