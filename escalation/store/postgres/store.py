"""The store in PostgreSQL, for any number of replicas."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from functools import partial
from typing import Any, TypeVar

import asyncpg

from escalation.clock import Clock
from escalation.errors import InvalidConfiguration, StoreError, StoreUnavailable
from escalation.ports import UseCase
from escalation.store import schema
from escalation.store.postgres import instants
from escalation.store.postgres.address import UNREADABLE, where
from escalation.store.postgres.errors import CommitUnknown, our_errors
from escalation.store.postgres.group_commit import GroupCommit
from escalation.store.postgres.line import Line
from escalation.store.postgres.pool import Pool
from escalation.store.postgres.reader import Reader, ReadWorker
from escalation.store.postgres.server_clock import ServerClock
from escalation.store.postgres.session import PostgresSession
from escalation.store.tenancy import Owner
from escalation.store.transaction import SqlTransaction

T = TypeVar("T")

_CONNECTIONS = 10
#: How many prepared statements a connection keeps; there are fewer different ones.
_STATEMENTS = 500
#: Seconds to wait for a connection, and for a statement.
_PATIENCE = 10.0
#: Every statement has an index to go by, however many keys it is asked for and however little PostgreSQL
#: knows of the tables yet: left to itself it would read a young table as a whole. Each is planned once.
PLANNER = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
_SETTINGS = {
    "application_name": "andon",
    "default_transaction_isolation": "read committed",
    # A replica that was suspended must not hold locks for as long as it sleeps.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "8s",
    "TimeZone": "UTC",
    **PLANNER,
}
_BEGIN = "BEGIN"
#: Everybody takes the switches before requests and grants (ADR 20), but the use cases of one group take
#: their locks in any order. A group that shares the switches from the start, or else falls apart at once,
#: never holds a row while it queues behind a stop that waits for whoever waits for that row.
#: Nor does it hold up a stop, or its own members, for as long as one of them waits for a stranger's row.
_BEGIN_SHARED = "BEGIN; SET LOCAL lock_timeout = '500ms'; LOCK TABLE fence, switches IN ROW SHARE MODE NOWAIT"


class PostgresStore:
    """Everything in the database at *url* (``postgresql://…``)."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._url = url
        self._clock = ServerClock(clock)
        self._owner = Owner()
        self.unreadable = self._owner.unreadable
        self._pool = Pool(self._connect, size=_CONNECTIONS, patience=_PATIENCE)
        self._reader = Reader(self._lend)
        self._groups = GroupCommit(
            shared=partial(self._transaction, _BEGIN_SHARED), alone=partial(self._transaction, _BEGIN)
        )

    def open_for(self, tenant: str) -> None:
        """Work on the rows of *tenant* alone; raise ``StoreError`` if it is open for another one."""
        self._owner.be(tenant)

    @property
    def group_sizes(self) -> Counter[int]:
        """How many commits were shared by how many use cases so far."""
        return self._groups.sizes

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlTransaction]:
        """Open a transaction that may change things; commit at the end of the block, or roll back."""
        async with self._transaction(_BEGIN) as line:
            session = PostgresSession(line, frozen=False)
            yield SqlTransaction(session)
            await session.flush()

    async def transact(self, use_case: UseCase[T], *, touches: Collection[str]) -> T:
        """Run *use_case* in a transaction that it may share, and return its answer once committed."""
        return await self._groups.submit(use_case, touches)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlTransaction]:
        """Open a transaction that changes nothing; each statement sees what is committed by then."""
        now = self._clock.reckoned()
        if now is None:
            async with self._lend() as line:
                now = line.now
        worker = ReadWorker(self._reader, self._lend, now, self._owner)
        yield SqlTransaction(PostgresSession(worker, frozen=True))

    async def check(self) -> None:
        """Raise ``StoreError`` unless the database answers and its schema is the one we know."""
        schema.compare(await self.revision())

    async def prepare(self, *, migrate: bool = False) -> None:
        """Create the tables if there are none, *migrate* them if asked to, and check them."""
        found = await self.revision()
        if found is None or (migrate and schema.is_behind(found)):
            # Nobody but who migrates needs SQLAlchemy's own engine.
            from escalation.store.postgres import migrating

            with our_errors():
                await migrating.migrate(self._url)
        await self.check()

    def serve_lock(self) -> AbstractContextManager[None]:
        """Any number of processes may serve one database: there is nothing to hold."""
        return nullcontext()

    async def close(self) -> None:
        """Finish the groups under way and give the connections back."""
        await self._groups.close()
        with suppress(StoreError), our_errors():
            await asyncio.wait_for(self._pool.close(), _PATIENCE)

    async def revision(self) -> str | None:
        """Return the schema's revision; none for an empty database."""
        async with self._pool.connection() as connection:
            with our_errors():
                if await connection.fetchval(schema.POSTGRESQL_HAS_REVISION) is None:
                    return None
                found: str | None = await connection.fetchval(schema.REVISION)
                return found

    @asynccontextmanager
    async def _transaction(self, begin: str) -> AsyncIterator[Line]:
        async with self._lend() as line:
            try:
                with our_errors():
                    await line.connection.execute(begin)
                yield line
                await _commit(line.connection)
            except BaseException:
                await _roll_back(line.connection)
                raise

    @asynccontextmanager
    async def _lend(self) -> AsyncIterator[Line]:
        async with self._pool.connection() as connection:
            with our_errors():
                now = await self._clock.now(connection)
            yield Line(connection, self._clock, now, self._owner)

    async def _connect(self) -> Any:
        try:
            with our_errors():
                connection = await asyncpg.connect(
                    self._url,
                    timeout=_PATIENCE,
                    command_timeout=_PATIENCE,
                    statement_cache_size=_STATEMENTS,
                    server_settings=_SETTINGS,
                )
                return await instants.tolerated(connection)
        except StoreError as error:
            raise type(error)(f"{error} ({where(self._url)})") from error
        except ValueError:
            # What the driver could not read it quotes, and that may be a part of the password.
            raise InvalidConfiguration(UNREADABLE) from None


async def _commit(connection: Any) -> None:
    try:
        with our_errors():
            done: str = await connection.execute("COMMIT")
    except StoreUnavailable as error:
        raise CommitUnknown(f"{error}; whether the commit took effect is not known") from error
    if done != "COMMIT":
        # PostgreSQL answers the commit of a transaction in which a statement failed by undoing it.
        raise StoreError("a statement of this transaction had failed; nothing was changed")


async def _roll_back(connection: Any) -> None:
    # A connection that cannot even do this is of no use to anybody.
    try:
        await asyncio.wait_for(connection.execute("ROLLBACK"), 1)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()
    except BaseException:
        connection.terminate()
        raise
