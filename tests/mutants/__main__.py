"""
Breaks the program on purpose, one patch at a time, and sees that the test it names fails.

    python -m tests.mutants            every patch
    python -m tests.mutants NAME …     these

Each patch is applied to a copy of this checkout. Its test has to pass without it and to fail with it;
a patch that no longer applies, or breaks so much that the test cannot even be collected, fails the run.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.catalogue import ROOT, Mutant, apply, mutants

#: Seconds for one test.
_PATIENCE = 300
#: Exit codes of pytest.
_PASSED, _FAILED = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one mutant."""

    mutant: Mutant
    problem: str | None  #: None: its test caught it.
    seconds: float


def main(names: Sequence[str]) -> int:
    """Try the mutants called *names*, or all of them; return the exit code."""
    known = {mutant.name: mutant for mutant in mutants()}
    if unknown := [name for name in names if name not in known]:
        print(f"There is no tests/mutants/{unknown[0]}.patch.", file=sys.stderr)
        return 2
    chosen = [known[name] for name in names] or list(known.values())
    with tempfile.TemporaryDirectory(prefix="andon-mutants-") as folder:
        copies = [_copy(Path(folder) / str(number)) for number in range(os.cpu_count() or 1)]
        if (broken := _pytest(copies[0], sorted({mutant.test for mutant in chosen}))) != _PASSED:
            print(f"The tests do not pass without any mutant (pytest: {broken}).", file=sys.stderr)
            return 1
        verdicts = _try_all(chosen, copies)
    escaped = [verdict for verdict in verdicts if verdict.problem is not None]
    print(f"\n{len(verdicts) - len(escaped)} of {len(verdicts)} seeded bugs caught.")
    return 1 if escaped else 0


def _try_all(chosen: Sequence[Mutant], copies: Sequence[Path]) -> list[Verdict]:
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(mutant: Mutant) -> Verdict:
        tree = free.get()
        began = time.monotonic()
        try:
            problem = _escapes(mutant, tree)
        finally:
            free.put(tree)
        verdict = Verdict(mutant=mutant, problem=problem, seconds=time.monotonic() - began)
        word = "caught" if problem is None else f"NOT CAUGHT: {problem}"
        print(f"{mutant.name:<44} {verdict.seconds:6.1f} s  {word}", flush=True)
        if problem is not None:
            print(f"    {mutant.claim}\n    {mutant.test}", flush=True)
        return verdict

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(one, chosen))


def _escapes(mutant: Mutant, tree: Path) -> str | None:
    """Return why *mutant* is not caught in *tree*, which is left as it was; None if it is."""
    if (why := apply(mutant, tree)) is not None:
        return f"it no longer applies: {why}"
    try:
        code = _pytest(tree, [mutant.test])
    finally:
        apply(mutant, tree, "--reverse")
    if code == _FAILED:
        return None
    return "its test passes" if code == _PASSED else f"its test could not be run (pytest: {code})"


def _copy(folder: Path) -> Path:
    """Copy what git knows of this checkout, and what it would add, to *folder*."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def _pytest(tree: Path, tests: Sequence[str]) -> int | str:
    # Bytecode of a mutant has the size and, to the second, the time of the real one.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": f"{tree}:{tree / 'sdk/src'}"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, check=False, timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"no end after {_PATIENCE} s"
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
