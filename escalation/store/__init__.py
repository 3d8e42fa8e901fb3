"""Where everything is kept: PostgreSQL, SQLite, or a twin in memory."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from escalation.clock import Clock
from escalation.errors import InvalidConfiguration
from escalation.ports import Store
from escalation.store import schema


class Database(Store, Protocol):
    """A store that outlives the process."""

    async def prepare(self, *, migrate: bool = False) -> None:
        """
        Create the tables where there are none, and check the schema.

        An older schema in SQLite is brought up to date; in PostgreSQL, which other replicas may
        be using, only if asked to *migrate*. Raises ``StoreError``.
        """
        ...

    async def revision(self) -> str | None:
        """Return the schema's revision; none for an empty database."""
        ...

    def serve_lock(self) -> AbstractContextManager[None]:
        """Be the one process that serves it during the block, where there can be only one."""
        ...


async def migrate(url: str) -> tuple[str | None, str]:
    """Bring the database at *url* up to date; return its revisions before and after."""
    store = open_store(url)
    try:
        before = await store.revision()
        await store.prepare(migrate=True)
    finally:
        await store.close()
    return before, schema.expected()


def open_store(url: str, clock: Clock | None = None) -> Database:
    """
    Return the store at *url*: ``sqlite+aiosqlite:///FILE`` or ``postgresql+asyncpg://…``.

    *clock* replaces the database's clock (a test moves it). Nothing is opened yet. Raises
    ``InvalidConfiguration`` for anything else, without showing a password.
    """
    scheme, _, rest = url.partition("://")
    match scheme:
        case "sqlite" | "sqlite+aiosqlite" if rest.startswith("/") and rest[1:2] not in {"", ":", "?"}:
            from escalation.store.sqlite import SqliteStore

            return SqliteStore(Path(rest[1:]), clock)
        case "postgresql" | "postgres" | "postgresql+asyncpg" if rest:
            from escalation.store.postgres import PostgresStore

            return PostgresStore(f"postgresql://{rest}", clock)
        case _:
            raise InvalidConfiguration(
                "ANDON_DATABASE_URL names no database that this program knows; write"
                " sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE"
            )
