"""What every part of the proof is given, and what it gives back."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NewType

#: `sqlite`, `postgresql`, `postgresql+valkey` or `memory`.
Backend = NewType("Backend", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one section may use."""

    seconds: float  #: Begin nothing new after these.
    seed: int  #: Whatever is drawn is drawn from it.
    folder: Path  #: Of its own; for databases and logs.


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one section did, on one backend."""

    backend: Backend
    #: What was counted, in words that stand in docs/proof.md: "kills", "requests", "contested deadlines".
    counts: Mapping[str, int]
    #: What was found wrong, each with what repeats it. Empty is the goal.
    violations: tuple[str, ...] = ()
    #: What could not be tried here, and why.
    left_out: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the proof."""

    name: str  #: One word, as in `make prove ONLY=kills`.
    title: str  #: As a heading in docs/proof.md.
    promises: str  #: What it would have broken if it were not so, in one sentence for users.
    share: float  #: Of the time, beside the others' shares.
    run: Callable[[Budget], Awaitable[tuple[Evidence, ...]]]
