"""
Parses a signed body, once; what says two things, or what a listener could choke on, is refused.

The common body is a form with one field, ``payload``, of five to fifty kilobytes, and most of the time
between a click and its acknowledgement was once spent decoding it: every step here runs in C for what
Slack really sends, and falls back to a slower one only where the bytes are unusual.
"""

import math
import re
from binascii import a2b_qp
from collections.abc import Iterator, Sequence
from json import JSONDecoder
from typing import Any, Final, assert_never
from urllib.parse import unquote_to_bytes

from bot.slack.ingress.envelope import Media
from escalation.action import HALF_OF_A_PAIR, MAX_INTEGER, Json

#: Slack's own payloads nest about a dozen levels (rich text in a message in a click).
MAX_DEPTH: Final = 64
#: A slash command has fifteen fields.
MAX_FIELDS: Final = 100
#: Escapes of JSON that can write a NUL or half of a surrogate pair. Unescaped, JSON and UTF-8 refuse both.
_ODD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_AS_QUOTED_PRINTABLE = bytes.maketrans(b"%+", b"= ")


def parse(body: bytes, media: Media) -> dict[str, Any] | None:
    """Return what *body* says; None unless it can be read in one way only, and stored without surprise."""
    try:
        match media:
            case Media.JSON:
                return _object(body.decode())
            case Media.FORM:
                return _form(body)
            case _:
                assert_never(media)
    except (ValueError, RecursionError):
        return None


def _form(body: bytes) -> dict[str, Any] | None:
    """Return the fields of a form, or the JSON object in its field ``payload``."""
    # One that begins like JSON would be read as JSON by others, whatever it is called.
    if body.startswith(b"{") or body.count(b"&") >= MAX_FIELDS:
        return None
    parts = [part.partition(b"=") for part in body.split(b"&") if part]
    fields = {_unquoted(name): _unquoted(value) for name, _, value in parts}
    if not fields or len(fields) != len(parts):
        return None
    if any("\0" in text for field in fields.items() for text in field):
        return None
    payload = fields.get("payload")
    return fields if payload is None else _object(payload)


def _unquoted(value: bytes) -> str:
    """Return *value* without its percent-encoding.

    The standard library's own decoder is a loop in Python. Its decoder of quoted-printable, ``=2F``
    instead of ``%2F``, runs in C; each escape takes two bytes away, and anything else a different number.
    """
    if not any(byte in value for byte in b"=\r\n"):
        decoded = a2b_qp(value.translate(_AS_QUOTED_PRINTABLE))
        if len(decoded) == len(value) - 2 * value.count(b"%"):
            return decoded.decode()
    return unquote_to_bytes(value.replace(b"+", b" ")).decode()


def _object(text: str) -> dict[str, Any] | None:
    """Return the object in *text*; None for one with NULs, half characters, odd numbers or great depth."""
    root = _JSON.decode(text)
    if not isinstance(root, dict) or not _is_shallow(root):
        return None
    if _ODD_ESCAPE.search(text) and not all(_is_whole(string) for string in _strings(root)):
        return None
    return root


def _is_shallow(root: Json) -> bool:
    # Level by level, not by recursion: the depth of what was sent must not be the depth of our stack.
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH - 1):
        level = [
            value
            for container in level
            for value in (container.values() if type(container) is dict else container)
            if type(value) is dict or type(value) is list
        ]
        if not level:
            return True
    return not any(level)  # at the last level, only empty ones


def _strings(root: Json) -> Iterator[str]:
    todo: list[Json] = [root]
    while todo:
        match todo.pop():
            case str() as string:
                yield string
            case dict() as members:
                todo.extend(members.keys())
                todo.extend(members.values())
            case list() as items:
                todo.extend(items)
            case _:
                pass


def _is_whole(text: str) -> bool:
    # Half of a surrogate pair passes JSON and breaks whoever encodes it later.
    return "\0" not in text and HALF_OF_A_PAIR.search(text) is None


def _unique(pairs: Sequence[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is repeated")
    return members


def _integer(digits: str) -> int:
    # Python itself refuses to read thousands of digits.
    if abs(value := int(digits)) > MAX_INTEGER:
        raise ValueError("an integer that not every reader keeps exactly")
    return value


def _float(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise ValueError("a number that is not finite")
    return value


def _constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


#: Numbers are few, so that they can afford a call each.
_JSON = JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
