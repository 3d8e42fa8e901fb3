"""``python -m bench profile``: where the processor time of a round trip goes."""

import argparse
from collections.abc import Sequence

import uvloop

from bench.databases import Databases, Kind, databases
from bench.lock import alone
from bench.profile import profiles
from bench.server import compiled
from bench.sizes import FULL

_ALL = [kind.name.lower() for kind in Kind]


def main(arguments: Sequence[str]) -> int:
    """Print where it goes."""
    parser = argparse.ArgumentParser(prog="python -m bench profile")
    parser.add_argument("--databases", nargs="+", choices=_ALL, default=["postgresql"])
    asked = parser.parse_args(arguments)
    kinds = [Kind[name.upper()] for name in asked.databases]
    with databases(kinds) as found:
        uvloop.run(_print(found, kinds))
    return 0


async def _print(found: Databases, kinds: Sequence[Kind]) -> None:
    await compiled(found)
    async with alone():
        for profile in await profiles(found, kinds, FULL):
            print(profile.text())
