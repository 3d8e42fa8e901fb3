"""`andon doctor`: what it lists, what it lets go of, and what it refuses."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli import app
from deploy.demo.stack import AGENT
from tests.e2e.installation import installed

_AT = 1_795_283_040_000_000
_NEVER = 2**62
_WHY = "created_at is no instant that this version can tell"


@dataclass(frozen=True, slots=True)
class Shell:
    """Somebody at the command line of an installation."""

    database: Path

    def andon(self, line: str) -> Result:
        """Run `andon` with the arguments in *line*."""
        return CliRunner().invoke(app, line.split())

    def runs(self, sql: str, *values: object) -> None:
        """Change one row of the database."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            assert connection.execute(sql, values).rowcount == 1


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell where something is installed, and nothing was served yet."""
    here = installed(tmp_path)
    monkeypatch.chdir(here.place)
    for name, value in here.environment.items():
        monkeypatch.setenv(name, value)
    return Shell(here.database)


def _broken_key(shell: Shell, created_at: object) -> str:
    key = shell.andon(f"keys create --agent {AGENT}").stderr.split()[0]
    shell.runs("UPDATE agent_keys SET created_at = ?", created_at)
    aside = "INSERT INTO set_aside (tenant, kind, id, why, at) VALUES"
    shell.runs(f"{aside} ('T01ANDON', 'agent_keys', ?, ?, ?)", key, _WHY, _AT)
    return key


def test_what_is_set_aside_is_listed_and_let_go_after_its_repair(shell: Shell) -> None:
    """A row is listed with its reason; it is released when it can be read again, and not before."""
    key = _broken_key(shell, _NEVER)
    listed = shell.andon("doctor")
    assert (listed.exit_code, listed.stdout) == (0, f"agent_keys  {key}  since 2026-11-21 17:44Z  {_WHY}\n")
    assert listed.stderr.startswith("1 set aside. Repair the row")
    broken = shell.andon(f"doctor --release {key}")
    assert (broken.exit_code, broken.stdout) == (1, "")
    assert broken.stderr == (
        f"{key} stays set aside: agent_keys {key} cannot be read: {_WHY}."
        " Nothing was changed; repair it, then release it again.\n"
    )
    assert shell.andon("doctor").stdout == listed.stdout

    shell.runs("UPDATE agent_keys SET created_at = ?", _AT)
    released = shell.andon(f"doctor --release {key}")
    assert (released.exit_code, released.stdout) == (0, f"agent_keys {key} is released.\n")
    after = shell.andon("doctor")
    assert (after.exit_code, after.stdout, after.stderr) == (0, "Nothing is set aside.\n", "")
    assert "  row.released  operator  " in shell.andon(f"audit show --about {key}").stdout
    again = shell.andon(f"doctor --release {key}")
    assert (again.exit_code, again.stderr) == (1, f"{key} is not set aside; see `andon doctor`.\n")


def test_what_stands_in_a_broken_row_is_not_printed(shell: Shell) -> None:
    """What is stored is never shown, however it is broken."""
    key = _broken_key(shell, "hunter2")
    refused = shell.andon(f"doctor --release {key}")
    assert refused.exit_code == 1
    assert "hunter2" not in refused.output
