"""A transaction of PostgreSQL as the tables' classes use it, whoever does its work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Table

from escalation.store.change import Arguments, Change, Insertion
from escalation.store.lookup import Key, Lookup
from escalation.store.postgres.work import Execute, Fetch, Hold, Insert, Look, Work, Write
from escalation.store.session import Later, Session
from escalation.store.statement import Row, Statement, Values
from escalation.store.tenancy import Owner


class Worker(Protocol):
    """Who does the work: a connection of the transaction's own, or one that it shares."""

    @property
    def now(self) -> datetime:
        """The instant of the transaction."""
        ...

    @property
    def owner(self) -> Owner:
        """Whose rows it works on."""
        ...

    async def do(self, work: Work) -> Any:
        """Do *work* and return its answer."""
        ...


class PostgresSession(Session):
    """Puts what is asked into words of work."""

    exclusive = False

    def __init__(self, worker: Worker, *, frozen: bool) -> None:
        super().__init__(worker.owner, frozen=frozen)
        self._worker = worker

    @property
    def now(self) -> datetime:
        """The instant of this transaction; later where it had to wait for another one."""
        return self._worker.now

    async def hold(self, table: Table) -> None:
        """Let nobody else hold or change a row of *table* until the end, in the order they came."""
        await self._worker.do(Hold(table.name))

    def _arguments(self, change: Change, values: Values) -> Arguments:
        return change.pick(values)

    async def _look_up(self, lookup: Lookup, values: Values) -> Sequence[Row]:
        rows: Sequence[Row] = await self._worker.do(Look(lookup, (lookup.key(values),)))
        return rows

    async def _look_up_many(self, lookup: Lookup, keys: Sequence[Key]) -> Sequence[Row]:
        rows: Sequence[Row] = await self._worker.do(Look(lookup, keys))
        return rows

    async def _fetch(self, statement: Statement, values: Values) -> Sequence[Row]:
        rows: Sequence[Row] = await self._worker.do(Fetch(statement, values))
        return rows

    async def _insert(self, insertion: Insertion, values: Values) -> bool:
        row = insertion.pick(values)
        inserted: frozenset[Arguments] = await self._worker.do(Insert(insertion, (row,)))
        return insertion.key_of(row) in inserted

    async def _execute(self, statement: Statement, values: Values) -> int:
        touched: int = await self._worker.do(Execute(statement, values))
        return touched

    async def _write(self, later: Later) -> None:
        await self._worker.do(Write(later))
