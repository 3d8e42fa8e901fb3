"""What is installed is what was locked, from wherever it is fetched."""

import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.unit.house.repository import ROOT, project, texts

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ \\]+) \\$")

# Written in two parts, so that this file does not break its own rule.
REGISTRIES = ["pypi" + ".org", "registry.npmjs" + ".org", "files.pythonhosted" + ".org"]
PLACES = ["/work" + "/", "/opt" + "/pypi", "/opt" + "/wheels", "/tmp" + "/spec"]


def pins(lock: Path) -> dict[str, str]:
    found = (PIN.match(line) for line in lock.read_text(encoding="utf-8").splitlines())
    return {match["name"]: match["version"] for match in found if match}


def asked(lock: str) -> list[str]:
    """Return what the project files ask for and *lock* must hold."""
    ours, groups = project()["project"]["dependencies"], project()["dependency-groups"]
    match lock:
        case "build":
            return [*groups["build"]]
        case "dev":
            return [*ours, *groups["dev"]]
        case _:
            return [*ours]


def meets(version: str | None, want: Requirement) -> bool:
    return version is not None and version in want.specifier


def test_there_are_locks() -> None:
    """Each environment has its own lock."""
    assert [lock.stem for lock in LOCKS] == ["agents", "build", "dev", "server"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_has_a_hash(lock: Path) -> None:
    """A package that was swapped on the way is refused, whichever it is."""
    text = re.sub(r"^ *#.*\n", "", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())

    assert len(entries) == len(pins(lock)) > 0
    assert [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_no_lock_names_a_source(lock: Path) -> None:
    """Where packages come from is the installer's business: a mirror serves as well as the original."""
    assert (
        re.findall(r"https?:|file:|--(?:index|extra-index|find-links)", lock.read_text(encoding="utf-8"))
        == []
    )


@pytest.mark.parametrize("lock", ["build", "server", "dev"])
def test_what_is_asked_for_is_locked(lock: str) -> None:
    """A dependency that was added or raised without `make lock` does not pass."""
    locked = pins(ROOT / "requirements" / f"{lock}.txt")
    wanted = [Requirement(line) for line in asked(lock)]

    assert [str(want) for want in wanted if not meets(locked.get(canonicalize_name(want.name)), want)] == []


def test_the_environments_agree() -> None:
    """What is tested is what is served: no two locks name two versions of one package."""
    dev = pins(ROOT / "requirements" / "dev.txt")
    others = {lock.stem: pins(lock) for lock in LOCKS}

    assert {
        (where, package)
        for where, locked in others.items()
        for package, version in locked.items()
        if dev.get(package, version) != version
    } == set()


def test_the_lock_of_npm_names_no_source() -> None:
    """The integrity of each package is locked, the address of none."""
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    fetched = {name: package for name, package in packages.items() if name}

    assert [name for name, package in fetched.items() if "resolved" in package] == []
    assert [name for name, package in fetched.items() if "integrity" not in package] == []


def test_there_is_no_lock_that_names_a_registry_by_design() -> None:
    """The lock file of uv itself writes each package's address, so it stays out."""
    assert "uv.lock" not in texts()


@pytest.mark.parametrize("trace", [*REGISTRIES, *PLACES])
def test_nothing_names_the_machine_it_was_made_on(trace: str) -> None:
    """A checkout works anywhere: no file names a registry's host or a folder of somebody's machine."""
    assert [where for where, text in texts().items() if trace in text] == []
