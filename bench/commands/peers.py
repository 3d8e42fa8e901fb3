"""``make bench-peers``: other tools beside ours, in one run."""

import argparse
import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import uvloop

from bench import page
from bench.databases import Kind, databases
from bench.peers import run, table
from bench.peers.catalogue import PEERS, Peer
from bench.peers.drive import Surroundings
from bench.peers.results import OURS, Results
from bench.report import Circumstances
from bench.server import compiled
from bench.sizes import FULL, QUICK, Sizes
from deploy.demo.processes import ROOT
from tests.harness.databases import running_valkey

_WORK = ("trips", "timers")


def main(arguments: Sequence[str]) -> int:
    """Measure ours and theirs; 0 if all of ours was measured, whoever else was left out."""
    asked = _parser().parse_args(arguments)
    peers = [peer for peer in PEERS if peer.folder in asked.peers]
    given = {name: found for name in ("runs", "due") if (found := getattr(asked, name))}
    sizes = replace(QUICK if asked.quick else FULL, **given)
    results, busy, begun = Results(), os.getloadavg()[0], time.perf_counter()
    with _surroundings(peers, results) as surroundings:
        if surroundings is None:
            return 1
        version = uvloop.run(_measure(surroundings, peers, asked.work, sizes, results))
    command = shlex.join(["python", "-m", "bench", "peers", *arguments])
    said = table.text(results, sizes, Circumstances(command=command, busy=busy, postgresql=version))
    print(f"{said}\nIt took {time.perf_counter() - begun:.0f} s.")
    if not asked.quick and peers == list(PEERS) and set(asked.work) == set(_WORK):
        page.write_peers(said)
        print(f"Written to {page.PAGE.relative_to(ROOT)}.")
    return 0


@contextmanager
def _surroundings(peers: Sequence[Peer], results: Results) -> Iterator[Surroundings | None]:
    """Run the databases that are needed during the block; None without PostgreSQL, which ours needs."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(databases([Kind.POSTGRESQL]))
        except (OSError, subprocess.SubprocessError) as why:
            results.leave_out(OURS, f"PostgreSQL does not start: {why}")
            yield None
            return
        valkey = ""
        if any("valkey" in peer.needs for peer in peers):
            # What is missing here, the peer that needs it says.
            with suppress(OSError, RuntimeError):
                valkey = str(stack.enter_context(running_valkey()).connection_url)
        yield Surroundings(databases=found, valkey=valkey)


async def _measure(
    given: Surroundings, peers: Sequence[Peer], work: Sequence[str], sizes: Sizes, results: Results
) -> str:
    await compiled(given.databases)
    installed = await run.installed(peers, results)
    if "trips" in work:
        await run.run_trips(given, installed, sizes, results)
    if "timers" in work:
        await run.run_timers(given, installed, sizes, results)
    return await given.databases.version()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench peers", description="Other tools beside ours.")
    everybody = [peer.folder for peer in PEERS]
    parser.add_argument("--peers", nargs="+", choices=everybody, default=everybody, help="which tools")
    parser.add_argument("--work", nargs="+", choices=_WORK, default=list(_WORK), help="which work")
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still run?")
    parser.add_argument(
        "--runs", type=int, help="each figure of a round trip is the median of so many rounds"
    )
    parser.add_argument("--due", type=int, nargs="+", help="how many timers")
    return parser
