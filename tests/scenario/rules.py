"""The shipped configuration, and copies of it in which a scenario changed a line."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from bot.config import Loaded, load
from escalation.configuration import Configuration

ROOT = Path(__file__).resolve().parents[2]
TODAY = date(2026, 11, 16)
ANDON, MANIFEST = "andon.yaml", "agents/bank_reconciliation/manifest.yaml"
RUNBOOK = "runbooks/bank-reconciliation.md"


@dataclass(frozen=True, slots=True)
class Change:
    """One line of one file that reads differently."""

    file: str
    old: str
    new: str


@dataclass(slots=True)
class Rules:
    """What is in force in one world, and everything that ever was."""

    loaded: Loaded
    history: list[Configuration]

    def current(self) -> Configuration:
        """Return what is in force now."""
        return self.loaded.configuration

    def runbook(self, name: str) -> str | None:
        """Return a runbook's text as it is now."""
        return self.loaded.runbook_text(name)

    def become(self, loaded: Loaded) -> None:
        """Put *loaded* in force."""
        self.loaded = loaded
        self.history.append(loaded.configuration)


@cache
def shipped() -> Loaded:
    """Return the configuration in the repository."""
    return load(ROOT / ANDON, today=TODAY)


@cache
def changed(*changes: Change) -> Loaded:
    """Return the shipped configuration with *changes*, read from files as any other is."""
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in (ANDON, MANIFEST, RUNBOOK):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
        for change in changes:
            _apply(copy, change)
        return load(copy / ANDON, today=TODAY)


def with_second_agent() -> Loaded:
    """Return the shipped configuration with one more agent, which does the same for another function."""
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        copytree(ROOT / "runbooks", copy / "runbooks")
        for name in (ANDON, MANIFEST):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
        second = (copy / MANIFEST).read_text(encoding="utf-8")
        second = second.replace("agent: bank-reconciliation", "agent: expense-review")
        second = second.replace("function: finance", "function: travel")
        (copy / "agents/expense_review").mkdir()
        (copy / "agents/expense_review/manifest.yaml").write_text(second, encoding="utf-8")
        _apply(copy, Change(RUNBOOK, "[bank-reconciliation]", "[bank-reconciliation, expense-review]"))
        return load(copy / ANDON, today=TODAY)


def _apply(copy: Path, change: Change) -> None:
    path = copy / change.file
    text = path.read_text(encoding="utf-8")
    assert change.old in text, f"{change.file} has no {change.old!r}"
    path.write_text(text.replace(change.old, change.new), encoding="utf-8")
