"""The store in one SQLite file, for one serving process."""

import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from escalation.clock import Clock, SystemClock
from escalation.errors import AlreadyServed, SchemaMismatch, StoreError, StoreUnavailable
from escalation.ports import UseCase
from escalation.store import schema
from escalation.store.sqlite_writer import SqliteSession, SqliteWriter, our_errors
from escalation.store.tenancy import Owner
from escalation.store.transaction import SqlTransaction

T = TypeVar("T")

_PRAGMAS = MappingProxyType(
    {
        "foreign_keys": "ON",
        # A commit is on the disk before anybody is told of it; with WAL, NORMAL would not promise that.
        "synchronous": "FULL",
        "temp_store": "MEMORY",
    }
)
#: Readers and the writer never wait for each other. The file remembers it.
_LOG_AHEAD = "journal_mode=WAL"
#: A reader waits this long, in milliseconds, while another process puts the file in order.
_READER_PATIENCE = 250
_IDLE_READERS = 4


class SqliteStore:
    """Everything in the file *path*. Readers see what is committed and never wait for a writer."""

    def __init__(self, path: Path, clock: Clock | None = None) -> None:
        self._path = path
        self._clock = clock or SystemClock()
        self._writer: SqliteWriter | None = None
        self._readers: list[sqlite3.Connection] = []
        self._owner = Owner()
        self.unreadable = self._owner.unreadable

    def open_for(self, tenant: str) -> None:
        """Work on the rows of *tenant* alone; raise ``StoreError`` if it is open for another one."""
        self._owner.be(tenant)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqlTransaction]:
        """Open a transaction that may change things; commit at the end of the block, or roll back."""
        if self._writer is None:
            self._writer = SqliteWriter(self._connect(_LOG_AHEAD), self._clock, self._owner)
        async with self._writer.transaction() as session:
            yield SqlTransaction(session)

    async def transact(self, use_case: UseCase[T], *, touches: Collection[str]) -> T:  # noqa: ARG002 - writers take turns, and commits are shared below
        """Run *use_case* in a transaction, and return its answer once that is committed."""
        async with self.write() as tx:
            return await use_case(tx)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[SqlTransaction]:
        """Open a transaction that changes nothing and sees one moment throughout."""
        connection = self._readers.pop() if self._readers else self._reader()
        try:
            with our_errors:
                connection.execute("BEGIN")
            session = SqliteSession(connection, self._clock.now(), self._owner, frozen=True)
            yield SqlTransaction(session)
        finally:
            self._give_back(connection)

    async def check(self) -> None:
        """Raise ``StoreError`` unless the file can be read and its schema is the one we know."""
        if not self._path.exists():
            raise SchemaMismatch(
                f"there is no database {self._path} yet; `andon migrate` makes the file that"
                " ANDON_DATABASE_URL names"
            )
        schema.compare(await self.revision())

    async def prepare(self, *, migrate: bool = False) -> None:  # noqa: ARG002  # a file is always brought up to date
        """Create the file, or bring it up to date, and check it."""
        self._create()
        if schema.is_behind(await self.revision()):
            await schema.migrate_sqlite(self._path)
            self._connect(_LOG_AHEAD).close()
        await self.check()

    @contextmanager
    def serve_lock(self) -> Iterator[None]:
        """Be the only process that serves this file during the block, or raise ``AlreadyServed``."""
        lock = self._path.with_name(self._path.name + ".lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._cannot_open(lock, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise AlreadyServed(f"another process serves {self._path}; it holds {lock}") from error
        try:
            yield
        finally:
            os.close(descriptor)

    async def close(self) -> None:
        """Finish what is being committed and let go of the file."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        while self._readers:
            self._readers.pop().close()

    def _create(self) -> None:
        # Created here and not by SQLite: nobody else may read what agents ask and people decide.
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise self._cannot_open(self._path, error) from error

    def _cannot_open(self, file: Path, error: OSError) -> StoreUnavailable:
        folder = self._path.parent
        why = f"{file}: {error.strerror}" if folder.is_dir() else f"there is no folder {folder}"
        return StoreUnavailable(
            f"the database {self._path} cannot be opened: {why}; it is the file that ANDON_DATABASE_URL names"
        )

    async def revision(self) -> str | None:
        """Return the schema's revision; none for a file that is new or not there."""
        if not self._path.exists():
            return None
        connection = self._reader()
        try:
            with our_errors:
                if connection.execute(schema.SQLITE_HAS_REVISION).fetchone() is None:
                    return None
                found: str
                for (found,) in connection.execute(schema.REVISION):
                    return found
                return None
        except StoreError as error:
            raise type(error)(f"{error} ({self._path})") from error
        finally:
            connection.close()

    def _reader(self) -> sqlite3.Connection:
        return self._connect("query_only=ON", f"busy_timeout={_READER_PATIENCE}")

    def _connect(self, *pragmas: str) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,  # a commit runs in a thread while nobody else touches it
                cached_statements=256,
            )
        except sqlite3.Error as error:
            raise StoreUnavailable(f"SQLite: {error} ({self._path})") from error
        try:
            with our_errors:
                for pragma in (*(f"{name}={value}" for name, value in _PRAGMAS.items()), *pragmas):
                    connection.execute(f"PRAGMA {pragma}").close()
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        try:
            connection.rollback()
        except sqlite3.Error:
            connection.close()
            return
        if len(self._readers) < _IDLE_READERS:
            self._readers.append(connection)
        else:
            connection.close()
