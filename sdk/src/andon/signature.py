"""
Encodes a function's call as JSON, and decodes approved JSON into a call again.

Decoding is strict: what a person approved must fit the annotations and mean exactly what it says, with no
member missing, none left over and none rounded. Defaults are encoded too, since they are part of what runs.
"""

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from pydantic import JsonValue, PydanticSchemaGenerationError, TypeAdapter, ValidationError

from andon.canonical import canonical, sendable
from andon.errors import Mismatch, Unfit

R = TypeVar("R")

LARGEST_RESULT: Final = 64 * 1024  #: Bytes of canonical JSON the bot keeps of a result.
#: Reported in place of a result that has no JSON or is too large, so that nobody mistakes it for one.
UNRECORDED: Final[dict[str, JsonValue]] = {"andon": "the result was not recorded"}


class Signature(Generic[R]):
    """The named, annotated parameters of one function, and its result."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.signature = inspect.signature(function)
        hints = typing.get_type_hints(function, include_extras=True)
        self._parameters = {
            name: _parameter(function, parameter, hints)
            for name, parameter in self.signature.parameters.items()
        }
        self._result: TypeAdapter[R] = _adapter(function, "its result", hints.get("return", Any))

    def encode(self, *args: object, **kwargs: object) -> dict[str, JsonValue]:
        """Return the arguments of a call as JSON, defaults included; raise `TypeError` or `Unfit`."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = {
            name: _encode(name, self._parameters[name], value) for name, value in bound.arguments.items()
        }
        sendable(arguments)
        return arguments

    def decode(self, arguments: Mapping[str, JsonValue]) -> inspect.BoundArguments:
        """Return the call that approved *arguments* mean, or raise `Mismatch`."""
        if arguments.keys() != self._parameters.keys():
            names = ", ".join(sorted(arguments.keys() ^ self._parameters.keys()))
            raise Mismatch(f"the approved arguments and the function differ in: {names}")
        bound = self.signature.bind_partial()
        for name, adapter in self._parameters.items():
            bound.arguments[name] = _decode(name, adapter, arguments[name])
        return bound

    def encode_result(self, value: R) -> JsonValue:
        """Return *value* as JSON for the record, or `UNRECORDED`. Never raises: the effect has happened."""
        try:
            result = _dump(self._result, value)
            return result if len(sendable(result)) <= LARGEST_RESULT else UNRECORDED
        except Exception:  # noqa: BLE001  # a serializer of the caller's may raise anything, and the effect has happened
            return UNRECORDED

    def decode_result(self, result: JsonValue) -> R:
        """Return the value an earlier attempt recorded, or raise `Mismatch`."""
        if result == UNRECORDED:
            raise Mismatch("this action succeeded before, but its result was not recorded; nothing ran again")
        try:
            return self._result.validate_json(canonical(result))
        except ValidationError as error:
            raise Mismatch(
                "this action succeeded before, but its recorded result does not fit the function's return "
                "annotation; nothing ran again"
            ) from error


def _parameter(
    function: Callable[..., object], parameter: inspect.Parameter, hints: Mapping[str, Any]
) -> TypeAdapter[Any]:
    if parameter.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
        raise TypeError(
            f"{_name(function)}: name every parameter ({parameter}); people approve named arguments"
        )
    if parameter.name not in hints:
        raise TypeError(f"{_name(function)}: annotate {parameter}; approved JSON is read back by annotation")
    adapter = _adapter(function, str(parameter), hints[parameter.name])
    if _unordered(adapter.core_schema):
        raise TypeError(f"{_name(function)}: {parameter} has a set, without order and so without a digest")
    return adapter


def _adapter(function: Callable[..., object], what: str, annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation)
    except PydanticSchemaGenerationError as error:
        raise TypeError(f"{_name(function)}: the annotation of {what} has no JSON form") from error


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__qualname__", repr(function))


def _unordered(schema: object) -> bool:
    """Return whether a set is anywhere inside: its order changes from one process to the next."""
    match schema:
        case {"type": "set" | "frozenset"}:
            return True
        case dict():
            return any(_unordered(part) for part in schema.values())
        case list() | tuple():
            return any(_unordered(part) for part in schema)
        case _:
            return False


def _encode(name: str, adapter: TypeAdapter[Any], value: object) -> JsonValue:
    try:
        encoded = _dump(adapter, adapter.validate_python(value))
        again = _dump(adapter, adapter.validate_json(canonical(encoded)))
    except (ValueError, TypeError) as error:  # pydantic's own are ValueErrors; a serializer may raise either
        raise Unfit(f"{name} does not fit its annotation: {error}") from error
    if canonical(again) != canonical(encoded):
        raise Unfit(f"{name} changes when it is written as JSON and read again, so it cannot be approved")
    return encoded


def _decode(name: str, adapter: TypeAdapter[Any], approved: JsonValue) -> object:
    try:
        value: object = adapter.validate_json(canonical(approved))
        meant = _dump(adapter, value)
    except (ValueError, TypeError) as error:
        raise Mismatch(f"the approved {name} does not fit its annotation; nothing ran") from error
    if canonical(meant) != canonical(approved):
        raise Mismatch(f"the approved {name} would be read as something else than it says; nothing ran")
    return value


def _dump(adapter: TypeAdapter[Any], value: object) -> JsonValue:
    dumped: JsonValue = adapter.dump_python(
        value, mode="json", by_alias=True, round_trip=True, warnings="error"
    )
    return dumped
