"""Where the head of the record is kept outside the database."""

from typing import Protocol

from escalation.head import Head


class Heads(Protocol):
    """The head that was kept outside last. Raises ``HeadUnknown`` where that cannot be told or done."""

    @property
    def place(self) -> str | None:
        """Where it is kept, for operators; none if it is kept nowhere."""
        ...

    async def read(self) -> Head | None:
        """Return the head that is kept; none if none is."""
        ...

    async def keep(self, head: Head) -> None:
        """Keep *head*, unless a newer one is kept; never in place of another record's."""
        ...

    async def replace(self, head: Head) -> None:
        """Keep *head* in place of whatever is kept: for what cannot be read, and an operator decided it."""
        ...


class Nowhere:
    """No head is kept outside."""

    place = None

    async def read(self) -> Head | None:
        """Return that none is kept."""
        return None

    async def keep(self, head: Head) -> None:
        """Keep nothing."""

    async def replace(self, head: Head) -> None:
        """Keep nothing."""
