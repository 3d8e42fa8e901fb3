"""What only a SQLite file has to show: who may serve and read it, and what if it cannot be written."""

import asyncio
import fcntl
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from escalation.errors import AlreadyServed, StoreError, StoreUnavailable
from escalation.ids import RequestId
from escalation.ports import Page
from escalation.store import Database
from escalation.store.tables import APPEND_ONLY
from tests.contract import samples
from tests.contract.samples import MovableClock

NOBODY = 65534


def _open(file: Path) -> Database:
    return samples.opened(f"sqlite+aiosqlite:///{file}", MovableClock())


async def _add(store: Database, *names: str) -> None:
    async with store.write() as tx:
        await samples.add_requests(tx, *names)


async def _names(store: Database) -> set[str]:
    async with store.read() as tx:
        return {found.id for found in await tx.requests.page(Page(limit=999))}


def test_a_file_is_served_by_one(file: Path) -> None:
    """A second server of the same file is refused, by name; when the first is gone it may."""
    with _open(file).serve_lock(), pytest.raises(AlreadyServed, match=str(file)):
        _open(file).serve_lock().__enter__()
    with _open(file).serve_lock():
        pass


async def test_a_command_may_look_while_it_is_served(file: Path) -> None:
    """The lock keeps out servers alone: a command at the side reads and writes the file."""
    served, command = _open(file), _open(file)
    with served.serve_lock():
        await _add(served, "1")
        await _add(command, "2")
        assert await _names(served) == await _names(command) == {"req_1", "req_2"}
    await served.close()
    await command.close()


async def test_nobody_else_reads_the_file(tmp_path: Path) -> None:
    """A new database, its log and its lock belong to their owner alone."""
    os.umask(os.umask(0))
    store = _open(tmp_path / "new.db")
    await store.prepare()
    with store.serve_lock():
        await _add(store, "1")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"new.db", "new.db-wal", "new.db.lock"} <= modes.keys()
    await store.close()


async def test_a_commit_is_on_the_disk(file: Path) -> None:
    """Each commit waits for the disk, so that a power cut takes nothing that was promised."""
    store = _open(file)
    await _add(store, "1")
    writer = store._writer._connection  # type: ignore[attr-defined]  # there is no other way to see it
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA foreign_keys").fetchone() == (1,)
    await store.close()


async def test_what_was_committed_survives_a_kill(file: Path) -> None:
    """A process that is killed right after a commit leaves the commit and nothing of what followed."""
    program = (
        "import asyncio, os, signal\n"
        "from tests.contract import samples\n"
        "async def main():\n"
        f"    store = samples.opened('sqlite+aiosqlite:///{file}')\n"
        "    async with store.write() as tx: await samples.add_requests(tx, '1')\n"
        "    async with store.write() as tx:\n"
        "        await samples.add_requests(tx, '2')\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    killed = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", program], check=False)
    assert killed.returncode == -9
    store = _open(file)
    assert await _names(store) == {"req_1"}
    await store.close()


