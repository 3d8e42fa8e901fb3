"""Runs the peers' work and ours in turn, so that each is compared with what the machine did at that time."""

import sys
from collections.abc import Sequence
from dataclasses import replace

from bench import deadlines, in_process, over_http
from bench.databases import Kind
from bench.lock import alone
from bench.measure import Figures
from bench.peers.catalogue import IN_PROCESS, OVER_HTTP, Peer
from bench.peers.drive import Surroundings, drive, figures_of
from bench.peers.install import Installed, LeftOut, install
from bench.peers.results import OURS, Results, Timed
from bench.sizes import Sizes

_KIND = Kind.POSTGRESQL
_OURS = {IN_PROCESS: in_process.measure, OVER_HTTP: over_http.measure}


async def installed(peers: Sequence[Peer], results: Results) -> list[Installed]:
    """Install *peers*; who cannot be is left out."""
    found = []
    for peer in peers:
        _tell(f"installing {peer.name} …")
        try:
            found.append(await install(peer))
        except LeftOut as why:
            results.leave_out(peer.name, why)
    return found


async def run_trips(given: Surroundings, peers: Sequence[Installed], sizes: Sizes, results: Results) -> None:
    """Measure round trips: in each round ours, then theirs."""
    for number in range(sizes.runs):
        _tell(f"round trips, round {number + 1} of {sizes.runs} …")
        for work in (IN_PROCESS, OVER_HTTP):
            await _our_trips(work, given, sizes, results)
            for peer in peers:
                if peer.peer.trips == work:
                    await _trips(peer, given, sizes, results)


async def _our_trips(work: str, given: Surroundings, sizes: Sizes, results: Results) -> None:
    once = replace(sizes, runs=1, by_the_clock=False)
    async with alone():
        rows = await _OURS[work](given.databases, _KIND, once)
    for row, callers in zip(rows, sizes.at_once, strict=True):
        _keep(results, (work, OURS, callers), row.figures)


async def _trips(peer: Installed, given: Surroundings, sizes: Sizes, results: Results) -> None:
    name = peer.peer.name
    if name in results.left_out:
        return
    wanted = {"work": "trips", "at_once": list(sizes.at_once), "seconds": sizes.seconds}
    try:
        async with alone():
            said = await drive(peer, given, wanted)
    except LeftOut as why:
        results.leave_out(name, why)
        return
    for line in said:
        _keep(results, (peer.peer.trips, name, line["at_once"]), figures_of(line))


def _keep(results: Results, what: tuple[str, str, int], figures: Figures) -> None:
    results.trips.setdefault(what, []).append(figures)
    _tell(f"  {what[1]}, {what[2]} at once: {figures.per_second:,.0f} a second, {figures.brief}")


async def run_timers(given: Surroundings, peers: Sequence[Installed], sizes: Sizes, results: Results) -> None:
    """Measure timers that fall due within ten seconds: ours, then theirs."""
    for count in sizes.due:
        _tell(f"{count:,} timers, {OURS} …")
        async with alone():
            struck = await deadlines.strike(given.databases, _KIND, count, window=sizes.window)
        late = struck.late
        results.timers[OURS, count] = Timed(
            count=late.count, wanted=count, early=0, p50=late.p50, p99=late.p99, most=late.most,
            cpu=struck.cpu, memory=struck.memory,
        )  # fmt: skip
        for peer in peers:
            if peer.peer.timers and peer.peer.name not in results.left_out:
                _tell(f"{count:,} timers, {peer.peer.name} …")
                await _timers(peer, given, count, sizes, results)


async def _timers(peer: Installed, given: Surroundings, count: int, sizes: Sizes, results: Results) -> None:
    # They are created through the peer itself, at several hundred a second where the machine is busy.
    ahead = 5.0 + count / 300
    wanted = {
        "work": "timers", "count": count,
        "window": sizes.window, "ahead": ahead, "callers": 16, "patience": 15.0,
    }  # fmt: skip
    name = peer.peer.name
    try:
        async with alone():
            (said,) = await drive(peer, given, wanted)
    except LeftOut as why:
        results.leave_out(name, why)
        return
    if not said.pop("on_time"):
        took = said["created_in"]
        slow = f"it took {took:.0f} s to schedule {count:,} timers, the first being due after {ahead:.0f} s"
        results.leave_out(name, slow)
        return
    results.timers[name, count] = Timed(**said)
    _tell(f"  {name}: {said}")


def _tell(said: str) -> None:
    print(said, file=sys.stderr, flush=True)
