"""What `docs/guarantees.md` names is there: files, commands, and the invariants of the model."""

import re

import pytest

from bot.cli import app
from tests.model.quint import INVARIANTS, MODEL
from tests.unit.house.repository import ROOT

PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
MARKED = re.findall(r"`([^`\n]+)`", PAGE)


def rows() -> list[tuple[str, str]]:
    """Return each promise, and what stands beside it."""
    found = re.findall(r"^\| (?!Promise \||---)(.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    return [(promise, backing) for promise, backing in found]


def test_every_file_is_there() -> None:
    """Every path that the page gives exists."""
    paths = [mark for mark in MARKED if re.match(r"(?:tests|docs|bot|escalation|deploy)/", mark)]
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(("promise", "backing"), rows())
def test_every_promise_is_backed_by_tests(promise: str, backing: str) -> None:
    """Beside each promise stand files of tests, each with tests in it, and nothing else."""
    named = re.findall(r"`(tests/[\w/]+\.py)`", backing)
    assert re.sub(r"`[^`]+`(?:, )?", "", backing) == ""
    assert named, promise
    for path in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(r"^(?:async )?def test_|TestCase|\.TestCase", text, re.MULTILINE), path


def test_every_command_is_there() -> None:
    """Each `make` and each `andon` command that the page names can be run."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    made = {mark.split()[1] for mark in MARKED if mark.startswith("make ")}
    groups = {
        group.name: group.typer_instance.registered_commands
        for group in app.registered_groups
        if group.typer_instance is not None
    }
    own = {command.name for command in app.registered_commands}
    assert made
    assert made <= targets
    for words in (mark.split()[1:] for mark in MARKED if mark.startswith("andon ")):
        assert words[0] in own or words[0] in groups
        if words[0] in groups:
            known = {str(each.name or getattr(each.callback, "__name__", "")) for each in groups[words[0]]}
            assert words[1] in known


def test_every_invariant_of_the_model_is_named() -> None:
    """The page names the invariants that are checked, all of them, as the model does."""
    model = MODEL.read_text(encoding="utf-8")
    assert [name for name in INVARIANTS if f"`{name}`" not in PAGE or f"val {name} =" not in model] == []
