"""W4: from the start of the process until it is ready, and how much memory it holds then."""

from bench.databases import Databases, Kind, check
from bench.measure import figures
from bench.pending import fill
from bench.rows import Row
from bench.server import serving
from bench.sizes import Sizes


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure starts on an empty database and on one with many pending requests."""
    return [await _starts(databases, kind, sizes, rows) for rows in sorted({0, sizes.rows})]


async def _starts(databases: Databases, kind: Kind, sizes: Sizes, rows: int) -> Row:
    url = await databases.fresh(kind)
    if rows:
        await fill(url, rows)
    seconds, memory = [], []
    for _ in range(sizes.runs):
        async with serving(url, databases.folder) as server:
            seconds.append(server.started_in)
            memory.append(server.memory)
    await check(url, approved=0, pending=rows)
    middle = sorted(memory)[len(memory) // 2]
    return Row(
        work="start → ready",
        database=kind.value,
        load=f"{rows:,} pending requests" if rows else "empty",
        figures=figures(seconds, seconds=sum(seconds)),
        memory=middle,
        note=f"{middle / 2**20:.0f} MiB",
        is_rate=False,
    )
