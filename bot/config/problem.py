"""What is wrong with a configuration, as an editor can jump to it: ``file:line: what: what to write``."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from escalation.errors import InvalidConfiguration

_LONGEST_SHOWN = 60
#: Slack's keys and secrets, and our own. Somebody may have pasted one; nobody else needs to read it.
_SECRET = re.compile(r"xox[a-z]?-|xapp-|andon_|\b[0-9a-fA-F]{32}\b")


class Severity(Enum):
    """Whether the bot may start all the same."""

    ERROR = "error"  #: It may not.
    WARNING = "warning"  #: It may; somebody should look.


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong."""

    file: str  #: As the user would name it: beside the path they gave for ``andon.yaml``.
    line: int  #: From 1.
    message: str  #: What is wrong.
    advice: str  #: What to write instead.
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        mark = "warning: " if self.severity is Severity.WARNING else ""
        return f"{self.file}:{self.line}: {mark}{self.message}: {self.advice}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong somewhere, and what to write there instead."""

    message: str
    advice: str


class ConfigurationProblems(InvalidConfiguration):
    """The configuration cannot be used; carries every problem, sorted by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(map(str, self.problems)))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return *problems* by file and line, each once, always in the same order."""
    return tuple(sorted(set(problems), key=lambda it: (it.file, it.line, it.message, it.advice)))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the advice for a *word* that is none of the *known* ones."""
    names = sorted(set(known))
    close = get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"write {one_of(names)}" if names else "remove it"


def one_of(names: Sequence[str]) -> str:
    """Return *names* as a choice in words."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"one of {', '.join(quoted)}"


def is_secret(text: str) -> bool:
    """Return whether *text* holds what looks like a key or a secret."""
    return _SECRET.search(text) is not None


def shown(value: str) -> str:
    """Return *value* in quotes and on one line, shortened; never one that holds what looks like a secret."""
    if is_secret(value):
        return "what looks like a secret"
    return repr(value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…")
