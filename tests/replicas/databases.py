"""Empty databases by the dozen, copied from ones that are migrated already."""

import asyncio
import shutil
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from escalation.store import open_store
from tests.harness.databases import Postgres

_TEMPLATE = "andon_template"
#: Of all databases of this process: several of these may share one server.
_NUMBERS = count(1)


@dataclass(slots=True, kw_only=True)
class Databases:
    """Makes databases in *folder* and, where there is one, in a PostgreSQL."""

    folder: Path
    postgres: Postgres | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)  #: Alembic migrates one at a time.

    async def sqlite(self) -> str:
        """Return the URL of a new SQLite file."""
        template = self.folder / "template.db"
        async with self._turn:
            if not template.exists():
                await _migrate(f"sqlite+aiosqlite:///{template}")
        file = shutil.copy(template, self.folder / f"{next(_NUMBERS)}.db")
        return f"sqlite+aiosqlite:///{file}"

    async def postgresql(self) -> str:
        """Return the URL of a new database in PostgreSQL."""
        assert self.postgres is not None
        async with self._turn:
            if (_TEMPLATE,) not in await self.postgres.execute("SELECT datname FROM pg_database"):
                await self.postgres.create(_TEMPLATE)
                await _migrate(self.postgres.url_of(_TEMPLATE))
        name = f"replicas_{next(_NUMBERS)}"
        await self.postgres.create(name, template=_TEMPLATE)
        return self.postgres.url_of(name)

    async def fresh(self, *, on_postgresql: bool) -> str:
        """Return the URL of a new database."""
        return await (self.postgresql() if on_postgresql else self.sqlite())

    async def drop(self, url: str) -> None:
        """Remove the database at *url*."""
        if url.startswith("sqlite"):
            file = Path(url.removeprefix("sqlite+aiosqlite:///"))
            for each in self.folder.glob(f"{file.name}*"):
                each.unlink()
            return
        assert self.postgres is not None
        await self.postgres.drop(url.partition("@/")[2].partition("?")[0])


async def _migrate(url: str) -> None:
    store = open_store(url)
    await store.prepare()
    await store.close()
