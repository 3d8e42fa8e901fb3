"""Writes docs/proof.md: what was run, on what, for how long, what was counted, and what was found."""

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from tests.prove.section import Evidence, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """One section, and what it came to."""

    section: Section
    seconds: float
    evidence: Sequence[Evidence]
    problem: str | None = None  #: Why it came to nothing, if it did.

    @property
    def violations(self) -> list[str]:
        """Everything that was found wrong."""
        found = [violation for each in self.evidence for violation in each.violations]
        return [*found, *([self.problem] if self.problem else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One run of them."""

    on: date
    seed: int
    minutes: float  #: What was asked for.
    only: str | None
    interrupted: bool
    ran: Sequence[Ran]
    missing: Sequence[str]  #: Sections that are not there.

    @property
    def violations(self) -> list[str]:
        """Everything that was found wrong."""
        return [violation for each in self.ran for violation in each.violations]


def page(proof: Proof) -> str:
    """Return the page."""
    return "\n".join([*_head(proof), *(line for ran in proof.ran for line in _section(ran)), *_foot(proof)])


_WHAT_IT_IS = (
    "Written by `make prove`; nobody edits it. It holds what was tried on one machine, and what was found"
    " wrong: it is evidence, and not a demonstration that nothing else can go wrong."
)
_AGAIN = (
    "The seed draws the same stories, kills and contests again. Where the operating system has a say in the"
    " order (which of two processes is first, what a random instant meets) it may say otherwise."
)
_SERVERS = "PostgreSQL and Valkey from the wheels in requirements/dev.txt"


def _head(proof: Proof) -> Iterable[str]:
    spent = _minutes(sum(ran.seconds for ran in proof.ran))
    yield from ("# Proof", "", _WHAT_IT_IS, "", "| | |", "| --- | --- |")
    yield f"| **Violations** | **{len(proof.violations)}** |"
    yield f"| When | {proof.on.isoformat()} |"
    yield f"| How long | {spent}{' (interrupted)' if proof.interrupted else ''} |"
    yield f"| On | {_machine()} |"
    yield f"| With | Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_SERVERS} |"
    yield f"| Again | `{_command(proof)}` |"
    yield from ("", _AGAIN, "")


def _section(ran: Ran) -> Iterable[str]:
    yield from (f"## {ran.section.title}", "", ran.section.promises, "")
    yield from (f"`make prove ONLY={ran.section.name}`, {_minutes(ran.seconds)}.", "")
    if ran.evidence:
        yield from _table(ran.evidence)
    yield from _list("Found wrong", ran.violations)
    yield from _list("Left out", dict.fromkeys(each for found in ran.evidence for each in found.left_out))


def _table(evidence: Sequence[Evidence]) -> Iterable[str]:
    names = list(dict.fromkeys(name for each in evidence for name in each.counts))
    yield f"| | {' | '.join(each.backend for each in evidence)} |"
    yield f"| --- |{' ---: |' * len(evidence)}"
    for name in names:
        yield f"| {name} | {' | '.join(_number(each.counts.get(name)) for each in evidence)} |"
    yield f"| **violations** | {' | '.join(f'**{len(each.violations)}**' for each in evidence)} |"
    yield ""


def _list(title: str, lines: Iterable[str]) -> Iterable[str]:
    told = list(lines)
    if told:
        yield from (f"{title}:", "", *(_item(line) for line in told), "")


def _item(text: str) -> str:
    first, *more = text.splitlines() or [""]
    return "\n".join([f"- {first}", *(f"      {line}" for line in more)])


def _foot(proof: Proof) -> Iterable[str]:
    names = [*([] if proof.only is None else [f"every part but `{proof.only}`"]), *proof.missing]
    yield from _list("## Not run\n\nIn this run", names)


def _command(proof: Proof) -> str:
    only = "" if proof.only is None else f" ONLY={proof.only}"
    return f"make prove MINUTES={proof.minutes:g}{only} SEED={proof.seed}"


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB of memory"


def _number(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes"
