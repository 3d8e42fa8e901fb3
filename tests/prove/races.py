"""The proof by races: two, four and eight processes want the same, and what they were told is checked."""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from itertools import cycle

from escalation.clock import monotonic
from tests.harness.databases import FAST, running_postgres, running_valkey
from tests.harness.dice import dice
from tests.prove.section import Backend, Budget, Evidence, Section
from tests.races.arena import Arena, arena, ground, hold_laws
from tests.races.contests import CONTESTS
from tests.races.history import is_explained
from tests.replicas.databases import Databases

_SQLITE, _POSTGRESQL, _VALKEY = Backend("sqlite"), Backend("postgresql"), Backend("postgresql+valkey")
#: Contests of each kind in one database, before its rows and its record are checked.
_ROUNDS = 12
#: Seconds after which one database's contests count as stuck.
_PATIENCE = 300.0
#: How many processes there are, on PostgreSQL in turn.
_REPLICAS = (2, 4, 8)
_LEFT_OUT = {
    _SQLITE: ("more than one serving process: a SQLite file has one; here a second one stands for a command",)
}


@dataclass(slots=True)
class _Book:
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


async def run(budget: Budget) -> tuple[Evidence, ...]:
    """Hold contests until the time is over."""
    until = monotonic() + budget.seconds
    books = {backend: _Book() for backend in (_SQLITE, _POSTGRESQL, _VALKEY)}
    with running_postgres(FAST) as postgres, running_valkey() as valkey:
        databases = Databases(folder=budget.folder, postgres=postgres)
        async with ground(databases) as on_postgresql, ground(databases, on_postgresql=False) as on_sqlite:
            grounds = {_SQLITE: on_sqlite, _POSTGRESQL: on_postgresql, _VALKEY: on_postgresql}
            # Whoever loses patience gets what there is.
            with suppress(asyncio.CancelledError):
                for number, replicas in enumerate(cycle(_REPLICAS)):
                    if number and monotonic() >= until:
                        break
                    for backend, on in grounds.items():
                        url = valkey.connection_url if backend == _VALKEY else None
                        processes = 2 if backend == _SQLITE else replicas
                        seed = (budget.seed, backend, number)
                        # Everything once, however little time there is.
                        rounds = _ROUNDS if monotonic() < until else 1
                        held = arena(on, dice(seed), replicas=processes, redis=url)
                        await _one(held, books[backend], seed, rounds)
    return tuple(_evidence(backend, book) for backend, book in books.items())


async def _one(opened: AbstractAsyncContextManager[Arena], book: _Book, seed: object, rounds: int) -> None:
    try:
        async with asyncio.timeout(_PATIENCE), opened as held:
            book.counts[f"databases raced on by {len(held.replicas)} processes"] += 1
            await _contests(held, book, seed, rounds)
            await hold_laws(held)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what was looked for
        book.violations.append(f"seed {seed}: {type(error).__name__}: {error}")


async def _contests(held: Arena, book: _Book, seed: object, rounds: int) -> None:
    for name, contest in CONTESTS.items():
        for _ in range(rounds):
            for told in await contest(held):
                book.counts[name] += 1
                book.counts["operations written down"] += len(told.operations)
                if not is_explained(told):
                    book.violations.append(f"seed {seed}: no order explains\n{told}")
    book.counts["operations whose outcome nobody heard"] += held.unheard


def _evidence(backend: Backend, book: _Book) -> Evidence:
    return Evidence(
        backend=backend,
        counts=dict(book.counts),
        violations=tuple(book.violations),
        left_out=_LEFT_OUT.get(backend, ()),
    )


SECTION = Section(
    name="races",
    title="At the same instant",
    promises=(
        "Of a click, a deadline, a stop and the agent that come at the same instant one wins, and everybody"
        " is told that one: whatever was seen can be explained by single steps, one after the other."
    ),
    share=2.0,
    run=run,
)
