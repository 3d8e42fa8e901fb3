"""An action in canonical form: what people approve is a digest, and what runs has the same digest."""

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NewType, TypeAlias

import rfc8785

from escalation.errors import InvalidAction

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Digest = NewType("Digest", str)

#: The canonical arguments of one action, in bytes.
MAX_BYTES = 64 * 1024
#: How deep arguments may nest.
MAX_DEPTH = 32
#: The greatest integer that every reader of JSON reads alike.
MAX_INTEGER = 2**53 - 1
#: Half of a surrogate pair, which is no character: nothing can encode it as UTF-8.
HALF_OF_A_PAIR = re.compile("[\ud800-\udfff]")
#: From here on RFC 8785 writes a float with an exponent.
_FIRST_EXPONENT = 1e21
_TOO_LARGE = "is an integer beyond 2^53 - 1; send it as a string"
#: Writes RFC 8785 where there are no floats and no keys beyond ASCII, and quicker than what always does.
_PLAIN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, check_circular=False)
#: Where a value stands: what is around it, and its name or number there; nothing for the root.
_Trail: TypeAlias = "tuple[()] | tuple[_Trail, str | int]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What an agent wants to do: a type and its arguments, as canonical JSON."""

    type: str  #: Such as ``ledger.post``.
    canonical: str  #: The arguments, by RFC 8785: the text that is shown, stored and digested.
    digest: Digest  #: ``sha256:`` and 64 hex digits over type and arguments.

    @property
    def arguments(self) -> dict[str, Json]:
        """The arguments, decoded afresh: nobody can change the action through them."""
        decoded: dict[str, Json] = json.loads(self.canonical)
        return decoded


def action(type_: str, arguments: Mapping[str, Json]) -> Action:
    """Return the action of *type_* and *arguments*, or raise ``InvalidAction``."""
    return of_canonical(type_, canonical(arguments))


def of_canonical(type_: str, text: str) -> Action:
    """Return the action of *type_* whose arguments have the canonical form *text*."""
    # The canonical form of {"arguments": …, "type": …}, put together from what is canonical already.
    whole = f'{{"arguments":{text},"type":{canonical(type_)}}}'
    return Action(type=type_, canonical=text, digest=_digest_of(whole))


def canonical(value: Json, *, limit: int = MAX_BYTES, depth: int = MAX_DEPTH) -> str:
    """Return *value* as RFC 8785 JSON within *limit* bytes and *depth* levels, or raise ``InvalidAction``."""
    plain = _is_plain(value) or _is_flat(value) or _check(value, depth)
    encoded = _PLAIN.encode(value).encode() if plain else rfc8785.dumps(value)
    if len(encoded) > limit:
        raise InvalidAction(f"is {len(encoded)} bytes in canonical form; at most {limit} are allowed")
    return encoded.decode()


def digest(value: Json, *, limit: int = 2 * MAX_BYTES) -> Digest:
    """Return the digest of *value*'s canonical form, which has at most *limit* bytes."""
    # What surrounds arguments (an action, a request's body) may nest a little deeper than they do.
    text = canonical(value, limit=limit, depth=MAX_DEPTH + 2)
    return _digest_of(text)


def _digest_of(text: str) -> Digest:
    return Digest("sha256:" + hashlib.sha256(text.encode()).hexdigest())


def decode(raw: bytes | str) -> Json:
    """Return the JSON in *raw*; refuse what two readers could read differently.

    Raises ``InvalidAction`` for bad UTF-8, bad JSON, NaN, Infinity, a repeated key or nesting
    too deep to parse.
    """
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        value: Json = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise InvalidAction(f"is not UTF-8 at byte {error.start}") from error
    except RecursionError as error:
        raise InvalidAction(f"nests deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise InvalidAction(f"is not JSON: {error}") from error
    return value


def _unique(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add() returns None on purpose
        raise InvalidAction(f"names {repeated!r} twice")
    return result


def _no_constant(name: str) -> Json:
    raise InvalidAction(f"{name} is not a number that JSON knows")


def _is_flat(value: Json) -> bool:
    """Return whether *value* is an object of plain ASCII and lists of it: most are, with nothing to walk."""
    if type(value) is not dict or not _are_plain(value):
        return False
    for child in value.values():
        kind = type(child)
        if kind is str:
            if not child.isascii() or "\0" in child:
                return False
        elif kind is list:
            if not _are_plain(child):
                return False
        elif kind is int:
            if abs(child) > MAX_INTEGER:
                return False
        elif child is not None and kind is not bool:
            return False
    return True


def _is_plain(value: object) -> bool:
    return type(value) is str and value.isascii() and "\0" not in value


def _are_plain(values: Iterable[Json]) -> bool:
    try:
        return _is_plain("".join(values))  # type: ignore[arg-type]  # what is no text raises
    except TypeError:
        return False


def _check(root: Json, deepest: int) -> bool:
    """Refuse what has no canonical form; return whether `_PLAIN` writes *root* in its canonical form."""
    # A loop, not a recursion: the depth of hostile input must not be the depth of our stack.
    plain = True
    todo: list[tuple[Json, int, _Trail]] = [(root, 1, ())]
    while todo:
        value, depth, trail = todo.pop()
        if depth > deepest:
            raise InvalidAction(f"nests deeper than {deepest} levels", path=_path(trail))
        match value:
            case str():
                _check_text(value, trail)
            case bool() | None:
                pass
            case int():
                if abs(value) > MAX_INTEGER:
                    raise InvalidAction(_TOO_LARGE, path=_path(trail))
            case float():
                plain = False
                _check_float(value, trail)
            case dict():
                for key, child in value.items():
                    if not isinstance(key, str):
                        raise InvalidAction(f"has the key {key!r}; keys are strings", path=_path(trail))
                    _check_text(key, trail)
                    plain = plain and key.isascii()
                    todo.append((child, depth + 1, (trail, key)))
            case list() | tuple():
                todo.extend((child, depth + 1, (trail, index)) for index, child in enumerate(value))
            case _:
                kind = type(value).__name__
                raise InvalidAction(f"is a {kind}, which JSON cannot say", path=_path(trail))
    return plain


def _path(trail: "_Trail") -> str:
    if not trail:
        return "$"
    around, last = trail
    return _path(around) + (f".{last}" if isinstance(last, str) else f"[{last}]")


def _check_float(number: float, trail: "_Trail") -> None:
    if not math.isfinite(number):
        raise InvalidAction("is not a finite number", path=_path(trail))
    # 1e16 is written 10000000000000000: whoever reads that back has an integer that we refuse.
    if MAX_INTEGER < abs(number) < _FIRST_EXPONENT:
        raise InvalidAction(_TOO_LARGE, path=_path(trail))


def _check_text(text: str, trail: "_Trail") -> None:
    if "\0" in text:
        raise InvalidAction("holds a NUL character", path=_path(trail))
    if not text.isascii() and HALF_OF_A_PAIR.search(text) is not None:
        raise InvalidAction("holds half of a surrogate pair", path=_path(trail))
