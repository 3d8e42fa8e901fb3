"""The databases that are measured, and what must be true of them afterwards."""

import itertools
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from pathlib import Path

import asyncpg

from bench.measure import Meter, cpu_of_all
from bot.adapters import open_core
from bot.cli.common import loaded
from bot.config import Environment
from deploy.demo.processes import ROOT
from escalation.configuration import Caps
from escalation.service import seal
from escalation.service.configure import put_in_force
from escalation.service.context import Core
from escalation.store import open_store
from escalation.verification import Verified
from tests.harness.databases import Postgres, running_postgres

_CONFIG = ROOT / "andon.yaml"
#: A caller that never tires reaches every cap that protects people; here it is the rest that is measured.
_CAPS = Caps(pending_per_agent=1_000_000, pending_per_channel=1_000_000, asks_per_person_and_hour=1_000_000)
#: As it is installed, but for the instants of its commits, which tell how late a deadline was settled.
_SETTINGS = {"track_commit_timestamp": "on"}


class Kind(Enum):
    """A kind of database."""

    SQLITE = "SQLite"
    POSTGRESQL = "PostgreSQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """Makes empty databases; as durable as they are in production."""

    folder: Path
    postgres: Postgres | None
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def kinds(self) -> Sequence[Kind]:
        """The kinds that it makes."""
        return [Kind.SQLITE] if self.postgres is None else list(Kind)

    async def fresh(self, kind: Kind) -> str:
        """Return the URL of a new database with its tables."""
        url = await self.empty(kind)
        store = open_store(url)
        await store.prepare()
        await store.close()
        return url

    def cpu(self, kind: Kind) -> Meter:
        """Return the meter of the database's server, where there is one."""
        if kind is Kind.SQLITE or self.postgres is None:
            return float
        return cpu_of_all([self.postmaster])

    @property
    def postmaster(self) -> int:
        """The process of PostgreSQL that started the others."""
        assert self.postgres is not None
        return int((self.postgres.home / "data" / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    async def version(self) -> str:
        """Return which PostgreSQL it is, if it is one."""
        if self.postgres is None:
            return ""
        ((version,),) = await self.postgres.execute("SHOW server_version")
        return f"PostgreSQL {version}"

    async def empty(self, kind: Kind) -> str:
        """Return the URL of a new database."""
        name = f"bench_{next(self._numbers)}"
        if kind is Kind.SQLITE:
            url = f"sqlite+aiosqlite:///{self.folder / name}.db"
        elif self.postgres is not None:
            await self.postgres.create(name)
            url = self.postgres.url_of(name)
        else:
            raise LookupError("PostgreSQL was not started")
        return url


@contextmanager
def databases(kinds: list[Kind]) -> Iterator[Databases]:
    """Run what *kinds* need during the block; nothing is left of it afterwards."""
    with tempfile.TemporaryDirectory(prefix="andon-bench-") as folder:
        if Kind.POSTGRESQL not in kinds:
            yield Databases(folder=Path(folder), postgres=None)
            return
        with running_postgres(_SETTINGS) as postgres:
            yield Databases(folder=Path(folder), postgres=postgres)


@asynccontextmanager
async def core_of(url: str) -> AsyncIterator[Core]:
    """Open the use cases on the database at *url*, with the configuration that is shipped but its caps."""
    known = loaded(_CONFIG)
    environment = Environment.model_validate({"andon_database_url": url})
    async with open_core(environment, replace(known.configuration, caps=_CAPS)) as core:
        await put_in_force(core, body=known.body)
        yield core


def config_in(folder: Path) -> Path:
    """Write the shipped configuration, but its caps, for a server to read, and return its path."""
    caps = ", ".join(f"{name}: {cap}" for name, cap in asdict(_CAPS).items())
    folders = ", ".join(f"{name}: {ROOT / name}" for name in ("agents", "runbooks"))
    path = folder / "andon.yaml"
    shipped = _CONFIG.read_text(encoding="utf-8")
    path.write_text(f"{shipped}\ncaps: {{{caps}}}\nfolders: {{{folders}}}\n", encoding="utf-8")
    return path


async def run_sql(url: str, sql: str) -> list[tuple[object, ...]]:
    """Run one statement past everything of ours, and return its rows."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(_file(url), isolation_level=None)) as file:
            return list(file.execute(sql))
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def check(url: str, *, approved: int, pending: int = 0, whole: bool = True) -> int:
    """Make sure that the database holds exactly this and that its record is *whole*; return its events."""
    states = set(await run_sql(url, "SELECT state, count(*) FROM requests GROUP BY state"))
    expected = {("approved", approved), ("pending", pending)}
    assert states == {(state, count) for state, count in expected if count}, (states, expected)
    for table in ("grants", "decisions", "inbox"):
        ((count,),) = await run_sql(url, f"SELECT count(*) FROM {table}")  # noqa: S608  # names of ours
        assert count == approved, (table, count, approved)
    if not whole:
        ((events,),) = await run_sql(url, "SELECT count(*) FROM audit_events")
        return int(str(events))
    async with core_of(url) as core:
        while await seal.seal(core, batch=5000):
            pass
        verdict = await seal.verify(core.store)
    assert isinstance(verdict, Verified), verdict
    assert verdict.unsealed == 0, verdict
    return verdict.events


async def settled_by_the_clock(url: str, *, count: int, pending: int) -> None:
    """Make sure that *count* requests timed out, each of them once, and that *pending* others did not."""
    states = set(await run_sql(url, "SELECT state, count(*) FROM requests GROUP BY state"))
    assert states == {("timed_out", count), ("pending", pending)}, states
    for table, where in (("audit_events", "name = 'request.timed_out'"), ("rungs", "rung = 3")):
        subject = "subject" if table == "audit_events" else "request"
        counts = f"SELECT count(*), count(DISTINCT {subject}) FROM {table} WHERE {where}"  # noqa: S608  # ours
        assert await run_sql(url, counts) == [(count, count)], (table, counts)


def _file(url: str) -> str:
    return url.partition(":///")[2]
