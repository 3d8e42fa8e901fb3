"""
Canonical JSON (RFC 8785): one value, one text, one digest, whoever computes it.

What is approved is what runs, so agent and bot must agree on every byte. Values that JSON cannot carry
without doubt are refused rather than rounded: NaN and infinities, integers beyond ±(2^53 - 1), lone
surrogates, repeated keys.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NoReturn

from pydantic import JsonValue

from andon.errors import Unfit

LARGEST_INTEGER: Final = 2**53 - 1
DEEPEST: Final = 100  #: Levels of nesting; the bot takes 32 for arguments, the rest is room for envelopes.


def canonical(value: object) -> str:
    """Return the one RFC 8785 text of a JSON *value*, or raise `Unfit`."""
    text = _text(value, 0)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Unfit("half of a surrogate pair is not text; send whole characters") from error
    return text


def parse(text: str | bytes) -> JsonValue:
    """Read JSON strictly: no repeated key, no NaN, no infinity. Raise `Unfit` for anything else."""
    try:
        value: JsonValue = json.loads(text, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Unfit(f"this is not JSON: {error}") from error
    return value


def sendable(value: object) -> bytes:
    """Return canonical bytes that read back as a value with the same canonical text, or raise `Unfit`.

    A float such as 1e20 is written 100000000000000000000, which the other side reads as an integer too large
    to be exact. Better refused here than doubted there.
    """
    text = canonical(value)
    canonical(parse(text))
    return text.encode()


def digest(action_type: str, arguments: Mapping[str, JsonValue]) -> str:
    """Return `sha256:<hex>` of an action: its type and its arguments, nothing else."""
    return "sha256:" + hexdigest({"arguments": arguments, "type": action_type})


def hexdigest(value: object) -> str:
    """Return the SHA-256 of the canonical text, 64 hexadecimal characters."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _text(value: object, depth: int) -> str:
    if depth > DEEPEST:
        raise Unfit(f"nested deeper than {DEEPEST} levels")
    match value:
        case None:
            return "null"
        case bool():  # before int: True is an int in Python, not in JSON
            return "true" if value else "false"
        case str():
            return json.dumps(value, ensure_ascii=False)
        case int():
            return _integer(value)
        case float():
            return _float(value)
        case list() | tuple():
            return "[" + ",".join(_text(item, depth + 1) for item in value) + "]"
        case Mapping():
            return _object(value, depth)
        case _:
            raise Unfit(f"{type(value).__name__} is not JSON; dump it to strings, numbers, lists, objects")


def _object(value: Mapping[object, object], depth: int) -> str:
    members: list[tuple[bytes, str]] = []
    for key, item in value.items():
        if not isinstance(key, str):
            raise Unfit(f"a member's name must be a string, not {type(key).__name__}")
        order = key.encode("utf-16-be", errors="surrogatepass")  # RFC 8785 sorts by UTF-16 code units
        members.append((order, f"{_text(key, depth)}:{_text(item, depth + 1)}"))
    return "{" + ",".join(text for _, text in sorted(members)) + "}"


def _integer(value: int) -> str:
    if abs(value) > LARGEST_INTEGER:
        raise Unfit("an integer beyond ±(2^53 - 1) is not exact in JSON; send it as a string")
    return int.__repr__(value)


def _float(value: float) -> str:
    """Write *value* as ECMAScript's Number::toString does, from the same shortest digits as `repr`."""
    if not math.isfinite(value):
        raise Unfit("NaN and infinities are not JSON")
    if value == 0:
        return "0"  # of either sign
    _, parts, power = Decimal(float.__repr__(abs(value))).as_tuple()
    written = "".join(map(str, parts))
    digits = written.rstrip("0")
    point = len(written) + int(power)  # digits before the decimal point; negative: zeros after it
    return ("-" if value < 0 else "") + _placed(digits, point)


def _placed(digits: str, point: int) -> str:
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"


def _without_repeats(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member's name is repeated")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
