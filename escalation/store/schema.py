"""Which schema a database has, which one this program knows, and how the one becomes the other."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from escalation.errors import SchemaMismatch, StoreUnavailable
from escalation.store.migrations import REVISIONS

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

REVISION = "SELECT version_num FROM alembic_version"
SQLITE_HAS_REVISION = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
POSTGRESQL_HAS_REVISION = "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"


def expected() -> str:
    """Return the revision this program was written for."""
    return REVISIONS[-1]


def is_behind(found: str | None) -> bool:
    """Return whether a database at *found* can be brought up to date."""
    return found is None or found in REVISIONS[:-1]


def compare(found: str | None) -> None:
    """Raise ``SchemaMismatch`` unless *found* is the revision this program was written for."""
    if found == expected():
        return
    if is_behind(found):
        raise SchemaMismatch(
            f"the database's schema is behind: it is at {found or 'none'}, this program needs {expected()};"
            " run `andon migrate`"
        )
    raise SchemaMismatch(
        f"the database's schema is ahead: it is at {found}, this program knows up to {expected()};"
        " run the version of andon that migrated it, or a newer one"
    )


async def migrate_sqlite(path: Path) -> None:
    """Bring the file at *path* up to date: all of it, or nothing."""
    with our_errors():
        await asyncio.to_thread(_migrate_sqlite, path)


def _migrate_sqlite(path: Path) -> None:
    from sqlalchemy import URL, NullPool, create_engine, event

    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, poolclass=NullPool, connect_args={"isolation_level": None})
    # The driver would begin its transactions too late and leave half of a migration behind.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.begin() as connection:
        upgrade(connection)


def upgrade(connection: "Connection") -> None:
    """Bring the database of *connection* up to date, within its transaction."""
    from alembic import command

    command.upgrade(configuration(connection), "head")
    # Whoever decides reads it there: a process of an older version goes quiet at its next transaction.
    connection.exec_driver_sql(f"UPDATE fence SET schema = '{expected()}'")  # noqa: S608  # a name of ours


def configuration(connection: "Connection | None" = None) -> "Config":
    """Return Alembic's configuration, to run on *connection*."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def our_errors() -> Iterator[None]:
    """Raise what goes wrong in a migration as errors of ours."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        # What SQLAlchemy says may show the address it was given, with the password.
        cause = getattr(error, "orig", None) or error
        first_line = (str(cause).splitlines() or [type(cause).__name__])[0]
        raise StoreUnavailable(f"the database could not be migrated: {first_line}") from error
