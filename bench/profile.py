"""Where the processor time of a round trip goes: in process, and in ``andon serve`` over HTTP."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.databases import Databases, Kind, core_of
from bench.in_process import Trips
from bench.measure import Figures, Meters, at_once, cpu_of
from bench.over_http import Trips as TripsOverHttp
from bench.sampling import Samples, sampled
from bench.server import serving
from bench.sizes import Sizes

_CALLERS = 8
_ROWS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Where the time of one workload goes."""

    work: str
    database: str
    figures: Figures
    samples: Samples

    def lines(self, counts: Counter[str], most: int = _ROWS) -> list[tuple[str, str, str]]:
        """Return the greatest of *counts*: name, share, and milliseconds a round trip."""
        whole = max(1, counts.total())
        return [
            (name, f"{count / whole:.0%}", f"{self.figures.cpu * 1e3 * count / whole:.2f}")
            for name, count in counts.most_common(most)
        ]

    def text(self) -> str:
        """Return all of it for a terminal."""
        head = (
            f"{self.work}, {self.database}, {_CALLERS} at once: {self.figures.cpu * 1e3:.2f} ms of CPU each"
        )
        parts = [head]
        for title, counts, most in (
            ("package of the running function", self.samples.packages, _ROWS),
            ("our innermost module on the stack", self.samples.ours, _ROWS),
            ("running function", self.samples.functions, 2 * _ROWS),
        ):
            parts.append(f"  by {title}")
            parts += [
                f"    {share:>4} {each:>6} ms  {name}" for name, share, each in self.lines(counts, most)
            ]
        return "\n".join(parts)


async def profiles(databases: Databases, kinds: Sequence[Kind], sizes: Sizes) -> list[Profile]:
    """Return where the time goes on each of *kinds*."""
    found = []
    for kind in kinds:
        found.append(await _in_process(databases, kind, sizes))
        found.append(await _over_http(databases, kind, sizes))
    return found


async def _in_process(databases: Databases, kind: Kind, sizes: Sizes) -> Profile:
    async with core_of(await databases.fresh(kind)) as core:
        trips = Trips.of(core)
        await at_once(_CALLERS, trips.one, count=10 * _CALLERS)
        with sampled() as samples:
            figures = await at_once(_CALLERS, trips.one, seconds=2 * sizes.seconds)
    return Profile(work="round trip in process", database=kind.value, figures=figures, samples=samples)


async def _over_http(databases: Databases, kind: Kind, sizes: Sizes) -> Profile:
    file = databases.folder / "samples.json"
    async with serving(await databases.fresh(kind), databases.folder, sampled=file) as server:
        trips = TripsOverHttp(server, await server.clicks())
        run = partial(at_once, _CALLERS, trips.hurried, meters=Meters(own=cpu_of(server.process.pid)))
        await run(count=10 * _CALLERS)
        before = _read(file)
        figures = await run(seconds=2 * sizes.seconds)
        after = _read(file)
    return Profile(
        work="round trip over HTTP", database=kind.value, figures=figures, samples=_between(before, after)
    )


def _read(file: Path) -> Samples:
    return Samples.of(file.read_text(encoding="utf-8")) if file.exists() else Samples()


def _between(before: Samples, after: Samples) -> Samples:
    return Samples(
        packages=after.packages - before.packages,
        functions=after.functions - before.functions,
        ours=after.ours - before.ours,
    )
