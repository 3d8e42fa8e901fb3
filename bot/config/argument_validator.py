"""Compiles a JSON Schema into the check that the arguments of every proposal pass."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from escalation.action import Json
from escalation.configuration import Misfit

_FORMATS: Final = FormatChecker(["date", "email", "ipv4", "ipv6", "uuid"])


def misfit(schema: Mapping[str, Any]) -> Callable[[Mapping[str, Json]], Misfit | None]:
    """Return the check of arguments against *schema*, which has no faults.

    It names the place and the limit, never the value: that may be a secret.
    """
    validator = _Validator(schema, format_checker=_FORMATS)

    def check(arguments: Mapping[str, Json]) -> Misfit | None:
        found = min(
            validator.iter_errors(arguments),
            key=lambda error: (error.json_path, str(error.validator)),
            default=None,
        )
        return None if found is None else Misfit(path=found.json_path, problem=_in_words(found))

    return check


def _in_words(error: ValidationError) -> str:
    """Return what is wrong, from the schema's words alone."""
    limit, instance, around = _parts(error)
    match error.validator:
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


def _parts(error: ValidationError) -> tuple[Any, Any, Any]:
    # The library types these as perhaps unset; in an error that came from a validator they are set.
    return error.validator_value, error.instance, error.schema


def _pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
    # As JavaScript reads it, and people with it: \d is 0 to 9, and $ is the end, not before a line feed.
    exact = re.sub(r"(?<!\\)((?:\\\\)*)\$$", r"\1\\Z", pattern)
    if isinstance(instance, str) and re.search(exact, instance, re.ASCII) is None:
        yield ValidationError("does not match")


_Validator: Final = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # untyped there
