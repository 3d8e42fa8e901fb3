"""Walks longer paths through the model than `make test` does, and carries each out with the real core."""

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path

from escalation.clock import monotonic
from escalation.store.sqlite import SqliteStore
from tests.model.mistakes import MISTAKES, with_mistake
from tests.model.quint import QuintFailed, State, Walk, violated, walk
from tests.model.replay import Diverged, Open, in_memory, replay
from tests.prove.section import Backend, Budget, Evidence, Section

_MEMORY, _SQLITE = Backend("memory"), Backend("sqlite")
#: Of one round: between two, the time is looked at.
_PATHS, _STEPS = 100, 60
#: Each path over SQLite waits for the disk at each step.
_ON_SQLITE = 40


@dataclass(slots=True)
class _Tally:
    """What came of the paths over one store."""

    backend: Backend
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def replay(self, path: Sequence[State], opened: Open, *, named: str) -> None:
        """Carry out *path*, and count it or note what went wrong."""
        try:
            steps = await replay(path, opened, lasting=self.backend != _MEMORY)
        except Diverged as error:
            self.wrong.append(f"{named}: {error}")
            return
        self.counts["paths of the model replayed"] += 1
        self.counts["steps compared"] += steps

    def evidence(self) -> Evidence:
        return Evidence(backend=self.backend, counts=self.counts, violations=tuple(self.wrong))


async def run(budget: Budget) -> tuple[Evidence, ...]:
    """Walk round after round until the time is over; each with a seed of its own."""
    until = monotonic() + budget.seconds
    memory, sqlite = _Tally(_MEMORY), _Tally(_SQLITE)
    empty = await _migrated(budget.folder)
    mistakes = cycle(MISTAKES)
    for seed in count(budget.seed):
        how = Walk(paths=_PATHS, steps=_STEPS, seed=seed)
        folder = budget.folder / f"model-{seed}"
        folder.mkdir(parents=True)
        try:
            paths = walk(how, folder)
        except QuintFailed as error:
            memory.wrong.append(f"seed {seed}: the model itself fails: {error}")
            break
        for number, path in enumerate(paths):
            if monotonic() >= until:
                return memory.evidence(), sqlite.evidence()
            named = f"seed {seed}, path {number}"
            await memory.replay(path, in_memory(), named=named)
            if number < _ON_SQLITE:
                await sqlite.replay(path, _on_file(empty, folder / f"{number}.db"), named=named)
        _notices(memory, next(mistakes), how, folder)
        shutil.rmtree(folder)
    return memory.evidence(), sqlite.evidence()


def _notices(tally: _Tally, name: str, how: Walk, folder: Path) -> None:
    if MISTAKES[name].breaks in violated(with_mistake(MISTAKES[name], folder), how):
        tally.counts["mistakes of the model noticed"] += 1
    else:
        tally.wrong.append(f"seed {how.seed}: the model does not notice that {name}")


def _on_file(empty: Path, file: Path) -> Open:
    shutil.copy(empty, file)
    return lambda clock: SqliteStore(file, clock)


async def _migrated(folder: Path) -> Path:
    file = folder / "empty.db"
    store = SqliteStore(file)
    await store.prepare()
    await store.close()
    return file


SECTION = Section(
    name="model",
    title="A model of requests, grants, stops, deadlines and crashes",
    promises="Whatever comes when, nothing runs that nobody allowed, that was stopped, or that ran before.",
    share=1,
    run=run,
)
