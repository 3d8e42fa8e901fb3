"""The bank reconciliation agent is layered as its package's docstring draws it."""

import ast
import re
from pathlib import Path

import reconcile

PACKAGE = Path(reconcile.__file__).parent

#: Highest first; siblings, joined by a bar, never import each other.
LAYERS = (
    "cli",
    "close | reverse",
    "book",
    "report",
    "requests",
    "postings | matching",
    "month",
    "statement | ledger",
    "shared",
)
LEVEL = {room: level for level, rooms in enumerate(reversed(LAYERS)) for room in rooms.split(" | ")}


def rooms() -> set[str]:
    """Return the modules and packages directly in the agent's package."""
    return {path.stem for path in PACKAGE.iterdir() if path.stem[:2] != "__"}


def imports() -> set[tuple[str, str]]:
    """Return which room imports from which other one."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {(room, name.split(".")[1]) for name in names if name.startswith("reconcile.")}
    return {(room, other) for room, other in found if room != other}


def test_every_room_imports_only_from_the_rooms_below_it() -> None:
    """No import runs upwards or sideways."""
    assert len(imports()) > len(LAYERS)
    assert {(room, other) for room, other in imports() if LEVEL[room] <= LEVEL[other]} == set()


def test_every_room_is_a_layer_and_drawn() -> None:
    """A new room must say where it belongs, here and in the docstring."""
    assert rooms() == LEVEL.keys()
    assert rooms() <= set(re.findall(r"\w+", reconcile.__doc__ or ""))
