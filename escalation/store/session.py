"""One transaction of a database: runs statements, and saves up the changes nobody waits for."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Table

from escalation.errors import StoreError
from escalation.store.change import Arguments, Change, Insertion
from escalation.store.lookup import Key, Lookup
from escalation.store.statement import Row, Statement, Values
from escalation.store.tenancy import TENANT, Owner

#: What waits: changes, each with the rows it is to happen to.
Later: TypeAlias = dict[Change, list[Arguments]]
_NOTHING: Mapping[str, Any] = {}


class Session(ABC):
    """
    What the tables' classes run their statements on.

    Changes whose outcome is known wait until the end of the transaction, or until one of their
    tables is read: then they go together. Each round trip saved is time saved.
    """

    exclusive: bool  #: Whether nobody else can write meanwhile.

    def __init__(self, owner: Owner, *, frozen: bool) -> None:
        self._frozen = frozen
        #: What this store's transactions met and could not read.
        self.unreadable = owner.unreadable
        #: Whose rows they are; raises if it is nobody.
        self.tenant = owner.tenant
        self._later: Later = {}

    @property
    @abstractmethod
    def now(self) -> datetime:
        """The instant of this transaction; later where it had to wait for another one."""

    async def rows(self, statement: Statement, values: Values = _NOTHING) -> Sequence[Row]:
        """Return the rows of *statement*, with the names of its columns."""
        await self._ready(statement)
        mine = self._mine(values)
        if isinstance(statement, Lookup):
            return await self._look_up(statement, mine)
        return await self._fetch(statement, mine)

    async def row(self, statement: Statement, values: Values = _NOTHING) -> Row | None:
        """Return the first row of *statement*, if it has one."""
        rows = await self.rows(statement, values)
        return rows[0] if rows else None

    async def value(self, statement: Statement, values: Values = _NOTHING) -> Any:
        """Return the only column of the first row of *statement*; nothing if it has no row."""
        for (found,) in await self.rows(statement, values):
            return found
        return None

    async def among(self, lookup: Lookup, keys: Collection[Key]) -> Sequence[Row]:
        """Return the rows of *lookup* for any of *keys*, in the order of the keys."""
        if not keys:
            return []
        await self._ready(lookup)
        return await self._look_up_many(lookup, list(keys))

    async def insert(self, insertion: Insertion, values: Values) -> bool:
        """Insert a row at once; return False if there was such a row already."""
        await self._ready(insertion)
        return await self._insert(insertion, self._mine(values))

    async def run(self, statement: Statement, values: Values) -> int:
        """Run *statement* at once and return how many rows it touched."""
        await self._ready(statement)
        return await self._execute(statement, self._mine(values))

    def later(self, change: Change, values: Values) -> None:
        """Run *change* before anybody can tell the difference."""
        self._allow(change)
        arguments = self._arguments(change, self._mine(values))
        self._later.setdefault(change, []).append(arguments)

    @abstractmethod
    async def hold(self, table: Table) -> None:
        """
        Let nobody else hold or change a row of *table* until the end, in the order they came.

        A row alone is not enough: whoever shares it goes past whoever waits to have it alone, and a
        stream of claims would keep a stop waiting for as long as it lasts.
        """

    async def flush(self) -> None:
        """Run what was saved up."""
        if self._later:
            await self._write(self.taken())

    def taken(self) -> Later:
        """Hand over what was saved up, to be run by whoever takes it."""
        later, self._later = self._later, {}
        return later

    def _mine(self, values: Values) -> Values:
        # What a use case would store for another tenant is its mistake, and nobody's row.
        if values.get(TENANT, self.tenant) != self.tenant:
            raise StoreError("a row of another tenant; nothing was written")
        return {**values, TENANT: self.tenant}

    async def _ready(self, statement: Statement) -> None:
        self._allow(statement)
        if self._later and any(not statement.tables.isdisjoint(waiting.tables) for waiting in self._later):
            await self.flush()

    def _allow(self, statement: Statement) -> None:
        if self._frozen and statement.writes:
            raise StoreError("this transaction was opened to read")

    @abstractmethod
    def _arguments(self, change: Change, values: Values) -> Arguments: ...

    @abstractmethod
    async def _look_up(self, lookup: Lookup, values: Values) -> Sequence[Row]: ...

    @abstractmethod
    async def _look_up_many(self, lookup: Lookup, keys: Sequence[Key]) -> Sequence[Row]: ...

    @abstractmethod
    async def _fetch(self, statement: Statement, values: Values) -> Sequence[Row]: ...

    @abstractmethod
    async def _insert(self, insertion: Insertion, values: Values) -> bool: ...

    @abstractmethod
    async def _execute(self, statement: Statement, values: Values) -> int: ...

    @abstractmethod
    async def _write(self, later: Later) -> None: ...
