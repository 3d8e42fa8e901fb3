"""Ports of this machine that nobody listens on, and that nobody else is about to take."""

import itertools
import os
import socket
from contextlib import suppress
from typing import Final

#: Below what Linux hands out to whoever asks for any port, or connects.
_FIRST, _COUNT = 20_000, 12_000
_numbers: Final = itertools.count(os.getpid() * 31)


def free_port() -> int:
    """Return one."""
    for number in itertools.islice(_numbers, _COUNT):
        port = _FIRST + number % _COUNT
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("there is no free port on 127.0.0.1")
