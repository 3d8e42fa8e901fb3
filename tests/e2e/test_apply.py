"""Rules change while `andon serve` runs: by a changed file, by SIGHUP, and by `andon apply`."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.cli.common import today
from bot.config import load
from tests.e2e.installation import OURS, Installation, Server, installed, slack_that
from tests.harness.databases import FAST, Postgres, running_postgres

#: Seconds. It takes less than one; a slow machine gets more.
_SOON = 15.0
_MEMBERS, _SALMA_ALONE = "finance-managers: {members: [salma, khalid]", "finance-managers: {members: [salma]"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with running_postgres(FAST) as server:
        yield server


@pytest.fixture
async def sites(tmp_path: Path, server: Postgres) -> AsyncIterator[list[Installation]]:
    """Two installations with files of their own, over one PostgreSQL."""
    await server.create("andon")
    async with slack_that(OURS) as api_url:
        exported = {"ANDON_DATABASE_URL": server.url_of("andon"), "SLACK_API_URL": api_url}
        found = []
        for name in "ab":
            (tmp_path / name).mkdir()
            found.append(installed(tmp_path / name).exporting(**exported))
        yield found
    await server.drop("andon")


async def _logged(server: Server, event: str, what: str) -> None:
    async with asyncio.timeout(_SOON):
        while not any(
            f'"{event}"' in line and what in line
            for line in server.log.read_text(encoding="utf-8").splitlines()
        ):
            await asyncio.sleep(0.05)


def _version(site: Installation) -> str:
    return load(site.place / "andon.yaml", today=today()).configuration.version


async def _in_force(server: Postgres) -> object:
    [(version,)] = await server.execute("SELECT version FROM fence", database="andon")
    return version


async def test_a_changed_file_is_in_force_in_every_process(
    sites: list[Installation], server: Postgres
) -> None:
    """One changes its file; the other works by it as well, and nobody was restarted."""
    first, second = sites
    async with first.serving() as here, second.serving() as there:
        old = _version(first)
        first.change("andon.yaml", _MEMBERS, _SALMA_ALONE)
        new = _version(first)
        await _logged(here, "configuration_put_in_force", new)
        await _logged(there, "configuration_in_force", new)

        # A change that is none: it is told with its place, and everything goes on.
        first.change("andon.yaml", _SALMA_ALONE, "finance-managers: {members: [salma, nobody-here]")
        await _logged(here, "configuration_refused", "andon.yaml:14: ")
        assert await _in_force(server) == new

        # The other one's files are the old ones: they come into force when an operator says so.
        there.process.send_signal(signal.SIGHUP)
        await _logged(there, "configuration_put_in_force", old)
        await _logged(here, "configuration_in_force", old)


async def test_a_process_follows_what_is_applied(sites: list[Installation], server: Postgres) -> None:
    """`andon apply` reaches who serves; started again, with its old files, it stays with that."""
    first, second = sites
    old = _version(first)
    second.change("andon.yaml", _MEMBERS, _SALMA_ALONE)
    new = _version(second)
    async with first.serving() as here:
        done = await second.andon("apply")
        told = f"{old} -> {new}\nteam finance-managers: removed khalid\n"
        assert (done.status, done.out) == (0, f"{told}Version {new} is in force, as change 2.\n")
        await _logged(here, "configuration_in_force", new)
    async with first.serving() as late:
        await _logged(late, "these_files_are_not_in_force", old)
        assert await _in_force(server) == new


async def test_what_apply_says(here: Installation) -> None:
    """A dry run changes nothing and tells by its status what there is; what is wrong is refused."""
    first = await here.andon("apply")
    version = _version(here)
    assert (first.status, first.out.splitlines()[-1]) == (0, f"Version {version} is in force, as change 1.")
    here.change("andon.yaml", _MEMBERS, _SALMA_ALONE)
    dry = await here.andon("apply --dry-run")
    assert dry.status == 3
    assert dry.out == f"{version} -> {_version(here)}\nteam finance-managers: removed khalid\n"
    with closing(sqlite3.connect(here.database)) as database:
        assert database.execute("SELECT version, seq FROM fence").fetchall() == [(version, 1)]
    here.change("andon.yaml", "workspace: T01ANDON", "workspace:")
    wrong = await here.andon("apply")
    assert (wrong.status, wrong.out) == (1, "")
    assert wrong.err.startswith("andon.yaml:3: ")
