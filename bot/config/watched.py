"""Whether the files of a configuration may have changed, told without reading them."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from bot.config.files import Folder
from bot.config.installation import FoldersShape
from bot.config.problem import Problem
from bot.config.yaml_document import parse

#: A file as the file system knows it, and nothing where there is none.
Stat = tuple[int, int, int, int] | None


def signature(path: Path) -> tuple[tuple[str, Stat], ...]:
    """Return what changes when a file changes that the configuration beginning at *path* may be made of."""
    first = (path.name, _stat(path))
    folders = _folders(path, first[1])
    return (first, *((str(each), _stat(each)) for each in _others(path.parent, folders)))


def _others(root: Path, folders: FoldersShape) -> Iterator[Path]:
    yield from sorted((root / folders.agents).glob("*/manifest.yaml"))
    yield from sorted((root / folders.runbooks).glob("*.md"))


def _stat(path: Path) -> Stat:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


@lru_cache(maxsize=8)
def _folders(path: Path, _: Stat) -> FoldersShape:
    """Return where the other files are. A file that does not say so in order means the usual folders."""
    source = Folder(path.parent).read(path.name)
    value = None if isinstance(source, Problem) else parse(source).value
    said = value.get("folders") if isinstance(value, dict) else None
    try:
        return FoldersShape.model_validate(said or {})
    except ValidationError:
        return FoldersShape()
