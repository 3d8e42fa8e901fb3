"""Whether a signed body says one thing: what a listener could choke on is refused before it is called."""

import math
import re
from typing import Final, assert_never
from urllib.parse import parse_qsl

from bot.slack.ingress.envelope import Media
from escalation.action import Json, decode
from escalation.errors import InvalidAction

#: Slack's own payloads nest about a dozen levels (rich text in a message in a click).
MAX_DEPTH: Final = 64
#: A slash command has fifteen fields.
MAX_FIELDS: Final = 100
_MAX_INTEGER = 2**53 - 1
_HALF = re.compile("[\ud800-\udfff]")


def says_one_thing(body: bytes, media: Media) -> bool:
    """Tell whether *body* can be read in one way only, and stored and parsed without surprise."""
    try:
        text = body.decode()
        match media:
            case Media.JSON:
                return _is_plain_object(decode(text))
            case Media.FORM:
                return _is_plain_form(text)
            case _:
                assert_never(media)
    except (InvalidAction, ValueError):
        return False


def _is_plain_form(text: str) -> bool:
    if text.startswith("{"):
        return False  # Bolt would read it as JSON, whatever it is called
    pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    fields = dict(pairs)
    if not fields or len(fields) != len(pairs) or any("\0" in name + value for name, value in pairs):
        return False
    return "payload" not in fields or _is_plain_object(decode(fields["payload"]))


def _is_plain_object(root: Json) -> bool:
    """Tell whether *root* is an object without NULs, half characters, odd numbers or great depth.

    Level by level, not by recursion: the depth of what was sent must not be the depth of our stack.
    """
    if not isinstance(root, dict):
        return False
    level: list[Json] = [root]
    for _ in range(MAX_DEPTH):
        below: list[Json] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.keys())
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif not _is_plain(value):
                return False
        if not below:
            return True
        level = below
    return False


def _is_plain(value: Json) -> bool:
    match value:
        case str():
            # Written with \u, half of a surrogate pair passes JSON and breaks whoever encodes it later.
            return "\0" not in value and (value.isascii() or not _HALF.search(value))
        case float():
            return math.isfinite(value)
        case int():
            return abs(value) <= _MAX_INTEGER
        case _:
            return True
