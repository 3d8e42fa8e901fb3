"""A runbook: what somebody who did not write the agent reads at three in the morning, part by part."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from escalation.ids import AgentName, PersonId

#: In the order in which they are needed.
SECTIONS = (
    "What it does",
    "When it pages you",
    "First five minutes",
    "Stop it",
    "Roll back",
    "Who to wake",
    "Known failures",
)
#: How long a runbook counts as verified.
FRESH_FOR = timedelta(days=90)
#: A date this far ahead is no time zone's today.
_TOMORROW = timedelta(days=1)

_HEADING = re.compile(r"^##[ \t]+(.+?)[ \t]*#*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_LINK = re.compile(r"\]\(\s*<?([^)\s>#]+)")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part, under its heading."""

    title: str
    line: int  #: Of the heading, in the file.
    text: str  #: Without the heading.


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A runbook that holds what it has to."""

    name: str
    title: str
    agents: tuple[AgentName, ...]
    owner: PersonId
    on_call: tuple[str, ...]  #: Names of people and teams.
    verified: date  #: The day somebody last followed it from start to end.
    rollback: tuple[str, ...]  #: The steps.
    sections: tuple[Section, ...]

    def section(self, title: str) -> Section | None:
        """Return the part called *title*."""
        return next((section for section in self.sections if section.title == title), None)


def sections(lines: Sequence[str], *, first_line: int) -> tuple[Section, ...]:
    """Return the parts under ``##`` in *lines*, of which the first is line *first_line* of its file."""
    headings = [
        (index, found[1]) for index, line in _prose(lines) if (found := _HEADING.match(line)) is not None
    ]
    ends = [index for index, _ in headings[1:]] + [len(lines)]
    return tuple(
        Section(title=title, line=index + first_line, text="\n".join(lines[index + 1 : end]).strip())
        for (index, title), end in zip(headings, ends, strict=False)  # no heading, no part
    )


def missing(found: Iterable[Section]) -> tuple[str, ...]:
    """Return the titles of the required sections that are not among those *found*."""
    there = {section.title for section in found}
    return tuple(title for title in SECTIONS if title not in there)


def empty(found: Iterable[Section]) -> tuple[Section, ...]:
    """Return the required sections that say nothing."""
    return tuple(section for section in found if section.title in SECTIONS and not section.text)


def repeated(found: Iterable[Section]) -> tuple[Section, ...]:
    """Return the required sections whose title came before."""
    seen: set[str] = set()
    again = []
    for section in found:
        if section.title in seen and section.title in SECTIONS:
            again.append(section)
        seen.add(section.title)
    return tuple(again)


def links(lines: Sequence[str], *, first_line: int) -> tuple[tuple[int, str], ...]:
    """Return the links to other files, each with its line in the file."""
    return tuple(
        (index + first_line, target)
        for index, line in _prose(lines)
        for target in _LINK.findall(line)
        if _ELSEWHERE.match(target) is None
    )


def is_stale(verified: date, *, today: date) -> bool:
    """Return whether *verified* is so long ago that nobody should rely on it."""
    return today - verified > FRESH_FOR


def is_ahead(verified: date, *, today: date) -> bool:
    """Return whether *verified* has not come yet, anywhere on earth."""
    return verified - today > _TOMORROW


def _prose(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines outside code blocks, each with its index: a comment in a script is no heading."""
    fence = ""
    for index, line in enumerate(lines):
        mark = _FENCE.match(line)
        if not fence and mark is not None:
            fence = mark[1]
        elif fence and mark is not None and line.strip() == mark[1] and mark[1].startswith(fence):
            fence = ""
        elif not fence:
            yield index, line
