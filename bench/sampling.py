"""
Samples where a program's processor time goes: every few milliseconds of it, which function runs.

    python -m bench.sampling FILE serve --port 8000    # `andon serve`, sampled into FILE

Time in C counts for the Python function that called it. The file is written anew ten times a second, since a
server ends by a signal.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

_EVERY: Final = 0.002
_WRITE_AFTER: Final = 25  #: Samples: what was taken before a measurement must not be counted in it.
_OURS: Final = ("bot", "escalation")


@dataclass(slots=True)
class Samples:
    """What was running, and how often it was."""

    packages: Counter[str] = field(default_factory=Counter)  #: The package of the innermost function.
    functions: Counter[str] = field(default_factory=Counter)  #: The innermost function.
    ours: Counter[str] = field(default_factory=Counter)  #: The innermost module of ours on the stack.

    def take(self, frame: FrameType | None) -> None:
        """Count what *frame* runs."""
        if frame is None:
            return
        name = _module(frame)
        self.packages[_package(name)] += 1
        self.functions[f"{name}.{frame.f_code.co_qualname}"] += 1
        ours = next((found for found in _modules(frame) if found.startswith(_OURS)), "none of ours")
        self.ours[ours] += 1

    def saved(self) -> str:
        """Return them as text."""
        return json.dumps({"packages": self.packages, "functions": self.functions, "ours": self.ours})

    @classmethod
    def of(cls, text: str) -> "Samples":
        """Return what ``saved`` made *text* of."""
        found: Mapping[str, Mapping[str, int]] = json.loads(text)
        return cls(**{name: Counter(counts) for name, counts in found.items()})


@contextmanager
def sampled(file: Path | None = None) -> Iterator[Samples]:
    """Sample the main thread during the block, into *file* too."""
    samples = Samples()
    taken = 0

    def take(_: int, frame: FrameType | None) -> None:
        nonlocal taken
        samples.take(frame)
        taken += 1
        if file is not None and taken % _WRITE_AFTER == 0:
            new = file.with_suffix(".new")
            new.write_text(samples.saved(), encoding="utf-8")
            new.rename(file)

    before = signal.signal(signal.SIGPROF, take)
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _modules(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        yield _module(frame)
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))


def _package(module: str) -> str:
    first, _, rest = module.partition(".")
    if first in {*_OURS, "bench"}:
        return ".".join((first, *rest.split(".")[:1])).rstrip(".")
    return f"{first} (standard library)" if first in sys.stdlib_module_names else first


def main() -> None:
    """Run the ``andon`` command, sampled."""
    from bot.__main__ import main as andon

    file = Path(sys.argv[1])
    sys.argv = ["andon", *sys.argv[2:]]
    with sampled(file):
        andon()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
