"""A changed configuration: from its commit until every replica decides by it, nothing restarted."""

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from bench.databases import Databases, Kind, config_in
from bench.measure import figures
from bench.rows import Row
from bench.server import Server, serving_all
from bench.sizes import Sizes
from bot.adapters import open_core
from bot.cli.common import loaded
from bot.config import Environment, Loaded
from escalation.service.configure import put_in_force

#: How often the rules are changed in one run.
_CHANGES = 10
_REPLICAS = 3


async def measure(databases: Databases, kind: Kind, sizes: Sizes) -> list[Row]:
    """Measure how long after a change some replica still answers by the rules of before."""
    url = await databases.fresh(kind)
    replicas = 1 if kind is Kind.SQLITE else _REPLICAS
    environment = Environment.model_validate({"andon_database_url": url})
    late: list[float] = []
    async with serving_all(url, databases.folder, replicas) as servers:
        for known in islice(cycle(_two(databases.folder)), _CHANGES * sizes.runs):
            async with open_core(environment, known.configuration) as core:
                await put_in_force(core, body=known.body)
            late += await _late(servers, known.configuration.version)
    return [
        Row(
            work="rules changed → decided by",
            database=kind.value,
            load=f"{replicas} serving" if replicas > 1 else "one serving",
            figures=figures(late, seconds=sum(late)),
            is_rate=False,
            note=f"{_CHANGES * sizes.runs} changes, from the commit to the answer of each",
        )
    ]


def _two(folder: Path) -> list[Loaded]:
    """Return two configurations that differ in a cap, and allow all that is measured."""
    found: list[Loaded] = []
    for name in ("one", "two"):
        (folder / name).mkdir(exist_ok=True)
        path = config_in(folder / name)
        if found:
            text = path.read_text(encoding="utf-8")
            path.write_text(
                text.replace("pending_per_agent: 1000000", "pending_per_agent: 900000"), encoding="utf-8"
            )
        found.append(loaded(path))
    assert len({known.configuration.version for known in found}) == len(found)
    return found


async def _late(servers: Sequence[Server], version: str) -> list[float]:
    """Return for each server the seconds until it answers by *version*."""
    begun = time.perf_counter()

    async def until_new(server: Server) -> float:
        while await server.ruled_by() != version:
            pass
        return time.perf_counter() - begun

    return await asyncio.gather(*map(until_new, servers))
