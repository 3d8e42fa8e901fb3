"""The database, and one transaction of it: the tables that a use case reads and writes."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

from escalation.ports.cards import Cards
from escalation.ports.configurations import Configurations
from escalation.ports.fence import Fence
from escalation.ports.grants import Grants
from escalation.ports.inbox import Inbox
from escalation.ports.keys import Keys
from escalation.ports.outbox import Outbox
from escalation.ports.record import Record
from escalation.ports.requests import Requests
from escalation.ports.retention import Retention
from escalation.ports.set_aside import SetAside, Unreadables
from escalation.ports.steps import Steps
from escalation.ports.sweeps import Sweeps
from escalation.ports.switches import Switches

T = TypeVar("T")


class Transaction(Protocol):
    """One commit. It takes effect as a whole when its block ends, or not at all."""

    @property
    def now(self) -> datetime:
        """The instant of this transaction, by the store's clock."""
        ...

    @property
    def requests(self) -> Requests: ...
    @property
    def grants(self) -> Grants: ...
    @property
    def switches(self) -> Switches: ...
    @property
    def sweeps(self) -> Sweeps: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def cards(self) -> Cards: ...
    @property
    def inbox(self) -> Inbox: ...
    @property
    def steps(self) -> Steps: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def record(self) -> Record: ...
    @property
    def configurations(self) -> Configurations: ...
    @property
    def fence(self) -> Fence: ...
    @property
    def set_aside(self) -> SetAside: ...
    @property
    def retention(self) -> Retention: ...


#: What is done in one transaction.
UseCase: TypeAlias = Callable[[Transaction], Awaitable[T]]


class Store(Protocol):
    """The database, or its twin in memory."""

    @property
    def unreadable(self) -> Unreadables:
        """The rows that its transactions met and could not read."""
        ...

    def open_for(self, tenant: str) -> None:
        """
        Read and write the rows of *tenant* alone, from now on; until then every transaction fails.

        Raises ``StoreError`` if it is open for another one.
        """
        ...

    def write(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that may change things; commit at the end of the block, or roll back."""
        ...

    async def transact(self, use_case: UseCase[T], *, touches: Collection[str]) -> T:
        """
        Run *use_case* in a transaction that it may share with others, and return its answer once committed.

        *touches* names what it changes: it shares a commit with no other that touches any of the same.
        It takes effect as a whole or not at all, whatever becomes of its neighbours, and it may be
        run a second time: its only effects are those of its transaction.
        """
        ...

    def read(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that changes nothing."""
        ...

    async def check(self) -> None:
        """Raise ``StoreError`` unless the database answers and its schema is the one we know."""
        ...

    async def close(self) -> None: ...
