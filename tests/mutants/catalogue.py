"""The patches: what each breaks, which test catches it, and whether it still applies."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]

#: What a patch says before its diff: what goes wrong for somebody, and the test that fails then.
_HEAD = re.compile(
    r"(?P<claim>[^\n]+(?:\n[^\n]+)*)\n\nCaught by: (?P<test>tests/\S+::\S+)\n\n(?=--- a/|diff )"
)


class NoMutant(Exception):
    """A patch does not say what it breaks, or which test catches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One bug."""

    patch: Path
    claim: str  #: What goes wrong for somebody.
    test: str  #: The node id of the test that catches it, in pytest's form.

    @property
    def name(self) -> str:
        """What it is called: the name of its file."""
        return self.patch.stem


def mutants(folder: Path = FOLDER) -> Sequence[Mutant]:
    """Return every mutant in *folder*, by name. Raises ``NoMutant``."""
    return [_read(patch) for patch in sorted(folder.glob("*.patch"))]


def apply(mutant: Mutant, tree: Path, *options: str) -> str | None:
    """Apply *mutant* to *tree*, with further *options* of ``git apply``; return why it does not apply."""
    command = ["git", "apply", "--whitespace=nowarn", *options, str(mutant.patch)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip()


def _read(patch: Path) -> Mutant:
    head = _HEAD.match(patch.read_text(encoding="utf-8"))
    if head is None:
        raise NoMutant(
            f"{patch.name}: begin with a sentence about what goes wrong, an empty line,"
            " `Caught by: tests/…::test_…`, an empty line, and then the diff"
        )
    return Mutant(patch=patch, claim=" ".join(head["claim"].split()), test=head["test"])
