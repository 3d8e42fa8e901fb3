"""
Migrates PostgreSQL beside whoever uses it: waits for a lock briefly, lets go of everything, tries again.

    BEGIN ─▶ the one who migrates ─▶ every change, each lock within ``Patience.lock`` ──▶ COMMIT
      ▲                                          │ somebody reads that table for longer
      └────────── a pause ◀── ROLLBACK ◀─────────┘ after the last pause: who that is, and no change

Who waits for a table alone holds up everybody who comes after it. So a migration never waits for long,
and while it pauses it holds nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import asyncpg
import structlog
from sqlalchemy import NullPool, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from escalation.errors import StoreUnavailable
from escalation.store import schema

_log = structlog.get_logger(__name__)

#: PostgreSQL's advisory lock of the one who migrates.
_LOCK = 0x616E_646F_6E02
_NO_LOCK = "55P03"
#: Who has held one of our tables (the system's own have lower numbers) for at least so many seconds; since
#: when a session of another role has, is not told.
_HOLDERS = text("""
    SELECT DISTINCT session.pid, session.usename, session.application_name,
        extract(epoch FROM clock_timestamp() - session.xact_start)::int AS seconds
    FROM pg_locks AS held JOIN pg_stat_activity AS session ON session.pid = held.pid
    WHERE held.granted AND held.locktype = 'relation' AND session.datname = current_database()
      AND pg_table_is_visible(held.relation) AND held.pid <> pg_backend_pid()
      AND held.relation >= 16384
      AND coalesce(session.xact_start < clock_timestamp() - make_interval(secs => :seconds), true)
    ORDER BY seconds DESC NULLS LAST, pid LIMIT 3
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a migration waits, in seconds."""

    #: For one lock: longer than PostgreSQL needs to send its own housekeeping away (a second).
    lock: float = 2.0
    #: Between two tries.
    pauses: Sequence[float] = (0.5, 1, 2, 4, 8, 8)


async def migrate(url: str, patience: Patience | None = None) -> None:
    """
    Bring the database at *url* (``postgresql://…``) up to date: all of it, or nothing.

    Raises ``StoreUnavailable``, which names the session to wait for, if somebody holds a table for long.
    """
    patience = patience or Patience()
    # The driver reads the address itself, so that it means here what it means to the store.
    engine = create_async_engine(
        "postgresql+asyncpg://", poolclass=NullPool, async_creator=partial(asyncpg.connect, url)
    )
    with schema.our_errors():
        for pause in patience.pauses:
            if await _try(engine, patience.lock):
                return
            _log.warning("migration_waits", waits_for=await _holders(engine, patience.lock), again_in=pause)
            await asyncio.sleep(pause)
        if not await _try(engine, patience.lock):
            raise StoreUnavailable(
                f"the database was not migrated, nothing was changed: {await _holders(engine, patience.lock)}"
                " Wait until it is over, or end it with SELECT pg_terminate_backend(PID), and run"
                " `andon migrate` again."
            )


async def _try(engine: AsyncEngine, seconds: float) -> bool:
    try:
        async with engine.begin() as connection:
            # For another one who migrates we wait: it is at the same work.
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.execute(text(f"SET LOCAL lock_timeout = {int(seconds * 1000)}"))
            await connection.run_sync(schema.upgrade)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NO_LOCK:
            raise
        return False
    return True


async def _holders(engine: AsyncEngine, seconds: float) -> str:
    async with engine.connect() as connection:
        found = await _sessions(connection, seconds)
    if not found:
        return "somebody held one of its tables, and is gone by now."
    return f"its tables are held by {'; and '.join(found)}."


async def _sessions(connection: AsyncConnection, seconds: float) -> list[str]:
    rows = await connection.execute(_HOLDERS, {"seconds": seconds})
    return [
        f"session {row.pid} (role {row.usename}, application {row.application_name or 'without a name'})"
        + ("" if row.seconds is None else f", in a transaction for {row.seconds} s")
        for row in rows
    ]
