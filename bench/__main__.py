"""
``make bench``: measures round trips, clicks and starts, checks them, and writes ``docs/performance.md``.

    python -m bench            everything, in some minutes
    python -m bench --quick    whether everything still runs and is right, on SQLite; writes nothing
"""

import argparse
import os
import shlex
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

import uvloop

from bench import acknowledged, in_process, limits, over_http, report, start
from bench.databases import Databases, Kind, databases
from bench.sizes import FULL, QUICK, Sizes
from deploy.demo.processes import ROOT

Workload = Callable[[Databases, Kind, Sizes], Awaitable[list[report.Row]]]
WORKLOADS: Mapping[str, Workload] = {
    "limits": limits.measure,
    "in-process": in_process.measure,
    "over-http": over_http.measure,
    "clicks": acknowledged.measure,
    "start": start.measure,
}
_ALL = [kind.name.lower() for kind in Kind]
_QUICK = [Kind.SQLITE.name.lower()]
PAGE = ROOT / "docs" / "performance.md"


def main() -> int:
    """Measure what the command line asks for."""
    asked = _parser().parse_args()
    kinds = [Kind[name.upper()] for name in asked.databases or (_QUICK if asked.quick else _ALL)]
    sizes = _sizes(asked)
    busy, begun = os.getloadavg()[0], time.perf_counter()
    with databases(kinds) as found:
        rows, postgresql = uvloop.run(_measure(found, kinds, asked.work, sizes))
    made = report.Report(
        rows=rows,
        sizes=sizes,
        command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        busy=busy,
        took=time.perf_counter() - begun,
        postgresql=postgresql,
    )
    made.show()
    if sizes == FULL and kinds == list(Kind) and asked.work == list(WORKLOADS):
        PAGE.write_text(made.page(), encoding="utf-8")
        print(f"Written to {PAGE.relative_to(ROOT)}.")
    return 0


def _sizes(asked: argparse.Namespace) -> Sizes:
    given = {name: getattr(asked, name) for name in ("runs", "seconds", "rows")}
    return replace(QUICK if asked.quick else FULL, **{name: value for name, value in given.items() if value})


async def _measure(
    found: Databases, kinds: Sequence[Kind], work: Sequence[str], sizes: Sizes
) -> tuple[list[report.Row], str]:
    rows: list[report.Row] = []
    for name in work:
        for kind in kinds:
            print(f"{name}, {kind.value} …", file=sys.stderr, flush=True)
            rows += await WORKLOADS[name](found, kind, sizes)
    return rows, await _postgresql(found)


async def _postgresql(found: Databases) -> str:
    if found.postgres is None:
        return ""
    ((version,),) = await found.postgres.execute("SHOW server_version")
    return f"PostgreSQL {version}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures what this machine can do.")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still run, and right?")
    parser.add_argument(
        "--work", nargs="+", choices=WORKLOADS, default=list(WORKLOADS), help="which workloads"
    )
    parser.add_argument("--databases", nargs="+", choices=_ALL, help="which databases")
    parser.add_argument("--runs", type=int, help="each figure is the median of so many runs")
    parser.add_argument("--seconds", type=float, help="of one loop")
    parser.add_argument("--rows", type=int, help="pending requests at a start that is not from empty")
    return parser


if __name__ == "__main__":
    sys.exit(main())
