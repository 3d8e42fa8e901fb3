"""Compiles a JSON Schema into the check that the arguments of every proposal pass."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, ValidationError

from bot.config.formats import FORMATS
from escalation.action import Json
from escalation.configuration import Misfit

_PLAIN_NAME: Final = re.compile("[a-zA-Z][a-zA-Z0-9_]*")


def misfit(schema: Mapping[str, Any]) -> Callable[[Mapping[str, Json]], Misfit | None]:
    """Return the check of arguments against *schema*, which has no faults.

    It names the place and the limit, never the value: that may be a secret.
    """
    validator = Draft202012Validator(
        dict(schema),
        validate_formats=True,
        formats=dict(FORMATS),
        keywords={"pattern": _Pattern, "multipleOf": _MultipleOf},
    )

    def check(arguments: Mapping[str, Json]) -> Misfit | None:
        if validator.is_valid(arguments):
            return None
        broken = (_Broken.of(schema, arguments, error) for error in validator.iter_errors(arguments))
        first = min(broken, key=lambda found: (found.path, found.word))
        return Misfit(path=first.path, problem=_in_words(first))

    return check


class _Pattern:
    r"""The keyword ``pattern``, as JavaScript reads it: \d is 0 to 9, $ is the end, not before a line feed.

    The validator's own engine knows other classes and escapes; one text must not mean two things.
    """

    def __init__(self, _: object, pattern: str, __: object) -> None:
        exact = re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1\\Z", pattern)
        self._search = re.compile(exact, re.ASCII).search

    def validate(self, instance: object) -> None:
        if isinstance(instance, str) and self._search(instance) is None:
            raise ValueError("does not match")


class _MultipleOf:
    """The keyword ``multipleOf``: of a step that is a double, by the quotient of doubles."""

    def __init__(self, _: object, step: Any, __: object) -> None:
        self._step = step

    def validate(self, instance: object) -> None:
        if isinstance(instance, int | float) and not isinstance(instance, bool) and self._rest(instance):
            raise ValueError("is no multiple")

    def _rest(self, number: float) -> float | Fraction:
        if not isinstance(self._step, float):
            return number % int(self._step)
        try:
            return number / self._step % 1
        except OverflowError:
            return Fraction(number) % Fraction(self._step)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Broken:
    """A limit that an argument breaks."""

    path: str  #: Of the argument, such as ``$.lines[0].amount``.
    word: str  #: Of the schema, such as ``maxLength``.
    limit: Any  #: What the word says.
    around: Mapping[str, Any]  #: The part of the schema that the word stands in.
    instance: Any

    @classmethod
    def of(
        cls, schema: Mapping[str, Any], arguments: Mapping[str, Json], error: ValidationError
    ) -> "_Broken":
        # Of names that read as one number, such as 1 and 01, it is the one that holds what was found.
        ways = list(_ways(arguments, error.instance_path))
        where = next((way for way in ways if _at(arguments, way) == error.instance), ways[0])
        names = [part for part in where if isinstance(part, str)]
        places = list(_ways(schema, error.schema_path))
        place = next((way for way in places if _properties(way) == names), places[0])
        around = _at(schema, place[:-1])
        return cls(
            path=_json_path(where),
            word=str(place[-1]),
            limit=around[place[-1]],
            around=around,
            instance=error.instance,
        )


def _properties(place: Sequence[str | int]) -> list[str | int]:
    """Return the names of arguments on the way to *place* in a schema."""
    parts = iter(place)
    return [next(parts) for part in parts if part == "properties"]


def _ways(value: object, path: Sequence[str | int]) -> Iterator[tuple[str | int, ...]]:
    """Yield the ways to go *path* in *value*: the validator writes a name of digits as a number."""
    if not path:
        yield ()
        return
    keys: Iterable[str | int] = ()
    if isinstance(value, Mapping):
        keys = (name for name in value if path[0] in {name, _as_number(name)})
    elif isinstance(value, Sequence) and isinstance(path[0], int) and path[0] < len(value):
        keys = (path[0],)
    for key in keys:
        for more in _ways(_at(value, (key,)), path[1:]):
            yield key, *more


def _as_number(name: str) -> int | None:
    return int(name) if name.isascii() and name.lstrip("+").isdigit() else None


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        value = value[part]
    return value


def _json_path(path: Sequence[str | int]) -> str:
    return "$" + "".join(map(_part, path))


def _part(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    if _PLAIN_NAME.fullmatch(part) is not None:
        return f".{part}"
    escaped = part.replace("\\", "\\\\").replace("'", r"\'")
    return f"['{escaped}']"


def _in_words(broken: _Broken) -> str:
    """Return what is wrong, from the schema's words alone."""
    limit, instance, around = broken.limit, broken.instance, broken.around
    match broken.word:
        case "required":
            return f"lacks {min(set(limit) - set(instance))!r}"
        case "additionalProperties":
            return (
                f"has {min(set(instance) - set(around['properties']))[:60]!r}, which the schema does not know"
            )
        case "type":
            return f"is not of type {limit if isinstance(limit, str) else ' or '.join(limit)}"
        case "enum":
            return f"is none of {', '.join(map(str, limit))}"
        case "pattern" if "description" in around:
            # Whoever edits reads what is meant, not the expression that checks it.
            return f"is not: {around['description']}"
        case "pattern":
            return f"does not match {limit}"
        case "anyOf" | "oneOf":
            return "fits none of its forms, or more than one"
        case word:
            return f"does not keep to {word}: {limit}"
