"""
Measures round trips, clicks, starts and deadlines, checks them, and writes ``docs/performance.md``.

    python -m bench            everything, in some minutes
    python -m bench --full     with a hundred thousand deadlines, and a million requests that wait
    python -m bench --quick    whether everything still runs and is right, on SQLite; writes nothing
    python -m bench profile    where the processor time of a round trip goes
    python -m bench peers      other tools beside ours, in one run
"""

import sys

from bench.commands import ours, peers, profile

_COMMANDS = {"peers": peers.main, "profile": profile.main}


def main() -> int:
    """Run what the command line asks for."""
    if len(sys.argv) > 1 and sys.argv[1] in _COMMANDS:
        return _COMMANDS[sys.argv[1]](sys.argv[2:])
    return ours.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
