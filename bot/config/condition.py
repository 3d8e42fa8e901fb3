"""Compiles a rule's condition, and finds what it looks at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from bot.config.problem import did_you_mean, shown
from bot.config.shape import wrong
from escalation.errors import InvalidConfiguration
from escalation.policy import Condition

_TEXT = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*\"""")
_MEMBER = re.compile(r"\bargs\s*\.\s*([A-Za-z_]\w*)")
_INDEX = re.compile(r"""\bargs\s*\[\s*(?:'([^']*)'|"([^"]*)")\s*\]""")
#: An argument itself, before or after a comparison of order; ``decimal(args.x) <`` is none.
_ORDER = re.compile(r"\bargs\.([A-Za-z_]\w*)\s*[<>]|[<>]=?\s*args\.([A-Za-z_]\w*)")

_UNKNOWN = re.compile(r"uses '(\w+)'; rules know (.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """Which arguments a condition looks at."""

    arguments: frozenset[str]
    ordered: frozenset[str]  #: Those it compares as they are, by order.


def condition(source: str) -> Condition:
    """Return the compiled *source*, or raise the error that says what is wrong with it."""
    try:
        compiled = Condition(source)
    except InvalidConfiguration as error:
        said = _in_short(source, error)
        raise wrong(said, _meant(said)) from error
    if not compiled.variables:
        raise wrong(
            f"is {shown(source)}, which is the same for every request", "write always, or a condition"
        )
    return compiled


def looks(source: str) -> Looks:
    """Return what *source* looks at."""
    # Texts in the expression are blanked: "args.x" inside one is no look at anything.
    bare = _TEXT.sub(lambda text: " " * len(text[0]), source)
    indexed = {first or second for first, second in _INDEX.findall(source)}
    return Looks(
        arguments=frozenset({*_MEMBER.findall(bare), *indexed}),
        ordered=frozenset(_names(_ORDER.findall(bare))),
    )


def _names(found: list[tuple[str, str]]) -> Iterator[str]:
    return (before or after for before, after in found)


def _in_short(source: str, error: InvalidConfiguration) -> str:
    said = str(error).partition("\n")[0]
    syntax = re.search(r"ERROR: <input>:\d+:(\d+): (.*?)(?: expecting .*)?$", said)
    if syntax is not None:
        return f"is no CEL condition ({syntax[2]}, at character {syntax[1]})"
    return said.removeprefix(repr(source)).strip()


def _meant(said: str) -> str | None:
    """Return the advice where *said* is of a misspelt word; without one the field's description is it."""
    slip = _UNKNOWN.fullmatch(said)
    if slip is None or not get_close_matches(slip[1], known := slip[2].split(", ")):
        return None
    return did_you_mean(slip[1], known)
