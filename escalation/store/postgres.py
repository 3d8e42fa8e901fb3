"""The store in PostgreSQL, for any number of replicas."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext, suppress
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from escalation.clock import Clock, monotonic
from escalation.errors import InvalidConfiguration, StoreError, StoreUnavailable
from escalation.ports import UseCase
from escalation.store import schema
from escalation.store.pool import Pool
from escalation.store.server_clock import ServerClock
from escalation.store.session import Later, Session
from escalation.store.statement import Insertion, Raw
from escalation.store.together import MOST, can_carry, together
from escalation.store.transaction import SqlTransaction

T = TypeVar("T")

_CONNECTIONS = 10
#: How many prepared statements a connection keeps; there are fewer different ones.
_STATEMENTS = 500
#: Seconds to wait for a connection, and for a statement.
_PATIENCE = 10.0
#: Seconds; a statement that takes longer has waited for somebody.
_WAITED = 0.05
_SETTINGS = {
    "application_name": "andon",
    "default_transaction_isolation": "read committed",
    # A replica that was suspended must not hold locks for as long as it sleeps.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "8s",
    "jit": "off",
    "TimeZone": "UTC",
}
#: SQLSTATE classes that tell of a mistake of ours, not of a database that is away.
_OUR_MISTAKES = frozenset({"22", "23", "42"})
_UNREADABLE = (
    "ANDON_DATABASE_URL cannot be read; write postgresql+asyncpg://USER:PASSWORD@HOST:PORT/DATABASE,"
    " with %40 for @, %2F for /, %3A for :, %3F for ? and %23 for # in the password"
)
#: Hosts with their ports, or the folder of a socket.
_HOSTS = re.compile(r"[\w.,:\[\]/-]*", re.ASCII)
_DATABASE = re.compile(r"[\w.-]*", re.ASCII)


def where(url: str) -> str:
    """Return where *url* leads, as host, port and database: never a user or a password."""
    named = "as ANDON_DATABASE_URL says"
    try:
        parts = urlsplit(url)
    except ValueError:
        return named
    # An @ anywhere else belongs to a password that was not written as a URL wants it.
    if url.count("@") > 1 or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        return f"{named}; an @ in its password is written %40, and a / is %2F"
    _, at, hosts = parts.netloc.rpartition("@")
    # Without an @, what follows the colon may be a password whose host was forgotten.
    hosts = unquote(hosts if at else hosts.partition(":")[0]) or ",".join(
        parse_qs(parts.query).get("host", [])
    )
    database = unquote(parts.path.removeprefix("/"))
    if _HOSTS.fullmatch(hosts) is None or _DATABASE.fullmatch(database) is None:
        return named
    return f"at {hosts or 'this machine'}/{database}, {named}"


@contextmanager
def our_errors() -> Iterator[None]:
    """Raise what goes wrong in PostgreSQL, or on the way to it, as errors of ours."""
    try:
        yield
    except asyncpg.PostgresError as error:
        text = f"PostgreSQL: {type(error).__name__}: {error.args[0] if error.args else ''}"
        if (error.sqlstate or "")[:2] in _OUR_MISTAKES:
            raise StoreError(text) from error
        raise StoreUnavailable(text) from error
    except (asyncpg.DataError, UnicodeError, OverflowError) as error:
        raise StoreError(f"PostgreSQL refused a value: {error}") from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise StoreUnavailable(f"PostgreSQL: {error}") from error
    except TimeoutError as error:
        raise StoreUnavailable("PostgreSQL did not answer in time") from error
    except OSError as error:
        raise StoreUnavailable(f"PostgreSQL cannot be reached: {error.strerror or error}") from error


class PostgresSession(Session):
    """A transaction of one connection to PostgreSQL."""

    dialect = "postgresql"
    exclusive = False

    def __init__(self, connection: Any, clock: ServerClock, now: datetime, *, frozen: bool) -> None:
        super().__init__(now, frozen=frozen)
        self._connection = connection
        self._clock = clock

    async def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Raw]:
        began = monotonic()
        with our_errors():
            rows: Sequence[Raw] = await self._connection.fetch(sql, *arguments)
            await self._catch_up(began)
            return rows

    async def _catch_up(self, began: float) -> None:
        # A statement that waited for another transaction may have waited past a deadline.
        if monotonic() - began > _WAITED:
            self.now = await self._clock.now(self._connection)

    async def _execute(self, sql: str, arguments: Sequence[Any]) -> int:
        with our_errors():
            # The status reads UPDATE 1, or INSERT 0 1.
            status: str = await self._connection.execute(sql, *arguments)
            return int(status.rsplit(" ", 1)[-1])

    async def _run_all(self, later: Later) -> None:
        """Run what was saved up; if it is little, as one statement."""
        carrier = next((each for each, rows in later.items() if can_carry(each) and len(rows) == 1), None)
        insertions = [(each, len(rows)) for each, rows in later.items() if isinstance(each, Insertion)]
        if insertions and sum(count for _, count in insertions) <= MOST:
            joined = together(tuple(insertions), carrier)
            rows = [later.pop(insertion) for insertion, _ in insertions]
            if carrier is not None:
                rows.append(later.pop(carrier))
            await self._execute(joined.sql, joined.arguments(rows))
        await super()._run_all(later)

    async def _execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        began = monotonic()
        with our_errors():
            if len(rows) == 1:
                await self._connection.execute(sql, *rows[0])
            else:
                await self._connection.executemany(sql, rows)
            await self._catch_up(began)


class PostgresStore:
    """Everything in the database at *url* (``postgresql://…``)."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self._url = url
        self._clock = ServerClock(clock)
        self._pool = Pool(self._connect, size=_CONNECTIONS, patience=_PATIENCE)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlTransaction]:
        """Open a transaction that may change things; commit at the end of the block, or roll back."""
        async with self._pool.connection() as connection:
            with our_errors():
                now = await self._clock.now(connection)
            session = PostgresSession(connection, self._clock, now, frozen=False)
            try:
                with our_errors():
                    await connection.execute("BEGIN")
                yield SqlTransaction(session)
                await session.flush()
                await _commit(connection)
            except BaseException:
                await _roll_back(connection)
                raise

    async def transact(self, use_case: UseCase[T], *, touches: Collection[str]) -> T:  # noqa: ARG002 - each has a transaction of its own
        """Run *use_case* in a transaction, and return its answer once that is committed."""
        async with self.write() as tx:
            return await use_case(tx)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlTransaction]:
        """Open a transaction that changes nothing; each statement sees what is committed by then."""
        async with self._pool.connection() as connection:
            with our_errors():
                now = await self._clock.now(connection)
            yield SqlTransaction(PostgresSession(connection, self._clock, now, frozen=True))

    async def check(self) -> None:
        """Raise ``StoreError`` unless the database answers and its schema is the one we know."""
        schema.compare(await self.revision())

    async def prepare(self, *, migrate: bool = False) -> None:
        """Create the tables if there are none, *migrate* them if asked to, and check them."""
        found = await self.revision()
        if found is None or (migrate and schema.is_behind(found)):
            with our_errors():
                await schema.migrate_postgresql(self._url)
        await self.check()

    def serve_lock(self) -> AbstractContextManager[None]:
        """Any number of processes may serve one database: there is nothing to hold."""
        return nullcontext()

    async def close(self) -> None:
        """Give the connections back."""
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

    async def _connect(self) -> Any:
        try:
            with our_errors():
                return await asyncpg.connect(
                    self._url,
                    timeout=_PATIENCE,
                    command_timeout=_PATIENCE,
                    statement_cache_size=_STATEMENTS,
                    server_settings=_SETTINGS,
                )
        except StoreError as error:
            raise type(error)(f"{error} ({where(self._url)})") from error
        except ValueError:
            # What the driver could not read it quotes, and that may be a part of the password.
            raise InvalidConfiguration(_UNREADABLE) from None


async def _commit(connection: Any) -> None:
    try:
        with our_errors():
            done: str = await connection.execute("COMMIT")
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{error}; whether the commit took effect is not known") from error
    if done != "COMMIT":
        # PostgreSQL answers the commit of a transaction in which a statement failed by undoing it.
        raise StoreError("a statement of this transaction had failed; nothing was changed")


async def _roll_back(connection: Any) -> None:
    # A connection that cannot even do this is of no use to anybody.
    try:
        await asyncio.wait_for(connection.execute("ROLLBACK"), 1)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()
