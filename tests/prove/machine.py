"""Drawn histories of the service, on every database, for as long as there is time."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from escalation.clock import monotonic
from tests.harness.databases import FAST, running_postgres, running_valkey
from tests.machine import backends
from tests.machine.backends import MEMORY
from tests.machine.histories import Found, run
from tests.machine.play import Play, Together
from tests.prove.section import Backend, Budget, Evidence, Section

#: Of the time: histories in memory are cheap, and most rules are tried there.
_SHARES = {"memory": 0.35, "sqlite": 0.25, "postgresql": 0.25, "postgresql+valkey": 0.15}
#: Seeds of `make test` are below: each run of the proof plays others.
_FIRST_SEED = 1_000_000
#: After so many that break, more of the same tell nothing new.
_ENOUGH = 5


async def prove(budget: Budget) -> tuple[Evidence, ...]:
    """Play histories on each database in turn."""
    found = []
    for number, (name, share) in enumerate(_SHARES.items()):
        seed = _FIRST_SEED + (budget.seed * len(_SHARES) + number) * _FIRST_SEED
        async with _backend(name, budget) as where:
            found.append(await _play(where, seed, seconds=budget.seconds * share))
    return tuple(found)


async def _play(where: backends.Backend, first: int, *, seconds: float) -> Evidence:
    until, counts = monotonic() + seconds, Counter[str]()
    violations: list[str] = []
    seed = first
    while monotonic() < until and len(violations) < _ENOUGH:
        try:
            counts += _told(await run(where, seed))
        except Found as broken:
            violations.append(str(broken))
        seed += 1
    return Evidence(backend=Backend(where.name), counts=counts, violations=tuple(violations))


def _told(play: Play) -> Counter[str]:
    steps = [step for move in play.done for step in (move.steps if isinstance(move, Together) else (move,))]
    return Counter(
        {
            "histories": 1,
            "steps": len(steps),
            "steps at once with another": sum(len(m.steps) for m in play.done if isinstance(m, Together)),
            "deaths at a commit": sum(None in answers for answers in play.answers),
            "requests": len(play.truth.cases),
        }
    )


@asynccontextmanager
async def _backend(name: str, budget: Budget) -> AsyncIterator[backends.Backend]:
    if name == "memory":
        yield MEMORY
    elif name == "sqlite":
        yield await backends.sqlite(budget.folder)
    elif name == "postgresql":
        with running_postgres(FAST) as server:
            yield await backends.postgresql(server)
    else:
        with running_postgres(FAST) as server, running_valkey() as valkey:
            yield await backends.postgresql(server, valkey=valkey.connection_url)


SECTION = Section(
    name="machine",
    title="Drawn histories of the service",
    promises=(
        "Whatever people, agents, clocks, deaths of a process, changes of rules and Slack do to each other,"
        " a request, a grant or a stop would be other than a second account of it, kept in other code, says."
    ),
    share=1.0,
    run=prove,
)
