"""Reads the files of a configuration into values of their shapes, and collects what is wrong with them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import ValidationError

from bot.config.files import Files
from bot.config.problem import Problem, Severity
from bot.config.shape import Shape
from bot.config.source import Source
from bot.config.validation_errors import explain
from bot.config.yaml_document import Document, parse

S = TypeVar("S", bound=Shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[S]):
    """One file that was read."""

    document: Document
    shape: S | None  #: Nothing where the file does not have it.


class Reader:
    """The files read so far, and their problems."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.sources: dict[str, Source] = {}
        self.problems: list[Problem] = []

    def part(self, name: str, shape: type[S]) -> Part[S] | None:
        """Return the YAML file called *name*, or nothing where it cannot be read."""
        source = self.source(name)
        if source is None:
            return None
        document = parse(source)
        self.report(document.problems)
        if document.value is None and document.problems:
            return Part(document=document, shape=None)
        try:
            return Part(document=document, shape=shape.model_validate(document.value))
        except ValidationError as error:
            self.report(explain(document, shape, error))
            return Part(document=document, shape=None)

    def source(self, name: str) -> Source | None:
        """Return the text of the file called *name*, or nothing where it cannot be read."""
        found = self.files.read(name)
        if isinstance(found, Problem):
            self.report([found])
            return None
        self.sources[name] = found
        return found

    def report(self, problems: Iterable[Problem]) -> None:
        """Add *problems* to those known."""
        self.problems += problems

    @property
    def failed(self) -> bool:
        """Whether there is a problem that is more than a warning."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)
