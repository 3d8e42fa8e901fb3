"""What was measured beside other tools, as a part of the page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from bench import page
from bench.measure import Figures, middle
from bench.peers.catalogue import IN_PROCESS, OVER_HTTP, PEERS
from bench.peers.results import OURS, Results, Timed
from bench.report import Circumstances
from bench.sizes import Sizes

#: How many times what the best of the others does: the milestone, and the aim.
_GOALS: Final[Mapping[tuple[str, int], tuple[float, float]]] = {
    (IN_PROCESS, 8): (3.0, 5.0),
    (IN_PROCESS, 64): (3.0, 5.0),
    (OVER_HTTP, 8): (1.5, 3.0),
    (OVER_HTTP, 64): (1.2, 3.0),
}


def text(results: Results, sizes: Sizes, circumstances: Circumstances) -> str:
    """Return the part of the page about *results*."""
    hows = "\n".join(f"- **{peer.name}**: {peer.how}." for peer in PEERS)
    parts = [
        _OPENING.format(circumstances=circumstances.text(), command=circumstances.command),
        *(_trips(results, sizes, work) for work in (IN_PROCESS, OVER_HTTP)),
        _timers(results) if results.timers else "",
        *(f"Left out: {name}: {why}." for name, why in results.left_out.items()),
        _CLOSING.format(hows=hows, runs=sizes.runs, seconds=sizes.seconds),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _trips(results: Results, sizes: Sizes, work: str) -> str:
    names = [OURS, *(peer.name for peer in PEERS if peer.trips == work)]
    found = {
        (name, callers): middle(runs)
        for name in names
        for callers in sizes.at_once
        if (runs := results.trips.get((work, name, callers)))
    }
    rows = [
        [name, *_cells(found, name, sizes.at_once)] for name in names if (name, sizes.at_once[0]) in found
    ]
    if not rows:
        return ""
    rows += [[f"*{said}*", *cells] for said, cells in _verdicts(found, work, sizes.at_once)]
    head = [f"{work}, PostgreSQL" if work == IN_PROCESS else work]
    for callers in sizes.at_once:
        head += [f"{callers} at once", "p50 / p99 ms", "CPU ms", "Andon is"]
    return page.table(head, range(1, len(head)), rows)


def _cells(found: Mapping[tuple[str, int], Figures], name: str, at_once: Sequence[int]) -> Iterator[str]:
    for callers in at_once:
        these, ours = found.get((name, callers)), found.get((OURS, callers))
        if these is None:
            yield from ("", "", "", "")
            continue
        yield f"{these.per_second:,.0f}"
        yield f"{these.p50 * 1e3:,.1f} / {these.p99 * 1e3:,.1f}"
        yield f"{these.cpu * 1e3:.2f} + {these.beside * 1e3:.2f}"
        yield "" if name == OURS or ours is None else f"{ours.per_second / these.per_second:.2f} ×"


def _verdicts(
    found: Mapping[tuple[str, int], Figures], work: str, at_once: Sequence[int]
) -> Iterator[tuple[str, list[str]]]:
    for number, said in enumerate(("milestone", "aim")):
        cells = []
        for callers in at_once:
            best = max(
                (known.per_second for (name, at), known in found.items() if name != OURS and at == callers),
                default=None,
            )
            goal, ours = _GOALS.get((work, callers)), found.get((OURS, callers))
            if goal is None or best is None or ours is None:
                cells += ["", "", "", ""]
                continue
            ratio = ours.per_second / best
            met = "met" if ratio >= goal[number] else f"**missed × {goal[number] / ratio:.1f}**"
            cells += ["", "", "", f"≥ {goal[number]:g} ×: {met}"]
        yield said, cells


def _timers(results: Results) -> str:
    head = (
        "timers",
        "within 10 s",
        "fired",
        "early",
        "p50 ms",
        "p99 ms",
        "max ms",
        "CPU s",
        "MiB",
        "created in s",
    )
    rows = [
        (name, f"{count:,}", *_timed(timed))
        for (name, count), timed in sorted(results.timers.items(), key=lambda item: item[0][1])
    ]
    return page.table(head, range(1, len(head)), rows)


def _timed(timed: Timed) -> tuple[str, ...]:
    times = (
        f"{seconds * 1e3:,.1f}" if seconds is not None else ""
        for seconds in (timed.p50, timed.p99, timed.most)
    )
    created = "" if timed.created_in is None else f"{timed.created_in:.1f}"
    return (
        f"{timed.count:,}",
        f"{timed.early:,}",
        *times,
        f"{timed.cpu:.1f}",
        f"{timed.memory / 2**20:.0f}",
        created,
    )


_OPENING = """What other tools do of this work, in the same run and in turn with ours. They do more than this
work, and so do we; only this is compared.

{circumstances}

    {command}"""

_CLOSING = """Round trips are the median of {runs} rounds of {seconds:g} s; in each round every tool
runs in turn, in a process that is started for it, on an empty database. **Andon is** so many times as fast.
**CPU ms** is processor time: of the process itself, and of the server beside it, which is PostgreSQL or
`restate-server`. Over HTTP ours is without the client, and Restate's with it and its handlers. Ours does
more: the policy's ruling, the audit events, the grant and the messages are in each round trip.

For timers, ours counts until the commit that settles the request; the others count until their function
begins. "created in" is how long it took to schedule them through the tool itself; ours are filled in. Memory
and processor time are those of the processes that fire them, without PostgreSQL and Valkey.

{hows}

PostgreSQL is as it is installed, every commit on the disk; Restate's store is written as its defaults have
it, Valkey's log with `appendfsync always`."""
