"""The model keeps its invariants, and the real core does what the model does."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from escalation.store.sqlite import SqliteStore
from tests.model.mistakes import MISTAKES, with_mistake
from tests.model.quint import INVARIANTS, MODEL, State, Walk, violated, walk
from tests.model.replay import in_memory, replay

pytestmark = pytest.mark.slow

_WALK = Walk(paths=200, steps=30, seed=20261116)
#: Each path again over SQLite costs a commit to disk a step: some of them tell of the adapter.
_ON_SQLITE = 40
#: Everything that the model can do; a walk that never does it says nothing about it.
_DONE = {
    ("propose", True),
    ("propose", False),
    ("approve", True),
    ("approve", False),
    ("reject", True),
    ("cancel", True),
    ("claim", True),
    ("claim", False),
    ("report", True),
    ("report", False),
    ("resolve succeeded", True),
    ("resolve failed", True),
    ("stop", True),
    ("resume", True),
    ("resume", False),
    ("climb", True),
    ("lapse", True),
    ("end requests", True),
    ("revoke grants", True),
    ("finish sweep", True),
    ("finish sweep", False),
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Sequence[State]]:
    """The paths that Quint walks through the model, once for all tests: each keeps every invariant."""
    return walk(_WALK, tmp_path_factory.mktemp("paths"))


def test_the_paths_go_everywhere(paths: Sequence[Sequence[State]]) -> None:
    """Each step of the model is taken, with each outcome it can have, and processes die at each."""
    steps = [state.step for path in paths for state in path]
    assert {(step["op"], step["ok"]) for step in steps} >= _DONE
    dead = {step["op"] for step in steps if step["how"].startswith("dies")}
    assert dead >= {op for op, _ in _DONE}
    ends = {row["state"] for path in paths for row in path[-1].db["requests"].values()}
    assert ends == {"pending", "approved", "rejected", "timed_out", "cancelled", "killed"}
    grants = {row["state"] for path in paths for row in path[-1].db["grants"].values()}
    assert grants == {"granted", "claimed", "succeeded", "failed", "unknown", "expired", "revoked"}


async def test_the_core_does_what_the_model_does(paths: Sequence[Sequence[State]]) -> None:
    """Carried out by the use cases in memory, each step leaves the rows that the model says."""
    steps = [await replay(path, in_memory(), lasting=False) for path in paths]
    assert (len(steps), set(steps)) == (_WALK.paths, {_WALK.steps})


async def test_so_it_does_on_sqlite(
    paths: Sequence[Sequence[State]], tmp_path: Path, migrated_file: Path
) -> None:
    """The same over a file that each death closes and the next process opens."""
    for number, path in enumerate(paths[:_ON_SQLITE]):
        file = Path(shutil.copy(migrated_file, tmp_path / f"{number}.db"))
        await replay(path, partial(SqliteStore, file), lasting=True)


@pytest.mark.parametrize("name", list(MISTAKES)[:4])
def test_a_mistake_of_the_model_is_noticed(name: str, tmp_path: Path) -> None:
    """A model that is wrong breaks the invariant that forbids just that; `make prove` tries all of them."""
    assert MISTAKES[name].breaks in violated(with_mistake(MISTAKES[name], tmp_path), _WALK)


def test_every_invariant_has_a_mistake() -> None:
    """Each invariant is broken by one of the mistakes, and each mistake still applies."""
    text = MODEL.read_text(encoding="utf-8")
    assert {mistake.breaks for mistake in MISTAKES.values()} == set(INVARIANTS)
    assert [name for name, mistake in MISTAKES.items() if text.count(mistake.right) != 1] == []
