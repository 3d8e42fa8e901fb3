"""
Serving processes that faults happen to: everything is imported once, and a replica forked for each line.

    stdin   {"ANDON_DATABASE_URL": …, "CHAOS_PORT": …, "CHAOS_LOG": …, …}   the environment of one more
    stdout  PID

A replica is `andon serve`, but that it says more messages a second, leases them for less long, and adds
the seconds in the file ``CHAOS_SKEW`` to what its machine takes for the time.
"""

import ctypes
import json
import mmap
import os
import signal
import socket
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from bot.cli.common import all_settings, loaded, log_to_stderr
from bot.wiring import Seams, serve
from escalation import clock
from escalation.service import deliver

#: Seconds that a message may be under way, and for which its row is leased.
CARRYING, LEASE = 4, 6
_DIES_WITH_ITS_PARENT = 1  # PR_SET_PDEATHSIG


class SkewedClock(clock.SystemClock):
    """The machine's clock, set as somebody outside pleases."""

    _seconds: mmap.mmap

    def now(self) -> datetime:
        (skew,) = struct.unpack("d", self._seconds[:8])
        return datetime.now(UTC) + timedelta(seconds=skew)  # noqa: TID251  # it is a clock


def main() -> None:
    """Fork a replica for each line, and tell its process id."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the dead
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _live(json.loads(line))
        print(pid, flush=True)


def _live(environment: dict[str, str]) -> None:
    # Nobody is left behind: it dies with its parent, which ends when nobody tells it anything any more.
    ctypes.CDLL(None).prctl(_DIES_WITH_ITS_PARENT, signal.SIGKILL)
    sys.stdin.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(environment)
    sink = os.open(environment["CHAOS_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    with Path(environment["CHAOS_SKEW"]).open("r+b") as skew:
        SkewedClock._seconds = mmap.mmap(skew.fileno(), 8)
    clock.SystemClock.now = SkewedClock.now  # type: ignore[method-assign,assignment]  # it has no seam for this
    clock.SystemClock._seconds = SkewedClock._seconds  # type: ignore[attr-defined]
    deliver.LEASE, deliver._CARRYING = timedelta(seconds=LEASE), timedelta(seconds=CARRYING)
    log_to_stderr()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(environment["CHAOS_PORT"])))
    listener.listen(256)
    settings = all_settings()
    files = settings.andon_config
    uvloop.run(serve(settings, loaded(files), listener, files=files, seams=Seams(pace=1000)))
    os._exit(0)


if __name__ == "__main__":
    main()
