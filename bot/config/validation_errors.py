"""Says in people's words, with file and line, what a shape found wrong."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from bot.config.field_types import kind_of
from bot.config.problem import Finding, Problem, did_you_mean
from bot.config.shape import Shape
from bot.config.yaml_document import Document, Path

_BAD_KEY = "[key]"  #: What pydantic appends when the key of a table is at fault.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a path leads in a model."""

    around: type[Shape]
    field: FieldInfo | None


def explain(document: Document, shape: type[Shape], error: ValidationError) -> Iterator[Problem]:
    """Yield the problems of *document*, which should have had *shape*."""
    details = error.errors(include_url=False)
    meant = {_meant(shape, detail["loc"]) for detail in details if detail["type"] == "extra_forbidden"}
    # What could not be read was told when it was read.
    unread = {problem.line for problem in document.problems}
    for detail in details:
        if detail["type"] == "missing" and detail["loc"] in meant:
            continue
        problem = _problem(document, shape, detail)
        if problem.line not in unread:
            yield problem


def _meant(shape: type[Shape], path: Path) -> Path:
    """Return where the misspelt key at the end of *path* should have been."""
    keys = _keys(_field(shape, path).around)
    return (*path[:-1], *get_close_matches(str(path[-1]), keys, n=1))


def _problem(document: Document, shape: type[Shape], detail: ErrorDetails) -> Problem:
    path: Path = tuple(part for part in detail["loc"] if part != _BAD_KEY)
    context = detail.get("ctx", {})
    if context.get("at") is not None:
        path = (*path, str(context["at"]))
    place = _field(shape, path)
    around, field = place.around, place.field
    description = (
        field.description if field is not None else None
    ) or f"its keys: {', '.join(_keys(around))}"
    advice = f"write {description}"
    match detail["type"]:
        case "extra_forbidden":
            extra = _extra(around, str(path[-1]))
            return document.problem(path, extra.message, extra.advice)
        case "missing":
            message, advice = "is missing", f"write `{path[-1]}`: {description}"
        case "wrong" if detail["loc"][-1:] == (_BAD_KEY,):
            message, advice = str(context["what"]), "give it another name"
        case "wrong":
            message, advice = str(context["what"]), context["advice"] or advice
        case "too_short":
            message = "is empty"
        case "string_too_long":
            message = f"is longer than {context['max_length']} characters"
        case _ if detail["input"] is None:
            message = "is empty"
        case "greater_than_equal" | "less_than_equal" | "finite_number":
            message = f"is {detail['input']}"
        case _:
            message = f"is {kind_of(detail['input'])}"
    return document.problem(path, message, advice)


def _extra(around: type[Shape], key: str) -> Finding:
    if key in around.unbuilt:
        return Finding("is not built yet, and would do nothing", around.unbuilt[key])
    return Finding("is no key here", did_you_mean(key, _keys(around)))


def _keys(shape: type[Shape]) -> Mapping[str, FieldInfo]:
    return {field.alias or name: field for name, field in shape.model_fields.items()}


def _field(shape: type[Shape], path: Path) -> _Place:
    """Return the last shape and the last field on *path*."""
    around, field = shape, None
    kind: Any = shape
    for part in path:
        kind = _bare(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            around = kind if issubclass(kind, Shape) else around
            if (found := _keys(around).get(str(part))) is None:
                break
            field, kind = found, found.annotation
        else:
            kind = (get_args(kind) or (None,))[-1]
    return _Place(around=around, field=field)


def _bare(kind: Any) -> Any:
    """Return *kind* without what is wrapped around it: metadata, or the leave to be absent."""
    while get_origin(kind) in {Annotated, Union, types.UnionType}:
        kind = get_args(kind)[0]
    return kind
