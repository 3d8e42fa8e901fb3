"""Reads what an agent sends: JSON that every reader reads alike, of the shape that the call takes."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.api.problems import Problem
from escalation.action import MAX_DEPTH, Json, canonical, decode
from escalation.errors import InvalidAction

T = TypeVar("T")
_LIMIT = 256 * 1024
#: The whole body is held to what arguments are held to, and wraps them in two levels.
_LEVELS = MAX_DEPTH + 2
#: A number that may be too large, or not finite: of 16 digits, or with an exponent.
_LONG_NUMBER = re.compile(rb"[0-9](?:[0-9]{15}|[eE])")
_ESCAPES = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def read(raw: bytes, shape: TypeAdapter[T]) -> T:
    """Return the body *raw* as *shape*, or raise the ``Problem`` that it is."""
    try:
        value = decode(raw)
    except InvalidAction as error:
        raise Problem("malformed", 400, f"The body {error.problem}. Send one JSON object.") from error
    try:
        if not is_simple(raw):
            canonical(value, limit=_LIMIT, depth=_LEVELS)
        return shape.validate_python(value)
    except InvalidAction as error:
        raise _invalid(value, error.path, error.problem) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Problem("invalid", 422, *_where(first, shape)) from error


def is_simple(raw: bytes) -> bool:
    """Return whether nothing in the JSON *raw* could keep it from having a canonical form.

    Three scans of bytes instead of a walk over the values; what they find need not be wrong.
    """
    return (
        len(raw) <= _LIMIT
        and raw.count(b"{") + raw.count(b"[") < _LEVELS
        and (b"\\u" not in raw or _ESCAPES.search(raw) is None)
        and _LONG_NUMBER.search(raw) is None
    )


def _invalid(body: Json, path: str, why: str) -> Problem:
    inside = path.startswith("$.action.arguments") or not isinstance(body, Mapping)
    name = "arguments-invalid" if inside else "invalid"
    return Problem(name, 422, f"{path} {why}.", {"path": path})


def _where(error: Any, shape: TypeAdapter[Any]) -> tuple[str, dict[str, str]]:
    # Where one of several shapes was chosen, its name comes first; no such member was sent.
    chosen = shape.core_schema["type"] == "tagged-union"
    path = ".".join(["$", *(str(part) for part in error["loc"][chosen:])])
    return f"{path}: {error['msg']}.", {"path": path}
