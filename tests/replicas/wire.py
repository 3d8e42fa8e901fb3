"""What two processes of ours say to each other: values, pickled, each with its length in front."""

import asyncio
import pickle
import struct
from dataclasses import dataclass, field
from typing import Any

_LENGTH = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Ready:
    """A process was born and serves."""

    pid: int


@dataclass(frozen=True, slots=True)
class Call:
    """Do this."""

    number: int
    name: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """This came of it."""

    number: int
    value: Any = None
    error: str | None = None  #: The name of the exception, and what it says.
    may_pass: bool = False  #: Whether the same call may go through later.


@dataclass(frozen=True, slots=True)
class ToSlack:
    """A call of Slack's Web API."""

    number: int
    method: str
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FromSlack:
    """What Slack answered."""

    number: int
    answer: dict[str, Any]


class Wire:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> Any:
        """Return the next value; None once the other end is gone."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            return pickle.loads(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def write(self, value: Any) -> None:
        """Send *value*; whoever is gone does not hear it."""
        said = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        if not self._writer.is_closing():
            self._writer.write(_LENGTH.pack(len(said)) + said)

    def close(self) -> None:
        """Say nothing more."""
        self._writer.close()
