"""Checks the JSON Schema of an action's arguments, and compiles the check that every proposal passes."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend

from bot.config.field_types import kind_of
from bot.config.problem import did_you_mean, shown
from bot.config.yaml_document import Path
from escalation.action import Json
from escalation.configuration import Misfit

Fault = tuple[Path, str, str]  #: Where in the schema, what is wrong, what to write.

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
_REFUSED: Final = {
    "$ref": ("is a reference", "write the part out here; nothing is fetched or followed"),
    "$dynamicRef": ("is a reference", "write the part out here; nothing is fetched or followed"),
    "$id": ("is not needed", "remove it"),
    "$schema": ("is not needed", "remove it; it is JSON Schema 2020-12"),
    "$defs": ("is not used here", "write each part out where it belongs"),
    "default": ("would do nothing", "remove it; the agent sends every argument itself"),
}
_FORMATS: Final = FormatChecker(["date", "email", "ipv4", "ipv6", "uuid"])
_BOUNDS: Final[Mapping[str, tuple[tuple[frozenset[str], str], ...]]] = {
    "string": ((frozenset({"pattern", "maxLength", "format"}), "write maxLength, or a pattern"),),
    "integer": (
        (frozenset({"minimum", "exclusiveMinimum"}), "write minimum"),
        (frozenset({"maximum", "exclusiveMaximum"}), "write maximum"),
    ),
    "number": (
        (frozenset({"minimum", "exclusiveMinimum"}), "write minimum"),
        (frozenset({"maximum", "exclusiveMaximum"}), "write maximum"),
    ),
    "array": (
        (frozenset({"items"}), "write items"),
        (frozenset({"maxItems"}), "write maxItems"),
    ),
    "object": ((frozenset({"properties"}), "write properties"),),
    "boolean": (),
    "null": (),
}


def faults(schema: Mapping[str, object]) -> list[Fault]:
    """Return what is wrong with *schema*: it has to be closed, bounded and complete in itself."""
    plain = list(_not_json(schema, ()))
    if plain:
        return plain
    try:
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(()))  # formats: below
    except SchemaError as error:
        return [_unsound(error)]
    if schema.get("type") != "object":
        return [((), "does not say that arguments are an object", "write type: object")]
    return list(_walk(schema, ()))


def pinned(schema: Mapping[str, Any], name: str) -> Fault | None:
    """Return what leaves argument *name* too open for a rule to look at it, if anything does."""
    path: Path = ("properties", name)
    value = schema["properties"][name]
    if "enum" in value or "const" in value:
        return None
    if not isinstance(value.get("type"), str):
        return path, "is looked at by a rule and may be of several types", "write one type"
    if value["type"] != "string" or "format" in value:
        return None
    if "pattern" not in value:
        return path, "is looked at by a rule and may be any text", "write a pattern, such as '^[0-9]{1,9}$'"
    if not _spans(value["pattern"]):
        return (
            (*path, "pattern"),
            "matches a part of the text",
            "write it from ^ to $, and a choice in brackets",
        )
    return None


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
        yield path, "allows anything or nothing", "write a schema with a type"


def _words(schema: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    for word in sorted(schema.keys() - _WORDS):
        said = _REFUSED.get(word) or ("is no word of a schema here", did_you_mean(word, _WORDS))
        yield (*path, word), *said
    if "pattern" in schema:
        yield from _expression(schema["pattern"], (*path, "pattern"))
    if "format" in schema and schema["format"] not in _FORMATS.checkers:
        advice = did_you_mean(schema["format"], _FORMATS.checkers)
        yield (*path, "format"), "is a format that is not checked", advice


def _expression(pattern: str, path: Path) -> Iterator[Fault]:
    if not pattern:
        yield path, "is empty", "write a pattern, such as '^[0-9]{1,9}$'"
        return
    try:
        re.compile(pattern, re.ASCII)
    except re.error as error:
        yield path, f"is no regular expression ({error})", "mend it"


def _limits(schema: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not kinds and not schema.keys() & {"anyOf", "oneOf"}:
        yield path, "has no type", "write type: string, or another"
    if schema.keys() & {"enum", "const"}:
        yield from _listed(schema, path)
        return
    for kind in kinds:
        for words, advice in _BOUNDS[kind]:
            if not words & schema.keys():
                yield path, f"is {_AN[kind]} without a limit", advice
    if "object" in kinds or "properties" in schema:
        yield from _closed(schema, path)


def _listed(schema: Mapping[str, Any], path: Path) -> Iterator[Fault]:
    values: dict[Path, Any] = {("enum", index): value for index, value in enumerate(schema.get("enum", ()))}
    values |= {("const",): schema["const"]} if "const" in schema else {}
    if not values:
        yield (*path, "enum"), "is empty", "write the values that may be sent"
    typed = Draft202012Validator({"type": schema["type"]} if "type" in schema else {})
    for where, value in values.items():
        if value == "" or not typed.is_valid(value):
            said = "is empty" if value in ("", None) else f"is {kind_of(value)}"
            yield (*path, *where), said, f"write a value of type {schema.get('type')}, or remove it"


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
        yield where, "lets arguments through that nobody described", "write additionalProperties: false"
    properties, required = schema.get("properties", {}), schema.get("required", ())
    for index, name in enumerate(required):
        if name not in properties:
            message = f"requires `{name}`, which is no property"
            yield (*path, "required", index), message, did_you_mean(name, properties)
    # What may be absent is absent from the card too, and nobody sees a gap.
    for name in properties:
        if name not in required:
            where = (*path, "required") if "required" in schema else path
            advice = f"add {name} to `required`; what may be empty is of two types, one of them null"
            yield where, f"lets `{name}` be absent", advice


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
            yield path, "is no number that JSON knows", "write a number"
        case str() | bool() | int() | float() | None:
            pass
        case _:
            yield path, f"is {kind_of(value)}", "put it in quotes"


def _unsound(error: SchemaError) -> Fault:
    path: Path = tuple(error.path)
    name = path[-1] if path else "type"
    kinds = error.instance if isinstance(error.instance, list) else [error.instance]
    unknown = next((kind for kind in kinds if isinstance(kind, str) and kind not in _BOUNDS), None)
    if path[-1:] == ("type",) and path[-2:-1] != ("properties",) and unknown is not None:
        return path, f"is {shown(unknown)}, which is no type", did_you_mean(unknown, _BOUNDS)
    return path, "is not what JSON Schema 2020-12 takes here", f"look up {name!r} in its reference"


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
