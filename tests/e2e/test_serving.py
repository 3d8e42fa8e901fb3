"""`andon serve` as a process: what keeps it from starting, and how it ends."""

import asyncio
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import pytest

from andon import Andon, State
from deploy.demo.stack import AGENT
from tests.e2e.bookkeeper import meanwhile, posting
from tests.e2e.installation import OURS, Installation, slack_that
from tests.harness.databases import FAST, Postgres, running_postgres

STOPS_WITHIN = 10.0  # seconds


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres(FAST) as server:
        yield server


@pytest.fixture
async def postgres(here: Installation, server: Postgres) -> AsyncIterator[Installation]:
    await server.create("andon")
    yield here.exporting(ANDON_DATABASE_URL=server.url_of("andon"))
    await server.drop("andon")


async def test_a_port_in_use(here: Installation) -> None:
    """A port that somebody else listens on is named, with the option that chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = await here.andon(f"serve --port {port}")
    assert (ran.status, ran.out) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use. Choose another" in ran.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("--port 99999", "cannot listen on 127.0.0.1:99999: there is no such port. Choose"),
        ("--port -1", "cannot listen on 127.0.0.1:-1: there is no such port. Choose"),
        ("--port 0 --host not.there.invalid", "cannot listen on not.there.invalid: there is no such address"),
        ("--port 0 --host 192.0.2.1", "cannot listen on 192.0.2.1:0: Cannot assign requested address"),
    ],
)
async def test_an_address_that_cannot_be(here: Installation, options: str, says: str) -> None:
    """A port or a host that there is not is named, not traced back."""
    ran = await here.andon(f"serve {options}")
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert says in ran.err


async def test_a_file_has_one_server(here: Installation) -> None:
    """A second server of the same SQLite file is refused by the file's name; the first goes on to Ctrl-C."""
    async with here.serving() as first, Andon(url=first.url, key=await _key(here)) as andon:
        ran = await here.andon("serve --port 0")
        assert ran.status == 1
        assert "another process serves var/andon.db" in ran.err
        assert (await andon.heartbeat()).may_proceed
        first.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOPS_WITHIN):
            assert await first.process.wait() == 0


async def test_a_folder_that_is_not_there(here: Installation) -> None:
    """A database in a folder that does not exist is named; no folder is made up from a slip of the pen."""
    nowhere = here.place / "not" / "there" / "andon.db"
    ran = await here.exporting(ANDON_DATABASE_URL=f"sqlite+aiosqlite:///{nowhere}").andon("serve --port 0")
    assert ran.status == 1
    assert f"the database {nowhere} cannot be opened: there is no folder {nowhere.parent}; " in ran.err
    assert "ANDON_DATABASE_URL" in ran.err
    assert ".lock" not in ran.err
    assert "serving" not in ran.err.replace("then_serving", ""), "it never did"
    assert not nowhere.parent.parent.exists()


@pytest.mark.parametrize("closed", ["var/andon.db", "var"])
async def test_a_database_that_cannot_be_written(here: Installation, closed: str) -> None:
    """A file or folder that may not be written is named before anything is served."""
    here.database.touch()
    mode = (here.place / closed).stat().st_mode
    (here.place / closed).chmod(mode & ~0o222)
    ran = await here.without_privileges().andon("serve --port 0")
    (here.place / closed).chmod(mode)
    assert ran.status == 1
    assert "var/andon.db" in ran.err
    assert "Permission denied" in ran.err


async def test_a_database_of_no_kind(here: Installation) -> None:
    """What is no address of a database is told by the variable's name, with the two that may be written."""
    for url in ("garbage", "sqlite://var/andon.db"):
        for command in ("serve --port 0", "keys list"):
            ran = await here.exporting(ANDON_DATABASE_URL=url).andon(command)
            assert ran.status == 1
            assert "ANDON_DATABASE_URL names no database that this program knows; write sqlite+" in ran.err
            assert "postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE" in ran.err
            assert "Traceback" not in ran.err


async def test_a_file_that_is_not_there_yet(here: Installation) -> None:
    """A command that reads makes no file up from a slip of the pen; it names the one it was to read."""
    ran = await here.andon("audit verify")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(
        "there is no database var/andon.db yet; `andon migrate` makes the file that ANDON"
    )
    assert not here.database.exists()


async def test_postgresql_is_away(here: Installation) -> None:
    """A PostgreSQL that does not answer ends the server with one clear line, without the password."""
    away = here.exporting(ANDON_DATABASE_URL="postgresql+asyncpg://andon:hunter2@127.0.0.1:1/andon")
    for ran in await asyncio.gather(away.andon("serve --port 0"), away.andon("migrate")):
        assert (ran.status, ran.out) == (1, "")
        assert "PostgreSQL cannot be reached: " in ran.err
        assert "(at 127.0.0.1:1/andon, as ANDON_DATABASE_URL says)" in ran.err
        assert "starting" not in ran.err
        assert "hunter2" not in ran.err
        assert "Traceback" not in ran.err


async def test_postgresql_is_migrated_on_demand(postgres: Installation, server: Postgres) -> None:
    """A database without the schema names the command that makes it; one of a newer version is not served."""
    for command in ("keys list", f"keys create --agent {AGENT}"):
        early = await postgres.andon(command)
        assert (early.status, early.out) == (1, "")
        assert "the database's schema is behind: it is at none" in early.err
        assert "run `andon migrate`" in early.err
    migrated = await postgres.andon("migrate")
    assert (migrated.status, migrated.out) == (0, "The schema is up to date.\n")
    async with postgres.serving() as serving, Andon(url=serving.url, key=await _key(postgres)) as andon:
        assert (await andon.heartbeat()).may_proceed
    await server.execute("UPDATE alembic_version SET version_num = '9999'", database="andon")
    late = await postgres.andon("serve --port 0")
    assert late.status == 1
    assert "the database's schema is ahead: it is at 9999" in late.err


async def test_a_server_that_is_told_to_stop(here: Installation) -> None:
    """Though Slack hangs it ends within ten seconds, and well: no process, port or open file stays behind."""
    hanging = asyncio.Event()

    async def says() -> None:
        hanging.set()
        await asyncio.sleep(60)

    async with slack_that(OURS, says) as api_url:
        here = here.exporting(SLACK_API_URL=api_url)
        key = await _key(here)
        async with here.serving() as server, Andon(url=server.url, key=key, workflow="stop") as andon:
            async with meanwhile(andon.propose("ledger.post", posting(), summary="Post it")):
                await hanging.wait()
                (pending,) = (await andon.list([State.PENDING])).items
                server.process.send_signal(signal.SIGTERM)
                async with asyncio.timeout(STOPS_WITHIN):
                    assert await server.process.wait() == 0
            with pytest.raises(ProcessLookupError):
                os.killpg(server.process.pid, 0)
            with socket.create_server(("127.0.0.1", int(server.url.rpartition(":")[2]))):
                pass
    left = {path.name for path in (here.place / "var").iterdir()} - {"andon.db.head"}
    assert left == {"andon.db", "andon.db.lock"}, "the log of writes was folded into the file"
    with closing(sqlite3.connect(here.database)) as database:
        assert database.execute("SELECT state FROM requests WHERE id = ?", (pending.id,)).fetchone() == (
            "pending",
        )


async def _key(here: Installation) -> str:
    return (await here.andon(f"keys create --agent {AGENT}")).out.strip()
