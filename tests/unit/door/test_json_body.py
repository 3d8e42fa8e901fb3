"""Bodies that are let through without a walk over their values would have passed it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.api.json_body import is_simple
from escalation.action import MAX_DEPTH, canonical, decode
from escalation.errors import InvalidAction

_NUMBERS = (
    st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([2**53, 2**53 - 1, 10**15, 1e16, 1e400])
)
_TEXTS = st.text(st.sampled_from('ab\\"u0dD8\x00\ud800\udc00é😀\n'), max_size=6)
_BODIES = st.recursive(
    _NUMBERS | _TEXTS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=10,
)


def raw(body: object, *, ascii_only: bool, nested: int = 0) -> bytes:
    text = json.dumps(body, ensure_ascii=ascii_only)
    return ("[" * nested + text + "]" * nested).encode(errors="replace")


def is_walked_through(sent: bytes) -> bool:
    try:
        canonical(decode(sent), limit=256 * 1024, depth=MAX_DEPTH + 2)
    except InvalidAction:
        return False
    return True


@given(_BODIES, st.booleans(), st.integers(0, MAX_DEPTH + 4))
@settings(max_examples=300)
def test_a_simple_body_has_a_canonical_form(body: Any, ascii_only: bool, nested: int) -> None:  # noqa: FBT001 - drawn
    """Whatever is taken for simple would have passed the walk, or is no JSON at all."""
    sent = raw(body, ascii_only=ascii_only, nested=nested)
    if is_simple(sent) and _is_json(sent):
        assert is_walked_through(sent)


def _is_json(sent: bytes) -> bool:
    try:
        decode(sent)
    except InvalidAction:
        return False
    return True


@pytest.mark.parametrize(
    ("sent", "simple"),
    [
        (b'{"a": 999999999999999}', True),
        (b'{"a": 9007199254740992}', False),
        (b'{"a": 1e400}', False),
        (b'{"a": 1E400}', False),
        (rb'{"a": "\u00fc"}', True),
        (rb'{"a": "\u0000"}', False),
        (rb'{"a": "\uD800"}', False),
        (rb'{"a": "\udfff"}', False),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), True),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), False),
        (b'"' + b"x" * 256 * 1024 + b'"', False),
    ],
)
def test_what_is_in_doubt_is_walked(sent: bytes, simple: bool) -> None:  # noqa: FBT001 - a column
    """A long number, an exponent, NUL, half a pair, depth and size are each looked at closely."""
    assert is_simple(sent) is simple
