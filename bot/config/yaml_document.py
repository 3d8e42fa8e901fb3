"""Reads YAML into values that remember their lines; refuses what two readers could read differently."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.config.problem import Problem, is_secret
from bot.config.source import Source
from bot.config.yaml_errors import trouble

Path: TypeAlias = tuple[str | int, ...]  #: Such as ``("people", "salma", "slack", 0)``.

#: How deep values may nest: as deep as arguments may, and a little.
MAX_DEPTH = 40
_PLAIN = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")
)
_MERGE = "tag:yaml.org,2002:merge"
_STRING = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file's values."""

    file: str
    value: object
    lines: Mapping[Path, int]  #: Where each key or item stands.
    problems: tuple[Problem, ...] = ()  #: What was skipped in *value*.

    def line(self, path: Path) -> int:
        """Return the line of *path*, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines[path]

    def problem(self, path: Path, message: str, advice: str) -> Problem:
        """Return the problem at *path*; *message* goes on from its name."""
        said = f"`{dotted(path)}` {message}" if path else message
        return Problem(file=self.file, line=self.line(path), message=said, advice=advice)


def dotted(path: Path) -> str:
    """Return *path* as people write it, such as ``rules[0].when``; what looks like a secret is masked."""
    text = ""
    for part in path:
        name = "…" if isinstance(part, str) and is_secret(part) else part
        text += f"[{name}]" if isinstance(name, int) else f".{name}" if text else name
    return text


def parse(source: Source, *, text: str | None = None, first_line: int = 1) -> Document:
    """Return the values in *source* (or in its part *text*, which starts on *first_line*)."""
    reader = _Reader(source.file, first_line)
    value = reader.read(source.text if text is None else text)
    return Document(file=source.file, value=value, lines=reader.lines, problems=tuple(reader.problems))


class _NotPlain(Exception):
    """YAML of a kind that a configuration does without."""

    def __init__(self, mark: yaml.Mark, message: str, advice: str) -> None:
        super().__init__(message)
        self.mark, self.message, self.advice = mark, message, advice


class _Loader(yaml.SafeLoader):
    """Composes nodes; stops at aliases, tags and depth before they cost anything."""

    _depth = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it open
        if getattr(event, "anchor", None) is not None:
            raise _NotPlain(event.start_mark, "anchors and aliases are not used here", "write the value out")
        if getattr(event, "tag", None) is not None:
            raise _NotPlain(event.start_mark, f"the tag {event.tag[:80]!r} is not used here", "remove it")
        if self._depth >= MAX_DEPTH:
            raise _NotPlain(event.start_mark, f"nests deeper than {MAX_DEPTH} levels", "flatten it")
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class _Reader:
    """Turns the nodes of one file into values."""

    def __init__(self, file: str, first_line: int) -> None:
        self._file = file
        self._first = first_line
        self.lines: dict[Path, int] = {(): first_line}
        self.problems: list[Problem] = []

    def read(self, text: str) -> object:
        loader = None
        try:
            loader = _Loader(text)
            node = loader.get_single_node()
            return None if node is None else self._value(loader, node, ())
        except _NotPlain as error:
            self._refuse(error.mark.line, error.message, error.advice)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position)
            self._refuse(line, "holds a character that YAML does not allow", "remove it")
        except yaml.MarkedYAMLError as error:
            found = trouble(error, text)
            self._refuse(found.line, found.finding.message, found.finding.advice)
        finally:
            if loader is not None:
                loader.dispose()
        return None

    def _value(self, loader: _Loader, node: Node, path: Path) -> object:
        match node:
            case MappingNode():
                return dict(self._entries(loader, node, path))
            case SequenceNode():
                return [self._item(loader, child, (*path, index)) for index, child in enumerate(node.value)]
            case _:
                return self._scalar(loader, node)

    def _item(self, loader: _Loader, node: Node, path: Path) -> object:
        self.lines[path] = node.start_mark.line + self._first
        return self._value(loader, node, path)

    def _entries(self, loader: _Loader, node: MappingNode, path: Path) -> Iterator[tuple[str, object]]:
        seen: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line
            if key.tag == _MERGE:
                self._refuse(line, "`<<` is not used here", "write the keys out")
                continue
            if not isinstance(key, ScalarNode) or key.tag != _STRING:
                self._refuse(line, "a key here is not a word", 'put it in quotes, such as "on"')
                continue
            name = str(key.value)
            if name in seen:
                where = f"the first is on line {seen[name]}"
                self._refuse(
                    line, f"`{dotted((*path, name))}` stands here twice ({where})", "keep one of them"
                )
                continue
            self.lines[*path, name] = seen[name] = line + self._first
            yield name, self._value(loader, child, (*path, name))

    def _scalar(self, loader: _Loader, node: Node) -> object:
        try:
            if node.tag in _PLAIN:
                value: object = loader.construct_object(node)
                return value
        except ValueError:
            pass  # Such as the 30th of February, or a number of 5,000 digits.
        self._refuse(
            node.start_mark.line, f"{str(node.value)[:40]!r} has no meaning here", "put it in quotes"
        )
        return None

    def _refuse(self, line: int, message: str, advice: str) -> None:
        problem = Problem(file=self._file, line=line + self._first, message=message, advice=advice)
        self.problems.append(problem)
