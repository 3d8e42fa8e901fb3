"""How the modules are cut, checked on every one of them."""

import ast
import re
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.unit.house.repository import ROOT, modules, name, texts

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
    files = [path for module in pure() for path in (ROOT / "escalation").glob(f"{module}.py")]
    files += [path for package in pure_packages() for path in (ROOT / "escalation" / package).rglob("*.py")]
    used = {name(path): imported(path) - allowed for path in files}

    assert len(used) >= len(pure())
    assert {module: names for module, names in used.items() if names} == {}


def test_no_pure_module_escapes_its_contract() -> None:
    """What lies below the adapters is held to be arithmetic, packages down to their last module."""
    rules = contract("rules")
    patterns = ["escalation.*", *(f"escalation.{package}.**" for package in pure_packages())]
    exempt = {line.partition(" -> ")[0] for line in rules["ignore_imports"] if line.endswith("**")}

    assert rules["source_modules"] == patterns
    assert exempt == {"escalation.store", "escalation.wakeups"}


def contract(key: str) -> dict[str, list[str]]:
    """Return an import contract: each option as its lines, without comments."""
    contracts = ConfigParser()
    contracts.read(ROOT / ".importlinter", encoding="utf-8")
    return {
        option: text.strip().split("\n") for option, text in contracts[f"importlinter:contract:{key}"].items()
    }


def pure() -> list[str]:
    """Return the modules and packages of the core's layers below its adapters."""
    layers = contract("core")["layers"]
    below = next(number for number, layer in enumerate(layers) if "store" in layer) + 1
    return re.findall(r"\w+", " ".join(layers[below:]))


def pure_packages() -> list[str]:
    return [module for module in pure() if (ROOT / "escalation" / module).is_dir()]


def imported(path: Path) -> set[str]:
    """Return the top-level names that the module at *path* imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(source)):
                found.add(source.partition(".")[0])
            case _:
                pass
    return found
