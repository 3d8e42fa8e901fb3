"""One transaction of a database: runs statements, and saves up the changes nobody waits for."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Table

from escalation.errors import StoreError
from escalation.store.statement import Prepared, Raw, Row, Statement, Values

#: What waits: statements, each with the arguments of its runs.
Later: TypeAlias = dict[Statement, list[Sequence[Any]]]
_NOTHING: Mapping[str, Any] = {}


class Session(ABC):
    """
    What the tables' classes run their statements on.

    Changes whose outcome is known wait until the end of the transaction, or until one of their
    tables is read: then they go together. Each round trip saved is time saved.
    """

    dialect: str  #: ``postgresql`` or ``sqlite``.
    exclusive: bool  #: Whether nobody else can write meanwhile.

    def __init__(self, now: datetime, *, frozen: bool) -> None:
        self.now = now
        self._frozen = frozen
        self._later: Later = {}

    async def rows(self, statement: Statement, values: Values = _NOTHING) -> Sequence[Row]:
        """Return the rows of *statement*, with the names of its columns."""
        prepared = await self._ready(statement)
        return prepared.rows(await self._fetch(prepared.sql, prepared.arguments(values)))

    async def row(self, statement: Statement, values: Values = _NOTHING) -> Row | None:
        """Return the first row of *statement*, if it has one."""
        rows = await self.rows(statement, values)
        return rows[0] if rows else None

    async def value(self, statement: Statement, values: Values = _NOTHING) -> Any:
        """Return the only column of the first row of *statement*; nothing if it has no row."""
        row = await self.row(statement, values)
        return None if row is None else row[0]

    async def run(self, statement: Statement, values: Values) -> int:
        """Run *statement* and return how many rows it touched."""
        prepared = await self._ready(statement)
        return await self._execute(prepared.sql, prepared.arguments(values))

    def later(self, statement: Statement, values: Values) -> None:
        """Run *statement* before anybody can tell the difference."""
        self._allow(statement)
        arguments = statement.prepared(self.dialect).arguments(values)
        self._later.setdefault(statement, []).append(arguments)

    async def hold(self, table: Table) -> None:
        """
        Let nobody else hold or change a row of *table* until the end, in the order they came.

        A row alone is not enough: whoever shares it goes past whoever waits to have it alone, and a
        stream of claims would keep a stop waiting for as long as it lasts.
        """
        if not self.exclusive:
            await self._execute_many(f"LOCK TABLE {table.name} IN EXCLUSIVE MODE", [()])

    async def flush(self) -> None:
        """Run what was saved up."""
        if self._later:
            later, self._later = self._later, {}
            await self._run_all(later)

    async def _run_all(self, later: Later) -> None:
        for statement, rows in later.items():
            await self._execute_many(statement.prepared(self.dialect).sql, rows)

    async def _ready(self, statement: Statement) -> Prepared:
        self._allow(statement)
        if self._later and any(not statement.tables.isdisjoint(waiting.tables) for waiting in self._later):
            await self.flush()
        return statement.prepared(self.dialect)

    def _allow(self, statement: Statement) -> None:
        if self._frozen and statement.writes:
            raise StoreError("this transaction was opened to read")

    @abstractmethod
    async def _fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Raw]: ...

    @abstractmethod
    async def _execute(self, sql: str, arguments: Sequence[Any]) -> int: ...

    @abstractmethod
    async def _execute_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None: ...
