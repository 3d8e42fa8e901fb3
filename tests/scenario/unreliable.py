"""A store that is away when told: before a transaction, at its commit, or right after it."""

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from escalation.errors import StoreUnavailable
from escalation.ports import Store, Transaction, Unreadables, UseCase

T = TypeVar("T")


class Away(Enum):
    """At which moment the database goes away."""

    AT_THE_START = "nothing can be read or written"
    AT_THE_COMMIT = "everything was done but the commit, which is lost"
    AFTER_THE_COMMIT = "the commit counts, and nobody is told"


@dataclass(slots=True)
class UnreliableStore:
    """*inner*, which goes away when told."""

    inner: Store
    away: Away | None = None

    @property
    def unreadable(self) -> Unreadables:
        return self.inner.unreadable

    def open_for(self, tenant: str) -> None:
        self.inner.open_for(tenant)

    @contextmanager
    def goes_away(self, when: Away = Away.AT_THE_START) -> Iterator[None]:
        """Be away during the block."""
        self.away = when
        try:
            yield
        finally:
            self.away = None

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        self._may_fail(Away.AT_THE_START)
        async with self.inner.write() as tx:
            yield tx
            self._may_fail(Away.AT_THE_COMMIT)
        self._may_fail(Away.AFTER_THE_COMMIT)

    async def transact(self, use_case: UseCase[T], *, touches: Collection[str]) -> T:
        async def then_commit(tx: Transaction) -> T:
            outcome = await use_case(tx)
            self._may_fail(Away.AT_THE_COMMIT)
            return outcome

        self._may_fail(Away.AT_THE_START)
        outcome = await self.inner.transact(then_commit, touches=touches)
        self._may_fail(Away.AFTER_THE_COMMIT)
        return outcome

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Transaction]:
        self._may_fail(Away.AT_THE_START)
        async with self.inner.read() as tx:
            yield tx

    async def check(self) -> None:
        self._may_fail(Away.AT_THE_START)
        await self.inner.check()

    async def close(self) -> None:
        await self.inner.close()

    def _may_fail(self, when: Away) -> None:
        if self.away is when:
            raise StoreUnavailable("the database is away")
