"""A clock that many processes read and one moves: it stands until then, so a boundary is met exactly."""

import mmap
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
#: Where in the file the last words stand.
_WORDS = slice(64, 128)


class SharedClock:
    """The instant in *file*, which every process has before its eyes."""

    def __init__(self, file: Path, at: datetime | None = None) -> None:
        if at is not None:
            file.write_bytes(bytes(mmap.PAGESIZE))
        descriptor = os.open(file, os.O_RDWR)
        self.file = file
        self._page = mmap.mmap(descriptor, mmap.PAGESIZE)
        os.close(descriptor)
        # In one piece: nobody reads half of an instant.
        self._instant = memoryview(self._page)[:8].cast("q")
        if at is not None:
            self.set(at)

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._instant[0])

    def set(self, at: datetime) -> None:
        """Let it be *at*, everywhere."""
        self._instant[0] = (at - _EPOCH) // _MICROSECOND

    def advance(self, by: timedelta) -> None:
        """Move it."""
        self.set(self.now() + by)

    def say_last(self, words: str) -> None:
        """Leave behind where this process dies."""
        self._page[_WORDS] = words.encode().ljust(_WORDS.stop - _WORDS.start, b"\0")

    def last_words(self) -> str:
        """Return where the process that died last did so, and forget it; empty if it was at no kill point."""
        words = self._page[_WORDS].rstrip(b"\0").decode()
        self.say_last("")
        return words

    def close(self) -> None:
        """Let go of the file."""
        self._instant.release()
        self._page.close()
