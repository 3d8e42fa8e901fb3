"""Chaos: real processes under load, while the database, Valkey, Slack, disks and clocks break around them."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from bot.config import Environment
from escalation.clock import monotonic
from tests.chaos import faults
from tests.chaos.faults import Around, Breaks
from tests.chaos.round import Outcome, Plan, play
from tests.chaos.town import Zygote
from tests.harness.databases import running_postgres, running_valkey
from tests.prove.section import Backend, Budget, Evidence, Section

_SQLITE, _POSTGRESQL = Backend("sqlite"), Backend("postgresql")
_WITH_VALKEY = Backend("postgresql+valkey")
#: Of a crash of the server, not of the machine: it keeps what it was told to.
_SETTINGS = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
_AGENTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What is broken in one kind of round, and how."""

    backend: Backend
    faults: Sequence[Breaks]
    seconds: float  #: How long a round goes on breaking things, where there is time.
    lasting: tuple[float, float]
    pauses: tuple[float, float]
    replicas: int = 3
    on_small_disk: bool = False


_KINDS: Final = (
    _Kind(
        backend=_POSTGRESQL, faults=(faults.restart_postgresql,),
        seconds=90, lasting=(0.1, 5), pauses=(5, 40),
    ),
    _Kind(
        backend=_SQLITE, faults=(faults.lock_file, faults.fill_disk, faults.break_slack),
        seconds=60, lasting=(0.5, 12), pauses=(1, 8), replicas=1,
    ),
    _Kind(
        backend=_WITH_VALKEY,
        faults=(faults.kill_valkey, faults.flush_valkey, faults.restart_postgresql, faults.break_slack),
        seconds=60, lasting=(0.1, 5), pauses=(1, 10),
    ),
    _Kind(
        backend=_POSTGRESQL, faults=(faults.freeze, faults.set_clock, faults.suspend),
        seconds=60, lasting=(60, 60), pauses=(1, 5),
    ),
    _Kind(
        backend=_SQLITE, faults=(faults.fill_small_disk, faults.freeze),
        seconds=40, lasting=(1, 10), pauses=(1, 5), replicas=1, on_small_disk=True,
    ),
    _Kind(
        backend=_POSTGRESQL,
        faults=(
            *(faults.break_slack, faults.lose_slack, faults.archive_channel, faults.delete_cards),
            *(faults.read_only, faults.restart_postgresql),
        ),
        seconds=60, lasting=(2, 15), pauses=(1, 8),
    ),
)  # fmt: skip


async def run(budget: Budget) -> tuple[Evidence, ...]:
    """Play rounds of each kind in turn for as long as there is time; a round that has begun is ended."""
    until = monotonic() + budget.seconds
    outcomes: list[tuple[Backend, Outcome]] = []
    left_out: set[str] = set()
    budget.folder.mkdir(parents=True, exist_ok=True)
    zygote = Zygote(budget.folder / "zygote.log")
    try:
        for number in count():
            if number > 0 and monotonic() > until:
                break
            kind = _KINDS[number % len(_KINDS)]
            seconds = min(kind.seconds, budget.seconds / len(_KINDS))
            place = budget.folder / f"round-{number}"
            try:
                outcomes.append(
                    (kind.backend, await _round(zygote, place, kind, seconds, budget.seed + number))
                )
            except PermissionError as error:
                left_out.add(str(error))
    finally:
        zygote.end()
    return tuple(_evidence(backend, outcomes, left_out) for backend in _backends(outcomes))


def _backends(outcomes: Sequence[tuple[Backend, Outcome]]) -> list[Backend]:
    return sorted({backend for backend, _ in outcomes})


def _evidence(backend: Backend, outcomes: Sequence[tuple[Backend, Outcome]], left_out: set[str]) -> Evidence:
    mine = [outcome for found, outcome in outcomes if found == backend]
    counts: Counter[str] = Counter({"rounds": len(mine)})
    for outcome in mine:
        counts.update(outcome.counts)
    recovered = [seconds for outcome in mine for seconds in outcome.recovered_after]
    counts["ms until the first proposal after a fault, at worst"] = round(1000 * max(recovered, default=0))
    return Evidence(
        backend=backend,
        counts=counts,
        violations=tuple(wrong for outcome in mine for wrong in outcome.told()),
        left_out=tuple(sorted(left_out)) if backend == _SQLITE else (),
    )


async def _round(zygote: Zygote, place: Path, kind: _Kind, seconds: float, seed: int) -> Outcome:
    place.mkdir(parents=True)
    with _around(place, kind) as (environment, around):
        plan = Plan(
            environment=environment, around=around, faults=kind.faults, seconds=seconds,
            lasting=kind.lasting, pauses=kind.pauses, replicas=kind.replicas, agents=_AGENTS,
        )  # fmt: skip
        return await play(zygote, place / "here", plan, seed=seed)


@contextmanager
def _around(place: Path, kind: _Kind) -> Iterator[tuple[Environment, Around]]:
    if kind.backend == _SQLITE:
        with _disk(place, kind) as folder:
            file = folder / "andon.db"
            told = {"andon_database_url": f"sqlite+aiosqlite:///{file}"}
            yield Environment.model_validate(told), Around(file=file)
        return
    with_valkey = running_valkey() if kind.backend == _WITH_VALKEY else nullcontext()
    with running_postgres(_SETTINGS) as postgres, with_valkey as valkey:
        told = {"andon_database_url": postgres.url}
        if valkey is not None:
            told["andon_redis_url"] = valkey.connection_url
        yield Environment.model_validate(told), Around(postgres=postgres, valkey=valkey)


@contextmanager
def _disk(place: Path, kind: _Kind) -> Iterator[Path]:
    if not kind.on_small_disk:
        yield place
        return
    disk = place / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "andon-chaos", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        raise PermissionError("a full disk (ENOSPC): no file system may be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


SECTION: Final = Section(
    name="chaos",
    title="Chaos: what breaks around it",
    promises=(
        "Whatever was answered with success is there, once, and nothing else ran, while PostgreSQL was"
        " restarted, processes froze, clocks jumped, disks filled, and Valkey and Slack went away."
    ),
    share=3,
    run=run,
)
