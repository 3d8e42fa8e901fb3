"""
The head of the record in a small file beside the database, or better where its backups do not reach.

It is replaced as a whole, and never by an older head: several processes of one host may keep it.
"""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from escalation.errors import HeadUnknown
from escalation.head import Head, parse, text

#: Bytes; a head has some 200.
_LONGEST = 4096


class HeadFile:
    """The file at *path*."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def place(self) -> str:
        """Where it is, for operators."""
        return str(self._path)

    async def read(self) -> Head | None:
        """Return the head in it; none if there is no file. Raises ``HeadUnknown`` for anything else."""
        return await asyncio.to_thread(self._read)

    async def keep(self, head: Head) -> None:
        """Keep *head*, unless a newer one is kept; never in place of another record's."""
        await asyncio.to_thread(self._keep, head)

    async def replace(self, head: Head) -> None:
        """Keep *head* in place of whatever is kept."""
        await asyncio.to_thread(self._replace, head)

    def _read(self) -> Head | None:
        try:
            with self._path.open("rb") as file:
                kept = file.read(_LONGEST).decode()
            return parse(kept)
        except FileNotFoundError:
            return None
        except (HeadUnknown, UnicodeDecodeError) as error:
            raise HeadUnknown(f"{self._path} holds no head of a record; bring the right file back") from error
        except OSError as error:
            raise HeadUnknown(f"{self._path} cannot be read: {error.strerror}") from error

    def _keep(self, head: Head) -> None:
        with self._alone() as folder:
            kept = self._read()
            if kept is not None and kept.record != head.record:
                raise HeadUnknown(f"{self._path} holds the head of another database; name a file of its own")
            if head.is_newer_than(kept):
                self._write(head, folder)

    def _replace(self, head: Head) -> None:
        with self._alone() as folder:
            self._write(head, folder)

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """Let no other process write it meanwhile; yield its open folder."""
        try:
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield folder
            finally:
                os.close(folder)
        except OSError as error:
            raise HeadUnknown(f"{self._path} cannot be written: {error.strerror}") from error

    def _write(self, head: Head, folder: int) -> None:
        fresh = self._path.with_name(f".{self._path.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text(head))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        os.fsync(folder)
