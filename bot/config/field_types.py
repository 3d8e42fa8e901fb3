"""The kinds of values a configuration is written in: names, ids, durations, choices, money."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    GetCoreSchemaHandler,
    StringConstraints,
)
from pydantic_core import CoreSchema, core_schema

from bot.config.problem import Finding, did_you_mean, shown
from bot.config.shape import wrong

_LARGEST_CAP = 1_000_000
_DURATION = re.compile(r"(?:([0-9]{1,4})d)?(?:([0-9]{1,5})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,7})s)?")


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]
    refused: Mapping[str, Finding]  #: Words that people expect here, and why they are not taken.

    def __get_pydantic_core_schema__(self, _: object, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, core_schema.str_schema(strict=True))

    def _check(self, word: str) -> str:
        if word in self.words:
            return word
        if word in self.refused:
            raise wrong(self.refused[word].message, self.refused[word].advice)
        raise wrong(f"is {shown(word)}", did_you_mean(word, self.words))


def choice(*words: str, **refused: Finding) -> Choice:
    """Return the choice of *words*; each of the *refused* comes with what is wrong and what to write."""
    return Choice(words, refused)


def matching(pattern: str, form: str) -> AfterValidator:
    """Return the check that a text is *pattern* from end to end; *form* says so in words."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise wrong(f"is {shown(text)}, which is not {form}")
        return text

    return AfterValidator(check)


def duration(*, at_most: timedelta, at_least: timedelta = timedelta(seconds=1)) -> BeforeValidator:
    """Return the reader of ``90s``, ``15m``, ``1h30m`` or ``2d``; from *at_least* to *at_most*."""

    def read(value: object) -> timedelta:
        match = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if match is None or not value:
            raise wrong(
                f"is {shown(value) if isinstance(value, str) else kind_of(value)}; a duration has units"
            )
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if not at_least <= length <= at_most:
            raise wrong(
                f"is {shown(str(value))}; it has to be from {in_words(at_least)} to {in_words(at_most)}"
            )
        return length

    return BeforeValidator(read)


def in_words(length: timedelta) -> str:
    """Return *length* as a configuration writes it."""
    seconds = int(length.total_seconds())
    parts = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "m"),
        (seconds % 60, "s"),
    )
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def kind_of(value: object) -> str:
    """Return what *value* is, in the words of whoever wrote it."""
    kinds: tuple[tuple[type[Any], str], ...] = (
        (bool, "true or false"),
        (str, "a text"),
        (int, "a number"),
        (float, "a number"),
        (list, "a list"),
        (dict, "a table of keys"),
    )
    if value is None:
        return "empty"
    return next((words for kind, words in kinds if isinstance(value, kind)), "a date")


def _given(value: object) -> object:
    # Optional means that the key may be absent. A key without a value is a sentence without an end.
    if value is None:
        raise wrong("is empty")
    return value


def _money(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise wrong(f"is {kind_of(value)}")
    if re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,6})?", str(value)) is None:
        raise wrong(f"is {shown(str(value))}")
    return Decimal(str(value))


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())  # walks a folder of hundreds of files


def _time_zone(name: str) -> str:
    if name not in _time_zones():
        close = get_close_matches(name, _time_zones(), n=1)
        raise wrong(
            f"is {shown(name)}, which is no time zone", f"did you mean `{close[0]}`?" if close else None
        )
    return name


def _cap(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(f"is {kind_of(value)}")
    if not 1 <= value <= _LARGEST_CAP:
        what = "lets nothing be asked" if value < 1 else "is no cap any more"
        raise wrong(f"is {value}, which {what}; it has to be from 1 to {_LARGEST_CAP}")
    return value


def _not_blank(text: str) -> str:
    if not text.strip():
        raise wrong("is empty")
    return text


Given = BeforeValidator(_given)  #: For a key that may be absent, but not empty.

#: A name of ours: of a person, a team, an agent, a rule, a runbook.
Name = Annotated[
    str,
    StringConstraints(max_length=64),
    matching(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", "of lower-case letters and digits, with - or _ between"),
]
#: A type of action, such as ``ledger.post``.
TypeName = Annotated[
    str,
    StringConstraints(max_length=64),
    matching(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*", "of lower-case words with dots between"),
]
Text = Annotated[str, StringConstraints(max_length=300), AfterValidator(_not_blank)]
#: The head of a card or a form: one short line, with arguments in braces.
Title = Annotated[
    str,
    StringConstraints(max_length=80),
    matching(
        r"[^\W_](?:[^\W_]|[ '&/(),.-]|\{\w+\})*", "a few words on one line, with names of arguments in braces"
    ),
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
WorkspaceId = Annotated[str, matching(r"T[A-Z0-9]{2,20}", "a workspace's id")]
UserId = Annotated[str, matching(r"[UW][A-Z0-9]{2,20}", "a user's id")]
UserGroupId = Annotated[str, matching(r"S[A-Z0-9]{2,20}", "a user group's id")]
ChannelId = Annotated[str, matching(r"[CG][A-Z0-9]{2,20}", "a channel's id")]
Cap = Annotated[int, BeforeValidator(_cap)]
Money = Annotated[Decimal, BeforeValidator(_money)]
Currency = Annotated[str, matching(r"[A-Z]{3}", "three capital letters")]
Sla = Annotated[timedelta, duration(at_most=timedelta(days=30))]
#: How long something is kept.
Term = Annotated[timedelta, duration(at_least=timedelta(days=1), at_most=timedelta(days=9999))]
#: A permission that lies about for longer is one that nobody remembers.
Short = Annotated[timedelta, duration(at_most=timedelta(days=1))]
