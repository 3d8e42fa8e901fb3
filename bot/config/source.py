"""The files a configuration is made of, each read once and within limits."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.config.problem import Problem

#: Bytes of one file. The longest honest one is a few thousand.
MAX_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file, as it was read."""

    name: str  #: From the folder of ``andon.yaml``, with forward slashes: the same on every machine.
    file: str  #: As problems name it.
    raw: bytes
    text: str


def read(path: Path, *, name: str) -> Source | Problem:
    """Return the text of *path*, or why it cannot be had."""
    file = str(path)
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return _problem(file, "there is no such file", "create it, or mend the name that led here")
    except OSError as error:
        return _problem(file, f"cannot be read ({error.strerror})", "let the bot's user read it")
    return of_bytes(raw, name=name, file=file)


def of_bytes(raw: bytes, *, name: str, file: str) -> Source | Problem:
    """Return *raw* as the file called *name*, or why it is none."""
    if len(raw) > MAX_BYTES:
        return _problem(file, f"is larger than {MAX_BYTES // 1024} KiB", "split it up")
    try:
        # A byte-order mark is an editor's habit, not a word.
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Problem(file=file, line=line, message="is not UTF-8", advice="save it as UTF-8")
    return Source(name=name, file=file, raw=raw, text=text)


def version(sources: Iterable[Source]) -> str:
    """Return 12 hex digits that change with any byte of any of *sources*."""
    # The names and lengths are part of it: moving a byte from one file to the next is a change too.
    digest = hashlib.sha256()
    for source in sorted(sources, key=lambda source: source.name):
        for part in (source.name.encode(), source.raw):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()[:12]


def _problem(file: str, message: str, advice: str) -> Problem:
    return Problem(file=file, line=1, message=message, advice=advice)
