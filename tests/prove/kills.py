"""The proof by kills: trial after trial, on a SQLite file and on PostgreSQL at the same time."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from itertools import count
from typing import Any

from escalation.clock import monotonic
from tests.crash.kill_points import points
from tests.crash.mass import Ground, Toll, at_every_point, at_random, ground
from tests.harness.databases import FAST, running_postgres
from tests.prove.section import Backend, Budget, Evidence, Section
from tests.replicas.databases import Databases

#: Stories told in one database, before it is judged.
_STORIES = 25
_MAY_BE_OUT_OF_SIGHT = (
    "a power cut: SIGKILL ends the process, and what it wrote stays with the operating system",
    "kills of the agent's own process by SIGKILL; here an agent dies by never reporting",
)


async def run(budget: Budget) -> tuple[Evidence, ...]:
    """Kill until the time is over."""
    until = monotonic() + budget.seconds
    # What is killed here is the bot; a server that dies is a part of its own.
    with running_postgres(FAST) as postgres:
        databases = Databases(folder=budget.folder, postgres=postgres)
        return await _together(
            _on(databases, budget, until, on_postgresql=False),
            _on(databases, budget, until, on_postgresql=True),
        )


async def _together(*parts: Coroutine[Any, Any, Evidence]) -> tuple[Evidence, ...]:
    """Return what *parts* came to; if this is cancelled, what they have come to by then."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return tuple(task.result() for task in tasks)


async def _on(databases: Databases, budget: Budget, until: float, *, on_postgresql: bool) -> Evidence:
    backend = Backend("postgresql" if on_postgresql else "sqlite")
    sum_of = Toll()
    async with ground(databases, on_postgresql=on_postgresql) as on:
        # Whoever loses patience gets what there is.
        with suppress(asyncio.CancelledError):
            sum_of.add(await _every_point(on, budget.seed))
            for number in count():
                if monotonic() >= until:
                    break
                # Enough to be drawn again: this is the seed of one database.
                sum_of.add(await at_random(on, seed=(budget.seed, backend, number), stories=_STORIES))
    return _evidence(backend, sum_of)


async def _every_point(on: Ground, seed: int) -> Toll:
    try:
        return await at_every_point(on, rounds=3, seed=seed)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what was looked for
        return Toll(violations=[f"every kill point, seed {seed}: {type(error).__name__}: {error}"])


def _evidence(backend: Backend, found: Toll) -> Evidence:
    named = set(points())
    return Evidence(
        backend=backend,
        counts={
            "kills": found.kills.total(),
            "kills at a named point": sum(found.kills[point] for point in named),
            "kills before the process that had been restarted answered anything": found.in_recovery,
            "kill points met": sum(point in named for point in found.kills),
            "kill points in the code": len(named),
            "stories of agents and people": found.stories,
            "requests": found.requests,
            "effects": found.effects,
            "databases": found.databases,
        },
        violations=tuple(found.violations),
        left_out=_MAY_BE_OUT_OF_SIGHT,
    )


SECTION = Section(
    name="kills",
    title="Killed at any point",
    promises=(
        "Whatever the bot was doing when it was killed: what it had answered stays true, nothing runs that"
        " nobody allowed, nothing runs twice, and nothing waits for ever."
    ),
    share=4.0,
    run=run,
)
