"""Lints the JSON Schema of an action's arguments: closed, bounded and complete in itself."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jsonschema_rs import Draft202012Validator, ValidationError

from bot.config.field_types import kind_of
from bot.config.formats import FORMATS
from bot.config.problem import Finding, did_you_mean, shown
from bot.config.yaml_document import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a schema."""

    path: Path  #: Where in the schema.
    message: str  #: What is wrong.
    advice: str  #: What to write instead.


@dataclass(frozen=True, slots=True)
class _Bound:
    """A limit that a type of values has to have."""

    words: frozenset[str]  #: One of these has to be there.
    advice: str


#: What a schema may say. Any other word would be ignored by a validator, and a misspelt limit is no limit.
_WORDS: Final = frozenset(
    {
        *("type", "enum", "const", "anyOf", "oneOf", "title", "description", "examples"),
        *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
        *("items", "minItems", "maxItems", "uniqueItems"),
        *("pattern", "format", "minLength", "maxLength"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    }
)
_REFUSED: Final[Mapping[str, Finding]] = {
    "$ref": Finding("is a reference", "write the part out here; nothing is fetched or followed"),
    "$dynamicRef": Finding("is a reference", "write the part out here; nothing is fetched or followed"),
    "$id": Finding("is not needed", "remove it"),
    "$schema": Finding("is not needed", "remove it; it is JSON Schema 2020-12"),
    "$defs": Finding("is not used here", "write each part out where it belongs"),
    "default": Finding("would do nothing", "remove it; the agent sends every argument itself"),
}
_META: Final = Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"}, offline=True)
_BOUNDS: Final[Mapping[str, tuple[_Bound, ...]]] = {
    "string": (_Bound(frozenset({"pattern", "maxLength", "format"}), "write maxLength, or a pattern"),),
    "integer": (
        _Bound(frozenset({"minimum", "exclusiveMinimum"}), "write minimum"),
        _Bound(frozenset({"maximum", "exclusiveMaximum"}), "write maximum"),
    ),
    "number": (
        _Bound(frozenset({"minimum", "exclusiveMinimum"}), "write minimum"),
        _Bound(frozenset({"maximum", "exclusiveMaximum"}), "write maximum"),
    ),
    "array": (
        _Bound(frozenset({"items"}), "write items"),
        _Bound(frozenset({"maxItems"}), "write maxItems"),
    ),
    "object": (_Bound(frozenset({"properties"}), "write properties"),),
    "boolean": (),
    "null": (),
}


def faults(schema: Mapping[str, object]) -> list[Fault]:
    """Return what is wrong with *schema*: it has to be closed, bounded and complete in itself."""
    plain = list(_not_json(schema, ()))
    if plain:
        return plain
    unsound = min(_META.iter_errors(schema), key=lambda error: len(error.instance_path), default=None)
    if unsound is not None:
        return [_unsound(unsound)]
    if schema.get("type") != "object":
        return [Fault((), "does not say that arguments are an object", "write type: object")]
    return list(_walk(schema, ()))


def pinned(schema: Mapping[str, Any], name: str) -> Fault | None:
    """Return what leaves argument *name* too open for a rule to look at it, if anything does."""
    path: Path = ("properties", name)
    value = schema["properties"][name]
    if "enum" in value or "const" in value:
        return None
    if not isinstance(value.get("type"), str):
        return Fault(path, "is looked at by a rule and may be of several types", "write one type")
    if value["type"] != "string" or "format" in value:
        return None
    if "pattern" not in value:
        return Fault(
            path, "is looked at by a rule and may be any text", "write a pattern, such as '^[0-9]{1,9}$'"
        )
    if not _spans(value["pattern"]):
        advice = "write it from ^ to $, and a choice in brackets"
        return Fault((*path, "pattern"), "matches a part of the text", advice)
    return None


def _walk(schema: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    yield from _words(schema, path)
    yield from _limits(schema, path)
    for name, child in schema.get("properties", {}).items():
        yield from _child(child, (*path, "properties", name))
    if "items" in schema:
        yield from _child(schema["items"], (*path, "items"))
    for word in ("anyOf", "oneOf"):
        for index, child in enumerate(schema.get(word, ())):
            yield from _child(child, (*path, word, index))


def _child(schema: object, path: Path) -> Iterator[Fault]:
    if isinstance(schema, Mapping):
        yield from _walk(schema, path)
    else:
        yield Fault(path, "allows anything or nothing", "write a schema with a type")


def _words(schema: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    for word in sorted(schema.keys() - _WORDS):
        found = _REFUSED.get(word) or Finding("is no word of a schema here", did_you_mean(word, _WORDS))
        yield Fault((*path, word), found.message, found.advice)
    if "pattern" in schema:
        yield from _expression(schema["pattern"], (*path, "pattern"))
    if "format" in schema and schema["format"] not in FORMATS:
        advice = did_you_mean(schema["format"], FORMATS)
        yield Fault((*path, "format"), "is a format that is not checked", advice)


def _expression(pattern: str, path: Path) -> Iterator[Fault]:
    if not pattern:
        yield Fault(path, "is empty", "write a pattern, such as '^[0-9]{1,9}$'")
        return
    try:
        re.compile(pattern, re.ASCII)
    except re.error as error:
        yield Fault(path, f"is no regular expression ({error})", "mend it")


def _limits(schema: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not kinds and not schema.keys() & {"anyOf", "oneOf"}:
        yield Fault(path, "has no type", "write type: string, or another")
    if schema.keys() & {"enum", "const"}:
        yield from _listed(schema, path)
        return
    for kind in kinds:
        for bound in _BOUNDS[kind]:
            if not bound.words & schema.keys():
                yield Fault(path, f"is {_AN[kind]} without a limit", bound.advice)
    if "object" in kinds or "properties" in schema:
        yield from _closed(schema, path)


def _listed(schema: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    values: dict[Path, Any] = {("enum", index): value for index, value in enumerate(schema.get("enum", ()))}
    values |= {("const",): schema["const"]} if "const" in schema else {}
    if not values:
        yield Fault((*path, "enum"), "is empty", "write the values that may be sent")
    typed = Draft202012Validator({"type": schema["type"]} if "type" in schema else {})
    for where, value in values.items():
        if value == "" or not typed.is_valid(value):
            said = "is empty" if value in ("", None) else f"is {kind_of(value)}"
            yield Fault((*path, *where), said, f"write a value of type {schema.get('type')}, or remove it")


_AN: Final = {
    "string": "a text",
    "integer": "a number",
    "number": "a number",
    "array": "a list",
    "object": "an object",
}


def _closed(schema: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    if schema.get("additionalProperties") is not False:
        where = (*path, "additionalProperties") if "additionalProperties" in schema else path
        yield Fault(
            where, "lets arguments through that nobody described", "write additionalProperties: false"
        )
    properties, required = schema.get("properties", {}), schema.get("required", ())
    for index, name in enumerate(required):
        if name not in properties:
            message = f"requires `{name}`, which is no property"
            yield Fault((*path, "required", index), message, did_you_mean(name, properties))
    # What may be absent is absent from the card too, and nobody sees a gap.
    for name in properties:
        if name not in required:
            where = (*path, "required") if "required" in schema else path
            advice = f"add {name} to `required`; what may be empty is of two types, one of them null"
            yield Fault(where, f"lets `{name}` be absent", advice)


def _spans(pattern: str) -> bool:
    """Return whether *pattern* speaks about the whole text: ``^…$`` with no choice between them."""
    if not pattern.startswith("^") or re.search(r"(?<!\\)(?:\\\\)*\$(?:\(\?!\\n\))?$", pattern) is None:
        return False
    # What is escaped, or in a class, is no bracket and no choice.
    bare = re.sub(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", "", pattern)
    depth = 0
    for character in bare:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            return False
    return True


def _not_json(value: object, path: Path) -> Iterator[Fault]:
    match value:
        case Mapping():
            for key, child in value.items():
                yield from _not_json(child, (*path, key))
        case list():
            for index, child in enumerate(value):
                yield from _not_json(child, (*path, index))
        case float() if not math.isfinite(value):
            yield Fault(path, "is no number that JSON knows", "write a number")
        case str() | bool() | int() | float() | None:
            pass
        case _:
            yield Fault(path, f"is {kind_of(value)}", "put it in quotes")


def _unsound(error: ValidationError) -> Fault:
    path: Path = tuple(error.instance_path)
    name = path[-1] if path else "type"
    kinds = error.instance if isinstance(error.instance, list) else [error.instance]
    unknown = next((kind for kind in kinds if isinstance(kind, str) and kind not in _BOUNDS), None)
    if path[-1:] == ("type",) and path[-2:-1] != ("properties",) and unknown is not None:
        return Fault(path, f"is {shown(unknown)}, which is no type", did_you_mean(unknown, _BOUNDS))
    return Fault(path, "is not what JSON Schema 2020-12 takes here", f"look up {name!r} in its reference")
