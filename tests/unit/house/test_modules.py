"""How the modules are cut, checked on every one of them."""

import ast
import re
import sys

import pytest

from tests.unit.house.repository import ROOT, modules, name, project, texts

LONGEST = 500  # lines


def test_no_module_is_a_monster() -> None:
    """A module that nobody can hold in the head is two modules."""
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}

    assert {module: lines for module, lines in lengths.items() if lines > LONGEST} == {}


def test_every_module_opens_with_a_sentence() -> None:
    """Whoever opens a module reads in its first paragraph what it is for."""
    silent = [name(path) for path in modules() if not opens_with_a_sentence(path.read_text(encoding="utf-8"))]

    assert silent == []


def opens_with_a_sentence(code: str) -> bool:
    if not code.strip():
        return True  # an empty __init__.py says nothing, and has nothing to say
    opening = (ast.get_docstring(ast.parse(code)) or "").split("\n\n")[0].strip()
    return " " in opening and opening.endswith((".", "?", "!", ":"))


@pytest.mark.parametrize(
    ("code", "opens"),
    [
        ('"""What time it is."""\n', True),
        ('"""\nWhat can go wrong\non our side.\n\n    Tree\n"""\n', True),
        ("", True),
        ("import os\n", False),
        ('"""clock"""\n', False),
        ('"""Helpers for the clock"""\n', False),
    ],
)
def test_a_sentence_is_recognised(code: str, opens: bool) -> None:  # noqa: FBT001  a table's column
    """A word is no sentence, and neither are words without an end."""
    assert opens_with_a_sentence(code) is opens


@pytest.mark.parametrize("folder", ["agents", "runbooks"])
def test_content_is_no_package(folder: str) -> None:
    """A top-level package named like another distribution's would take its place (see docs/adr/0002)."""
    assert not (ROOT / folder / "__init__.py").exists()


def test_nothing_is_left_for_later() -> None:
    """What is not finished is not in the repository."""
    marks = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME"]) + r")\b")

    assert [where for where, text in texts().items() if marks.search(text)] == []


def test_the_rules_stand_on_the_standard_library() -> None:
    """The pure modules need canonical JSON and the evaluator of conditions, and nothing else from outside."""
    allowed = sys.stdlib_module_names | {"escalation", "rfc8785", "cel"}
    used = {module: imported(module) - allowed for module in pure()}

    assert {module: names for module, names in used.items() if names} == {}


def test_no_pure_module_escapes_its_contract() -> None:
    """Each file directly in the core, and each port, is held to be pure; what waits is elsewhere."""
    here = {f"escalation.{path.stem}" for path in (ROOT / "escalation").glob("*.py")}

    assert here - {"escalation.__init__"} == pure() - {"escalation.ports"}


def pure() -> set[str]:
    contracts = project()["tool"]["importlinter"]["contracts"]
    (rules,) = [contract for contract in contracts if contract["name"].startswith("The rules are arithmetic")]
    return set(rules["source_modules"])


def imported(module: str) -> set[str]:
    """Return the top-level names that *module* imports."""
    path = ROOT / module.replace(".", "/")
    files = list(path.glob("*.py")) or [path.with_suffix(".py")]
    found = set()
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))):
        match node:
            case ast.Import(names=names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(source)):
                found.add(source.partition(".")[0])
            case _:
                pass
    return found
