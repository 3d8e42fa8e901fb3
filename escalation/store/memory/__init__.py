"""A store in memory: the databases' twin, for tests and for trying things out. Nothing survives it."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from typing import TypeVar

from escalation.clock import Clock, SystemClock
from escalation.ports import UseCase
from escalation.store import schema
from escalation.store.memory.transaction import MemoryTransaction
from escalation.store.memory.view import Rows, View
from escalation.store.tenancy import Owner

T = TypeVar("T")


class MemoryDatabase:
    """The rows of every tenant. Writers queue."""

    def __init__(self) -> None:
        self.rows_of: dict[str, Rows] = {}
        self.writer = asyncio.Lock()


class MemoryStore:
    """One tenant's rows in this process; readers see what is committed."""

    def __init__(self, clock: Clock | None = None, database: MemoryDatabase | None = None) -> None:
        self._clock = clock or SystemClock()
        self._database = database or MemoryDatabase()
        self._owner = Owner()
        self.unreadable = self._owner.unreadable

    def open_for(self, tenant: str) -> None:
        """Work on the rows of *tenant* alone; raise ``StoreError`` if it is open for another one."""
        self._owner.be(tenant)

    @property
    def _rows(self) -> Rows:
        return self._database.rows_of.setdefault(self._owner.tenant, {})

    def _view(self, *, frozen: bool = False) -> View:
        others = {name: rows for name, rows in self._database.rows_of.items() if name != self._owner.tenant}
        return View(self._rows, tenant=self._owner.tenant, others=others, frozen=frozen)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[MemoryTransaction]:
        """Open a transaction that may change things; commit at the end of the block, or roll back."""
        async with self._database.writer:
            view = self._view()
            # The clock is read once the turn has come: instants follow the order of commits.
            yield MemoryTransaction(view, self._clock.now())
            view.commit()

    async def transact(self, use_case: UseCase[T], *, touches: Collection[str]) -> T:  # noqa: ARG002 - writers take turns
        """Run *use_case* in a transaction, and return its answer once that is committed."""
        async with self.write() as tx:
            return await use_case(tx)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[MemoryTransaction]:
        """Open a transaction that changes nothing."""
        yield MemoryTransaction(self._view(frozen=True), self._clock.now())

    async def check(self) -> None:
        """Memory is always there, and always of this version."""

    async def revision(self) -> str | None:
        """Return this program's own: memory is always of this version."""
        return schema.expected()

    async def prepare(self, *, migrate: bool = False) -> None:
        """Nothing to create."""

    def serve_lock(self) -> AbstractContextManager[None]:
        """Nobody else can reach it."""
        return nullcontext()

    async def close(self) -> None:
        """Nothing to give back."""
