"""Canonical JSON is that of RFC 8785, byte for byte."""

import hashlib
import json
import math
import struct

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from andon.canonical import canonical, digest, parse, sendable
from andon.errors import Unfit

EXACT = 2**53 - 1
text = st.text(st.characters(exclude_categories=["Cs"]))
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4)
)


@settings(max_examples=200, deadline=None)
@given(values)
@example({"\U0001f600": 1, "\ufb33": 2, "z": 3})  # UTF-16 order is not code point order
@example(['\x00\x1f\x7f\u2028"\\/\b\f\n\r\t'])
def test_it_equals_the_reference(value: object) -> None:
    """Every JSON value has the text that the rfc8785 package gives it."""
    assert canonical(value).encode() == rfc8785.dumps(value)  # type: ignore[arg-type]  # wider than its alias


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_every_double_equals_the_reference(bits: int) -> None:
    """Every finite double, drawn by its bits, is written as ECMAScript writes it."""
    (number,) = struct.unpack(">d", bits.to_bytes(8, "big"))
    if math.isfinite(number):
        assert canonical(number).encode() == rfc8785.dumps(number)


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("41b3de4355555553", "333333333.3333332"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_the_numbers_of_the_rfc(bits: str, written: str) -> None:
    """The sample doubles of RFC 8785, appendix B, are written as printed there."""
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(number) == written


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        [2**64],
        math.nan,
        math.inf,
        {"a": -math.inf},
        "\ud800",
        {"\udfff": 1},
        {1: "a"},
        b"bytes",
        {"a", "b"},
        object(),
    ],
)
def test_doubtful_values_are_refused(value: object) -> None:
    """What JSON cannot carry exactly is refused, never rounded."""
    with pytest.raises(Unfit):
        canonical(value)


def test_a_bottomless_value_is_refused() -> None:
    """Nesting without end is refused before it exhausts the stack."""
    value: list[object] = []
    value.append(value)
    with pytest.raises(Unfit, match="nested"):
        canonical(value)


@pytest.mark.parametrize("written", ['{"a":1,"a":2}', "NaN", "-Infinity", "[1,]", "", "[" * 100_000, b"\xff"])
def test_reading_is_strict(written: str | bytes) -> None:
    """Repeated keys, constants that are no numbers, and what is not JSON are refused."""
    with pytest.raises(Unfit):
        parse(written)


@settings(deadline=None)
@given(values)
def test_what_may_be_sent_reads_back_the_same(value: object) -> None:
    """Either a value is refused, or whoever reads the bytes computes the same canonical text."""
    try:
        sent = sendable(value)
    except Unfit:
        return
    assert rfc8785.dumps(json.loads(sent)) == sent


@pytest.mark.parametrize("number", [2.0**53, 1e20, -1e18])
def test_a_float_that_reads_back_as_a_large_integer_is_refused(number: float) -> None:
    """A float whose canonical text is an integer beyond 2^53 is never sent."""
    with pytest.raises(Unfit, match="string"):
        sendable({"amount": number})


def test_the_digest_is_that_of_the_contract() -> None:
    """The digest is SHA-256 over the canonical arguments and type, in hexadecimal after its name."""
    text = '{"arguments":{"a":"é","b":1},"type":"ledger.post"}'
    assert digest("ledger.post", {"b": 1, "a": "é"}) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
