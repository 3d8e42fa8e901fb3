"""The one connection that writes to a SQLite file, and how transactions share its commits.

A commit waits for the disk; a statement does not. So statements run where they are asked, in some
ten microseconds, and only the commit goes to a thread. Transactions that came meanwhile run one
after the other, each in a savepoint of its own, and are committed together: each is told of its
success after that commit, and one that fails takes back its own changes alone.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Table

from escalation.clock import Clock, monotonic
from escalation.errors import StatementRefused, StoreError, StoreUnavailable
from escalation.store.change import Arguments, Change, Insertion
from escalation.store.lookup import Key, Lookup
from escalation.store.reading import Damaged
from escalation.store.session import Later, Session
from escalation.store.statement import Raw, Row, Statement, Values
from escalation.store.tenancy import TENANT, Owner

_DIALECT = "sqlite"
#: How long to wait for another process that writes, in seconds.
_PATIENCE = 5.0
_PAUSE = 0.005
#: Of a statement that it does not take whatever its values: a table or a column is missing.
_NOT_THE_VALUES = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_RANGE, sqlite3.SQLITE_MISUSE})


class _OurErrors:
    """Raises what goes wrong in SQLite as errors of ours, and costs a statement next to nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is not None:
            _raise_ours(error)


our_errors = _OurErrors()


def _raise_ours(error: BaseException) -> None:
    match error:
        case sqlite3.IntegrityError() | UnicodeError() | OverflowError():
            raise StoreError(f"SQLite refused a row: {error}") from error
        case sqlite3.Error() if getattr(error, "sqlite_errorcode", None) in _NOT_THE_VALUES:
            raise StatementRefused(f"SQLite refused a statement: {error}") from error
        case sqlite3.Error():
            raise StoreUnavailable(f"SQLite: {error}") from error
        case OSError():
            raise StoreUnavailable(f"SQLite: {error.strerror or error}") from error
        case _:
            return  # it is raised as it is


class SqliteSession(Session):
    """A transaction of one connection to a SQLite file."""

    exclusive = True

    def __init__(self, connection: sqlite3.Connection, now: datetime, owner: Owner, *, frozen: bool) -> None:
        super().__init__(owner, frozen=frozen)
        self._connection = connection
        self._now = now

    @property
    def now(self) -> datetime:
        """The instant of this transaction."""
        return self._now

    async def hold(self, table: Table) -> None:
        """Nobody else can write meanwhile."""

    def _arguments(self, change: Change, values: Values) -> Arguments:
        return change.prepared(_DIALECT).arguments(values)

    async def _look_up(self, lookup: Lookup, values: Values) -> Sequence[Row]:
        return await self._fetch(lookup, values)

    async def _look_up_many(self, lookup: Lookup, keys: Sequence[Key]) -> Sequence[Row]:
        return await self._fetch(lookup.many, {lookup.by[0]: keys, TENANT: self.tenant})

    async def _fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        prepared = statement.prepared(_DIALECT)
        with our_errors:
            return prepared.rows(self._found(statement, prepared.sql, prepared.arguments(values)))

    def _found(self, statement: Statement, sql: str, arguments: Sequence[Any]) -> Sequence[Raw]:
        # One text that is no UTF-8 would fail all the rows around it. Whoever asks anew gets them; but
        # what changes rows is run once.
        if not statement.writes:
            try:
                return self._connection.execute(sql, arguments).fetchall()
            except sqlite3.OperationalError as error:
                if not str(error).startswith("Could not decode to UTF-8"):
                    raise
        self._connection.text_factory = _text
        try:
            return self._connection.execute(sql, arguments).fetchall()
        finally:
            self._connection.text_factory = str

    async def _insert(self, insertion: Insertion, values: Values) -> bool:
        return await self._execute(insertion, values) == 1

    async def _execute(self, statement: Statement, values: Values) -> int:
        prepared = statement.prepared(_DIALECT)
        with our_errors:
            return self._connection.execute(prepared.sql, prepared.arguments(values)).rowcount

    async def _write(self, later: Later) -> None:
        with our_errors:
            for change, rows in later.items():
                self._connection.executemany(change.prepared(_DIALECT).sql, rows)


class SqliteWriter:
    """Runs transactions one after the other; commits those that met together."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock, owner: Owner) -> None:
        self._connection = connection
        self._clock = clock
        self._owner = owner
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="andon-sqlite")
        self._commit: asyncio.Task[None] | None = None  # of the open batch
        self._lost: StoreUnavailable | None = None  # why the open batch cannot commit any more

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteSession]:
        """Open a transaction; after the block it is committed, or nothing of it remains."""
        async with self._turn:
            commit = await self._join()
            # The clock is read once the turn has come: instants follow the order of commits.
            now = self._clock.now()
            session = SqliteSession(self._connection, now, self._owner, frozen=False)
            try:
                yield session
                await session.flush()
                self._run("RELEASE andon")
            except BaseException:
                self._take_back()
                raise
        # Shielded: that one transaction's caller gave up must not undo its neighbours'.
        await asyncio.shield(commit)

    async def close(self) -> None:
        """Finish the open batch and let go of the file."""
        if self._commit is not None:
            with suppress(StoreUnavailable):
                await asyncio.shield(self._commit)
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown()

    async def _join(self) -> asyncio.Task[None]:
        if self._commit is None:
            await self._patiently("BEGIN IMMEDIATE")
            self._lost = None
            # It queues for its turn behind everybody who waits already: they ride along.
            self._commit = asyncio.create_task(self._commit_in_turn())
            self._commit.add_done_callback(_look)
        elif self._lost is not None:
            raise self._lost
        self._run("SAVEPOINT andon")
        return self._commit

    async def _commit_in_turn(self) -> None:
        try:
            async with self._turn:
                try:
                    await self._commit_now()
                finally:
                    self._commit = None
        except asyncio.CancelledError as error:
            raise StoreUnavailable(
                "the program ended during a commit; whether it took effect is not known"
            ) from error

    async def _commit_now(self) -> None:
        if self._lost is not None:
            raise self._lost
        loop = asyncio.get_running_loop()
        try:
            with our_errors:
                await loop.run_in_executor(self._thread, self._connection.commit)
        except StoreError as error:
            self._abandon()
            raise StoreUnavailable(str(error)) from error

    def _take_back(self) -> None:
        # A full disk or the like ends the whole transaction, with everybody's changes in it.
        with suppress(StoreError):
            self._run("ROLLBACK TO andon")
            self._run("RELEASE andon")
            return
        self._abandon()
        self._lost = StoreUnavailable("SQLite lost the transaction; nothing was changed")

    def _abandon(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.rollback()

    def _run(self, sql: str) -> None:
        with our_errors:
            self._connection.execute(sql)

    async def _patiently(self, sql: str) -> None:
        # SQLite's own patience would hold up everything else in this process.
        until = monotonic() + _PATIENCE
        while True:
            try:
                self._connection.execute(sql)
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or monotonic() > until:
                    raise StoreUnavailable(f"SQLite: {error}") from error
                await asyncio.sleep(_PAUSE)
            except sqlite3.Error as error:
                raise StoreUnavailable(f"SQLite: {error}") from error
            else:
                return


def _text(stored: bytes) -> str | Damaged:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return Damaged(stored)


def _look(task: asyncio.Task[None]) -> None:
    # Everybody in the batch is told; nobody may be left, and then asyncio would complain.
    if not task.cancelled():
        task.exception()
