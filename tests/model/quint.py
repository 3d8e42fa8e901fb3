"""
Runs Quint's simulator on the model, and reads the paths that it walked.

It is simulation, by Quint's own interpreter: seeded random paths, no proof.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODEL = Path(__file__).with_name("andon.qnt")
#: What must hold at every step of every path; each is a definition of this name in the model.
INVARIANTS = (
    "oneSettlement",
    "noStartUnderAStop",
    "oneStartAGrant",
    "noStartOfWhatIsOver",
    "noLateApproval",
    "enoughPeople",
    "stopEndsAll",
    "nothingLost",
)
#: `make install` puts it beside the environment that runs this, also for a copy of the checkout.
_QUINT = Path(sys.prefix).parent / "node_modules" / ".bin" / "quint"
_PATIENCE = 600
_OK, _VIOLATED = 0, 1


class QuintFailed(Exception):
    """Quint could not run the model: its own words say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """How far to go: as many paths, of as many steps, all drawn from the seed."""

    paths: int
    steps: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the model says at one moment."""

    now: int
    step: Mapping[str, Any]  #: What was done to come here.
    db: Mapping[str, Any]


def walk(how: Walk, folder: Path) -> Sequence[Sequence[State]]:
    """Return the paths of *how*; each was found to keep every invariant. Raises ``QuintFailed``."""
    out = ["--n-traces", str(how.paths), "--out-itf", str(folder / "path_{seq}.itf.json")]
    done = _run(MODEL, how, *out)
    if done.returncode != _OK:
        raise QuintFailed(done.stdout + done.stderr)
    files = sorted(folder.glob("path_*.itf.json"))
    if len(files) != how.paths:
        raise QuintFailed(f"{len(files)} paths of {how.paths} were written")
    return [_read(file) for file in files]


def violated(model: Path, how: Walk) -> Sequence[str]:
    """Return the invariants that some path through *model* breaks; none if all hold on all paths."""
    done = _run(model, how)
    if done.returncode == _OK:
        return ()
    broken = [name for name in INVARIANTS if f"❌ {name}" in done.stdout]
    if done.returncode != _VIOLATED or not broken:
        raise QuintFailed(done.stdout + done.stderr)
    return broken


def _run(model: Path, how: Walk, *more: str) -> subprocess.CompletedProcess[str]:
    walked = ["--max-samples", str(how.paths), "--max-steps", str(how.steps), "--seed", hex(how.seed)]
    command = [str(_QUINT), "run", "--backend", "typescript", "--verbosity", "1", *walked, *more]
    return subprocess.run(
        [*command, str(model), "--invariants", *INVARIANTS],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )


def _read(file: Path) -> Sequence[State]:
    states = json.loads(file.read_text(encoding="utf-8"))["states"]
    # The rest is what the model remembers of the path, for its invariants.
    return [
        State(now=_plain(state["now"]), step=_plain(state["last"]), db=_plain(state["db"]))
        for state in states
    ]


def _plain(value: Any) -> Any:
    """Return a value of the Informal Trace Format as one of Python's."""
    match value:
        case {"#bigint": digits}:
            return int(digits)
        case {"#set": members}:
            return frozenset(_plain(member) for member in members)
        case {"#map": pairs}:
            return {_plain(key): _plain(held) for key, held in pairs}
        case dict():
            return {name: _plain(held) for name, held in value.items()}
        case _:
            return value
