"""The checkout as the house tests see it: its files, without what git ignores."""

import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


@cache
def files() -> tuple[Path, ...]:
    """Return every file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def modules() -> tuple[Path, ...]:
    """Return every Python file of ours."""
    return tuple(path for path in files() if path.suffix == ".py")


@cache
def texts() -> dict[str, str]:
    """Return the content of every text file, by its path from the root."""
    found = {}
    for path in files():
        try:
            found[name(path)] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture
    return found


def name(path: Path) -> str:
    """Return *path* as people write it."""
    return path.relative_to(ROOT).as_posix()


@cache
def project() -> dict[str, Any]:
    """Return ``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
