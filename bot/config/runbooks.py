"""Reads a runbook's file: its front matter, its sections and its links."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from bot.config.field_types import Name, Text
from bot.config.problem import Problem, Severity
from bot.config.shape import Shape
from bot.config.source import Source
from bot.config.validation_errors import explain
from bot.config.yaml_document import Document, parse
from bot.config.yaml_document import Path as Place
from escalation import runbook
from escalation.ids import AgentName, PersonId
from escalation.runbook import Runbook

_MARK = "---"


def _several(value: object) -> object:
    """Return *value* as a list: one name, or one step, needs no brackets."""
    return [value] if isinstance(value, str) else value


class FrontMatterShape(Shape):
    """What stands between the two ``---``."""

    title: Text = Field(description="a title, such as Bank reconciliation")
    agents: Annotated[list[Name], BeforeValidator(_several)] = Field(
        min_length=1, description="the agents it is for, such as [bank-reconciliation]"
    )
    owner: Name = Field(description="the person who keeps it true, such as nadia")
    on_call: Annotated[list[Name], BeforeValidator(_several)] = Field(
        min_length=1, description="the people or teams to call, such as [nadia, khalid]"
    )
    verified: date = Field(description="the day somebody last followed it, such as 2026-11-01")
    rollback: Annotated[list[Text], BeforeValidator(_several)] = Field(
        min_length=1, description="a command, or a list of steps"
    )


class RunbookFile:
    """One runbook's file, taken apart."""

    def __init__(self, source: Source, *, name: str) -> None:
        self.name = name
        self._file = source.file
        self._lines = source.text.splitlines()
        self._body = _end_of_front_matter(self._lines)
        front = "\n".join(self._lines[1 : self._body - 1]) if self._body else ""
        self.front: Document = parse(source, text=front, first_line=2 if self._body else 1)
        self.sections = runbook.sections(self._lines[self._body :], first_line=self._body + 1)

    def read(self, *, today: date) -> tuple[Runbook | None, list[Problem]]:
        """Return the runbook, if its front matter is in order, and everything that is wrong."""
        if not self._body:
            advice = (
                f"begin with {_MARK}, then title, agents, owner, on_call, verified, rollback, then {_MARK}"
            )
            return None, [self._problem(1, "has no front matter", advice), *self._about_sections()]
        problems = [*self.front.problems, *self._about_sections()]
        try:
            shape = FrontMatterShape.model_validate(self.front.value)
        except ValidationError as error:
            return None, [*problems, *explain(self.front, FrontMatterShape, error)]
        return self._runbook(shape), [
            *problems,
            *freshness(self.front, ("verified",), shape.verified, today=today),
        ]

    def dead_links(self, exists: Callable[[str], bool]) -> Iterator[Problem]:
        """Yield the links to what does not exist; *exists* is asked by the link's target."""
        for line, target in runbook.links(self._lines[self._body :], first_line=self._body + 1):
            if not exists(target):
                yield self._problem(line, f"links to `{target}`, which is not there", "mend the link")

    def _about_sections(self) -> Iterator[Problem]:
        others = {found.title: found.line for found in self.sections if found.title not in runbook.SECTIONS}
        for title in runbook.missing(self.sections):
            near = get_close_matches(title, others, n=1, cutoff=0.7)
            line = others[near[0]] if near else max(len(self._lines), 1)
            yield self._problem(
                line, f"the section `{title}` is missing", f"write `## {title}` and what to do"
            )
        for section in runbook.empty(self.sections):
            yield self._problem(section.line, f"the section `{section.title}` is empty", "write what to do")
        for section in runbook.repeated(self.sections):
            yield self._problem(
                section.line, f"the section `{section.title}` stands here twice", "merge them"
            )

    def _runbook(self, shape: FrontMatterShape) -> Runbook:
        return Runbook(
            name=self.name,
            title=shape.title,
            agents=tuple(map(AgentName, shape.agents)),
            owner=PersonId(shape.owner),
            on_call=tuple(shape.on_call),
            verified=shape.verified,
            rollback=tuple(shape.rollback),
            sections=self.sections,
        )

    def _problem(self, line: int, message: str, advice: str) -> Problem:
        return Problem(file=self._file, line=line, message=message, advice=advice)


def freshness(document: Document, path: Place, verified: date, *, today: date) -> Iterator[Problem]:
    """Yield what is wrong with the day on which something was *verified*, which stands at *path*."""
    if runbook.is_ahead(verified, today=today):
        yield document.problem(
            path, f"is {verified}, which has not come yet", "write the day it was last tried"
        )
    elif runbook.is_stale(verified, today=today):
        days = (today - verified).days
        problem = document.problem(path, f"is {days} days ago", "try it again, then write today's date")
        yield replace(problem, severity=Severity.WARNING)


def _end_of_front_matter(lines: Sequence[str]) -> int:
    """Return the index after the second ``---``, or 0 where there is no front matter."""
    if not lines or lines[0].rstrip() != _MARK:
        return 0
    return next((index + 1 for index, line in enumerate(lines) if index and line.rstrip() == _MARK), 0)
