"""
The serving process that dies where it is told to: it imports everything once, and forks a life for each line.

    stdin   "live"               fork one more life, which serves until it is killed
    stdout  "born PID", "died PID STATUS"

A life reads the file that ``CRASH_AT`` names at every kill point that it passes. If the file names that
point, the life ends at once with SIGKILL: nothing is flushed, closed or said.
"""

import os
import signal
import socket
import sys
import threading
from datetime import timedelta
from pathlib import Path

import uvloop

from bot.cli.common import all_settings, loaded, log_to_stderr
from bot.wiring import Seams, serve
from escalation.service import deliver


class Kills:
    """Ends this process at the point that the file at *order* names, the n-th time it is passed."""

    def __init__(self, order: Path) -> None:
        self._order = order
        self._passed = 0

    def __call__(self, point: str) -> None:
        try:
            named, nth = self._order.read_text(encoding="utf-8").split()
        except (FileNotFoundError, ValueError):
            return
        if point != named:
            return
        self._passed += 1
        if self._passed >= int(nth):
            # Once: the next life is to live, unless it is told otherwise.
            self._order.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Fork a life for each line, and tell of births and deaths."""
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _live()
        print(f"born {pid}", flush=True)
        threading.Thread(target=_mourn, args=(pid,), daemon=True).start()


def _mourn(pid: int) -> None:
    _, status = os.waitpid(pid, 0)
    print(f"died {pid} {os.waitstatus_to_exitcode(status)}", flush=True)


def _live() -> None:
    # Nobody is left behind: a life whose parent is gone has nobody to serve.
    sys.stdin.close()
    log_to_stderr()  # our stdout is what the parent listens to
    environment = all_settings()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(os.environ["CRASH_PORT"])))
    listener.listen(256)
    # A message whose sender died waits for the end of its lease: half a minute, nine times over.
    deliver.LEASE = timedelta(seconds=1)
    kills = Kills(Path(os.environ["CRASH_AT"]))
    files = environment.andon_config
    uvloop.run(serve(environment, loaded(files), listener, files=files, seams=Seams(kills=kills, pace=1000)))
    os._exit(0)


if __name__ == "__main__":
    main()