async def test_another_process_that_writes_is_waited_for(file: Path) -> None:
    """While another process holds the file, a transaction waits for it without holding up the rest."""
    store = _open(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(_add(store, "1"))
    await asyncio.sleep(0.1)
    assert not adding.done()
    other.rollback()
    await asyncio.wait_for(adding, 1)
    other.close()
    assert await _names(store) == {"req_1"}
    await store.close()


async def test_another_process_that_never_ends_is_given_up_on(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that stays locked is unavailable, and works again once it is let go of."""
    monkeypatch.setattr("escalation.store.sqlite_writer._PATIENCE", 0.05)
    store = _open(file)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await _add(store, "1")
    other.rollback()
    other.close()
    await _add(store, "1")
    await store.close()


@pytest.fixture
def read_only(file: Path) -> Iterator[Path]:
    """A file that this process, for now, may read but not write."""
    home = Path(tempfile.mkdtemp(prefix="andon-"))
    home.chmod(0o755)
    copy = home / "andon.db"
    copy.write_bytes(file.read_bytes())
    copy.chmod(0o444)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)  # root may write whatever it likes
    yield copy
    if root:
        os.seteuid(0)
    copy.unlink()
    home.rmdir()


async def test_a_read_only_file_is_unavailable(read_only: Path) -> None:
    """A file that may not be written is unavailable for changes, and says so."""
    store = _open(read_only)
    with pytest.raises(StoreUnavailable):
        await _add(store, "1")
    with pytest.raises(StoreUnavailable):
        await store.prepare()
    await store.close()


async def test_a_full_disk_changes_nothing_and_passes(file: Path) -> None:
    """When the disk is full every transaction of that commit is refused whole; with room again all works."""
    store = _open(file)
    await _add(store, "0")
    writer = store._writer._connection  # type: ignore[attr-defined]  # to take its room away
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count={pages + 1}")
    names = [f"{number:03}" for number in range(40)]
    outcomes = await asyncio.gather(*(_add(store, name) for name in names), return_exceptions=True)
    kept = {f"req_{name}" for name, outcome in zip(names, outcomes, strict=True) if outcome is None}
    assert any(isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    assert {type(outcome) for outcome in outcomes} <= {StoreUnavailable, type(None)}
    assert await _names(store) == kept | {"req_0"}
    writer.execute("PRAGMA max_page_count=1000000")
    await _add(store, "again")
    assert await _names(store) == kept | {"req_0", "req_again"}
    await store.close()


async def test_a_missing_file_is_not_made_by_looking(tmp_path: Path) -> None:
    """A store whose file is gone is unavailable; only preparing it makes one."""
    store = _open(tmp_path / "gone.db")
    with pytest.raises(StoreUnavailable):
        await _add(store, "1")
    with pytest.raises(StoreError):
        await store.check()
    assert list(tmp_path.iterdir()) == []


async def test_a_missing_directory_is_said(tmp_path: Path) -> None:
    """A path that leads nowhere is unavailable, not a crash."""
    store = _open(tmp_path / "nowhere" / "andon.db")
    with pytest.raises(StoreUnavailable):
        await store.prepare()
    with pytest.raises(StoreUnavailable), store.serve_lock():
        pass


async def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    """A file that is something else is unavailable, and is left as it was."""
    file = tmp_path / "notes.txt"
    file.write_text("not a database " * 100)
    with pytest.raises(StoreUnavailable):
        await _open(file).prepare()
    assert file.read_text() == "not a database " * 100


async def test_the_record_is_only_ever_added_to(sqlite: Database, file: Path) -> None:
    """Not even with the file in hand are events, links, seals or decisions changed or deleted by SQL."""
    await samples.fill_the_record(sqlite)
    connection = sqlite3.connect(file, isolation_level=None)
    for table in APPEND_ONLY:
        for change in samples.changes_of(table):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                connection.execute(change)
    connection.close()


async def test_a_caller_that_leaves_does_not_spoil_the_commit(sqlite: Database) -> None:
    """Cancelled while its commit is under way, a transaction takes neither itself nor its neighbours back."""
    tasks = [asyncio.create_task(_add(sqlite, f"{number}")) for number in range(3)]
    while not await _is_committing(sqlite):
        await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.gather(*tasks[1:])
    assert {"req_1", "req_2"} <= await _names(sqlite)
    await _add(sqlite, "again")


async def _is_committing(store: Database) -> bool:
    writer = store._writer  # type: ignore[attr-defined]  # there is no other way to see it
    return writer is not None and writer._commit is not None


async def test_closing_finishes_what_was_promised(file: Path) -> None:
    """A store that is closed at once keeps what was committed, and can be opened again."""
    store = _open(file)
    await _add(store, "1")
    await store.close()
    again = _open(file)
    async with again.read() as tx:
        assert await tx.requests.get(RequestId("req_1")) is not None
    await again.close()


def test_the_lock_dies_with_its_process(file: Path) -> None:
    """The lock is the kernel's: nothing is left of it when its holder is gone."""
    with _open(file).serve_lock():
        pass
    descriptor = os.open(f"{file}.lock", os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
