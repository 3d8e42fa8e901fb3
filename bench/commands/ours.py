"""``make bench``: everything of ours."""

import argparse
import os
import shlex
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import uvloop

from bench import (
    acknowledged,
    deadlines,
    growth,
    history,
    in_process,
    limits,
    over_http,
    page,
    report,
    rules,
    scale,
    start,
    waiting,
)
from bench.databases import Databases, Kind, databases
from bench.lock import alone
from bench.profile import Profile, profiles
from bench.rows import Row
from bench.server import compiled
from bench.sizes import FULL, LARGE, QUICK, Sizes
from deploy.demo.processes import ROOT

Workload = Callable[[Databases, Kind, Sizes], Awaitable[list[Row]]]
WORKLOADS: Mapping[str, Workload] = {
    "limits": limits.measure,
    "in-process": in_process.measure,
    "over-http": over_http.measure,
    "clicks": acknowledged.measure,
    "start": start.measure,
    "deadlines": deadlines.measure,
    "waiting": waiting.measure,
    "replicas": scale.measure,
    "growth": growth.measure,
    "rules": rules.measure,
    "history": history.measure,
}
_ALL = [kind.name.lower() for kind in Kind]
_QUICK = [Kind.SQLITE.name.lower()]


def main(arguments: Sequence[str]) -> int:
    """Measure what the command line asks for."""
    asked = _parser().parse_args(arguments)
    kinds = [Kind[name.upper()] for name in asked.databases or (_QUICK if asked.quick else _ALL)]
    sizes = _sizes(asked)
    busy, begun = os.getloadavg()[0], time.perf_counter()
    with databases(kinds) as found:
        rows, profiled, postgresql = uvloop.run(_measure(found, kinds, asked.work, sizes))
    made = report.Report(
        rows=rows,
        profiles=profiled,
        sizes=sizes,
        circumstances=report.Circumstances(
            command=shlex.join(["python", "-m", "bench", *arguments]), busy=busy, postgresql=postgresql
        ),
        took=time.perf_counter() - begun,
    )
    made.show()
    if not asked.quick and kinds == list(Kind) and asked.work == list(WORKLOADS):
        page.write_ours(made)
        print(f"Written to {page.PAGE.relative_to(ROOT)}.")
    return 0


def _sizes(asked: argparse.Namespace) -> Sizes:
    given = {name: getattr(asked, name) for name in ("runs", "seconds", "rows")}
    sizes = QUICK if asked.quick else LARGE if asked.full else FULL
    return replace(sizes, **{name: value for name, value in given.items() if value})


async def _measure(
    found: Databases, kinds: Sequence[Kind], work: Sequence[str], sizes: Sizes
) -> tuple[list[Row], list[Profile], str]:
    rows: list[Row] = []
    await compiled(found)
    for name in work:
        for kind in kinds:
            async with alone():
                print(f"{name}, {kind.value} …", file=sys.stderr, flush=True)
                made = await WORKLOADS[name](found, kind, sizes)
            for row in made:
                print(f"  {row.brief}", file=sys.stderr, flush=True)
            rows += made
    profiled: list[Profile] = []
    if work == list(WORKLOADS):
        async with alone():
            print("profile …", file=sys.stderr, flush=True)
            profiled = await profiles(found, kinds[-1:], sizes)
    return rows, profiled, await found.version()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures what this machine can do.")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still run, and right?")
    parser.add_argument("--full", action="store_true", help="large sizes too: it takes half an hour or more")
    parser.add_argument(
        "--work", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), help="which workloads"
    )
    parser.add_argument("--databases", nargs="+", choices=_ALL, help="which databases")
    parser.add_argument("--runs", type=int, help="each figure is the median of so many runs")
    parser.add_argument("--seconds", type=float, help="of one loop")
    parser.add_argument("--rows", type=int, help="pending requests at a start that is not from empty")
    return parser
