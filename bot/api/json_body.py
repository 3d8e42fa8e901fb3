"""Reads what an agent sends: JSON that every reader reads alike, of the shape that the call takes."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.api.problems import Problem
from escalation.action import MAX_DEPTH, Json, canonical, decode
from escalation.errors import InvalidAction

T = TypeVar("T")
_LIMIT = 256 * 1024


def read(raw: bytes, shape: TypeAdapter[T]) -> T:
    """Return the body *raw* as *shape*, or raise the ``Problem`` that it is."""
    try:
        value = decode(raw)
    except InvalidAction as error:
        raise Problem("malformed", 400, f"The body {error.problem}. Send one JSON object.") from error
    try:
        # The whole body is held to what arguments are held to, and wraps them in two levels.
        canonical(value, limit=_LIMIT, depth=MAX_DEPTH + 2)
        return shape.validate_python(value)
    except InvalidAction as error:
        raise _invalid(value, error.path, error.problem) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Problem("invalid", 422, *_where(first, shape)) from error


def _invalid(body: Json, path: str, why: str) -> Problem:
    inside = path.startswith("$.action.arguments") or not isinstance(body, Mapping)
    name = "arguments-invalid" if inside else "invalid"
    return Problem(name, 422, f"{path} {why}.", {"path": path})


def _where(error: Any, shape: TypeAdapter[Any]) -> tuple[str, dict[str, str]]:
    # Where one of several shapes was chosen, its name comes first; no such member was sent.
    chosen = shape.core_schema["type"] == "tagged-union"
    path = ".".join(["$", *(str(part) for part in error["loc"][chosen:])])
    return f"{path}: {error['msg']}.", {"path": path}
