"""`andon restore`: what an operator is told and does at the shell after a backup was brought back."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters import heads_of, open_core
from bot.config import environment, load
from escalation.clock import SystemClock
from escalation.engine.heads import Watch
from escalation.errors import HeadUnknown
from escalation.service import restore, seal
from tests.e2e.installation import Installation
from tests.e2e.test_doctor import Shell, shell

__all__ = ["shell"]

ACKNOWLEDGE = "restore acknowledge --by nadia --reason disk-failed"


def _served(place: Path) -> None:
    """Do what a server does in its first seconds: check, seal, keep the head."""

    async def serve() -> None:
        loaded = load(place / "andon.yaml", today=SystemClock().now().date())
        async with open_core(environment(), loaded.configuration) as opened:
            core = replace(opened, heads=heads_of(environment()))
            await restore.begin(core)
            while await seal.seal(core, batch=100):
                pass
            await Watch(core).module.run()

    asyncio.run(serve())


@pytest.fixture
def restored(shell: Shell) -> Shell:
    """A shell where an older copy of the database was brought back, and no server runs."""
    place = shell.database.parents[1]
    assert shell.andon("apply").exit_code == 0
    _served(place)
    copy = shutil.copy(shell.database, place / "backup.db")
    for _ in range(3):
        assert shell.andon("keys create --agent bank-reconciliation").exit_code == 0
    _served(place)
    for beside in place.glob("var/andon.db-*"):
        beside.unlink()
    shutil.copy(copy, shell.database)
    return shell


def test_an_operator_is_led_through_a_restore(restored: Shell) -> None:
    """The doctor says that the copy is older; a dry run, what follows; acknowledged, all is in order."""
    sick = restored.andon("doctor").stderr
    assert "The database may be an older copy: the head kept outside is at 4 of " in sick
    assert ", this database ends at 1 of " in sick
    foreseen = restored.andon(f"{ACKNOWLEDGE} --dry-run")
    assert foreseen.exit_code == 0
    assert foreseen.stdout.startswith("Lost: the head kept outside is at 4 of ")
    assert "0 waiting requests end" in foreseen.stdout
    _served(restored.database.parents[1])
    assert "Releases are FROZEN: the head kept outside" in restored.andon("doctor").stderr
    nobody = restored.andon("restore acknowledge --by salma --reason why")
    assert (nobody.exit_code, "Only operators named in andon.yaml" in nobody.stderr) == (1, True)
    done = restored.andon(ACKNOWLEDGE)
    assert done.stdout.startswith("Epoch 2 begins. Everything is stopped, and what waits is being ended.\n")
    _served(restored.database.parents[1])
    assert restored.andon("doctor").stderr == ""
    assert restored.andon("restore check").stdout.startswith(
        "The database has the head in var/andon.db.head, at "
    )
    stale = restored.andon(f"restore check --epoch 1 --head 4:{'a' * 64}")
    assert (stale.exit_code, "proves nothing in epoch 2" in stale.stderr) == (1, True)
    again = restored.andon(ACKNOWLEDGE)
    assert (again.exit_code, "not frozen" in again.stderr) == (1, True)


def test_a_lost_head_is_found_in_the_audit_channel(restored: Shell) -> None:
    """Without the file nothing starts; the head that somebody noted tells, and to look changes nothing."""
    place = restored.database.parents[1]
    head = place / "var" / "andon.db.head"
    noted = head.read_text()
    head.unlink()
    with pytest.raises(HeadUnknown, match="is missing"):
        _served(place)
    assert "is missing" in restored.andon("doctor").stderr
    hash_ = noted.partition('"hash":"')[2][:64]
    older = restored.andon(f"restore check --head 4:{hash_}")
    assert older.exit_code == 1
    assert (
        "older copy, or another one: the head kept outside is at 4, this database ends at 1" in older.stderr
    )
    assert "run it again with --freeze" in older.stderr
    assert not head.exists()
    frozen = restored.andon(f"restore check --head 4:{hash_} --freeze")
    assert (frozen.exit_code, "Releases are frozen." in frozen.stderr) == (1, True)
    assert restored.andon(ACKNOWLEDGE).exit_code == 0
    assert '"epoch":2' in head.read_text()


def test_a_head_from_before_the_backup_hides_nothing(restored: Shell) -> None:
    """The file knows better than what was noted long ago: it stays, and it is what releases freeze by."""
    place = restored.database.parents[1]
    head = place / "var" / "andon.db.head"
    kept = head.read_text()
    with closing(sqlite3.connect(restored.database)) as database:
        [[hash_]] = database.execute("SELECT hash FROM audit_links WHERE seq = 1").fetchall()
    looked = restored.andon(f"restore check --head 1:{hash_}")
    assert (looked.exit_code, "the head kept outside is at 4" in looked.stderr) == (1, True)
    assert head.read_text() == kept
    frozen = restored.andon(f"restore check --head 1:{hash_} --freeze")
    assert (frozen.exit_code, "Releases are frozen." in frozen.stderr) == (1, True)
    assert "Releases are FROZEN" in restored.andon("doctor").stderr
    head.write_text(kept.replace('"record":"rec_', '"record":"rec_x'))
    foreign = restored.andon(f"restore check --head 1:{hash_} --freeze")
    assert "Nothing was changed: name another file with ANDON_HEAD_FILE" in foreign.stderr
    refused = restored.andon(ACKNOWLEDGE)
    assert (refused.exit_code, "another database's record" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    "head", ["", "4", "4:", "x:" + "a" * 64, "4:" + "g" * 64, "0:" + "a" * 64, f"{2**63}:" + "a" * 64]
)
def test_what_is_no_head_is_refused(shell: Shell, head: str) -> None:
    """The error says what to write instead, and no database is opened."""
    refused = shell.andon(f"restore check --head={head}")
    assert refused.exit_code == 1
    assert "is no head; write POSITION:HASH" in refused.stderr
    assert not shell.database.exists()


def test_an_acknowledgement_has_a_reason(shell: Shell) -> None:
    """It is on the record for good, so it is asked for."""
    empty = shell.andon("restore acknowledge --by nadia --reason=")
    assert (empty.exit_code, "--reason is empty; write what happened" in empty.stderr) == (1, True)


async def test_a_server_keeps_its_head_and_does_not_start_without(here: Installation) -> None:
    """A server that runs keeps the head beside its file; one that misses it says what to do, and ends."""
    head = here.database.with_name("andon.db.head")
    async with here.serving(), asyncio.timeout(120):
        while not head.exists():
            await asyncio.sleep(0.05)
    head.unlink()
    ran = await here.andon("serve --port 0")
    assert (ran.status, ran.out) == (1, "")
    said = ran.err.splitlines()[-1]
    assert said.startswith("var/andon.db.head: the head that was kept outside is missing")
    assert said.endswith("run `andon restore check --head POSITION:HASH`")
