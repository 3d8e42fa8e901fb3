"""Where the files of a configuration come from: a folder, or what was remembered when it was put in force."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol

from bot.config.problem import Problem
from bot.config.source import Source, of_bytes, read
from escalation.errors import InvalidConfiguration


class Files(Protocol):
    """Files, each by its name from the folder of ``andon.yaml``."""

    def read(self, name: str) -> Source | Problem:
        """Return the file called *name*, or why it cannot be had."""
        ...

    def path(self, name: str) -> str:
        """Return how problems name it."""
        ...

    def manifests(self, folder: str) -> Sequence[str]:
        """Return the names of the manifests in the folders of *folder*, sorted."""
        ...

    def pages(self, folder: str) -> Sequence[str]:
        """Return the Markdown files in *folder*, without their ending."""
        ...

    def has(self, name: str) -> bool:
        """Return whether there is anything called *name*."""
        ...


class Folder:
    """The files in *root*."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, name: str) -> Source | Problem:
        """Return the file called *name*, or why it cannot be had."""
        return read(self._root / name, name=name)

    def path(self, name: str) -> str:
        """Return where it is."""
        return str(self._root / name)

    def manifests(self, folder: str) -> Sequence[str]:
        """Return the names of the manifests in the folders of *folder*, sorted."""
        found = sorted((self._root / folder).glob("*/manifest.yaml"))
        return [f"{folder}/{path.parent.name}/{path.name}" for path in found]

    def pages(self, folder: str) -> Sequence[str]:
        """Return the Markdown files in *folder*, without their ending."""
        return [path.stem for path in (self._root / folder).glob("*.md") if path.is_file()]

    def has(self, name: str) -> bool:
        """Return whether there is anything called *name*."""
        return (self._root / name).exists()


class Remembered:
    """The files that were put in force together. Raises ``InvalidConfiguration`` where *body* holds none."""

    def __init__(self, body: str) -> None:
        self._texts = _texts(body)

    @property
    def first(self) -> str:
        """The one file that stands in no folder: ``andon.yaml``, or what the operator called it."""
        for name in self._texts:
            if "/" not in name:
                return name
        raise InvalidConfiguration("the remembered configuration has no andon.yaml")

    def read(self, name: str) -> Source | Problem:
        """Return the file called *name*, or why it cannot be had."""
        if name not in self._texts:
            return Problem(file=name, line=1, message="was not remembered", advice="run `andon apply`")
        return of_bytes(self._texts[name].encode(), name=name, file=name)

    def path(self, name: str) -> str:
        """Return its name: who reads the problem knows the file by it."""
        return name

    def manifests(self, folder: str) -> Sequence[str]:
        """Return the names of the manifests in the folders of *folder*, sorted."""
        return [
            name for name in sorted(self._texts) if PurePosixPath(name).match(f"{folder}/*/manifest.yaml")
        ]

    def pages(self, folder: str) -> Sequence[str]:
        """Return the Markdown files in *folder*, without their ending."""
        return [
            PurePosixPath(name).stem for name in self._texts if PurePosixPath(name).match(f"{folder}/*.md")
        ]

    def has(self, name: str) -> bool:  # noqa: ARG002  # see below
        """Return that it is there: links were checked where the files were, and not everything was kept."""
        return True


def _texts(body: str) -> Mapping[str, str]:
    try:
        texts = json.loads(body)
    except ValueError as error:
        raise InvalidConfiguration("the remembered configuration is no JSON") from error
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise InvalidConfiguration("the remembered configuration is no table of files")
    return texts
