"""The canonical form of an action: one text and one digest for what means the same."""

import hashlib
import json

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from escalation.action import MAX_BYTES, MAX_DEPTH, Json, action, canonical, decode, digest
from escalation.errors import EscalationError, InvalidAction


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        ({"a": [3, 2, 1]}, '{"a":[3,2,1]}'),  # order in a list is meaning
        ({"a": (1, 2)}, '{"a":[1,2]}'),
        ({"a": {"d": None, "c": True}}, '{"a":{"c":true,"d":null}}'),
        ({"a": 1.0}, '{"a":1}'),
        ({"a": -0.0}, '{"a":0}'),
        ({"a": 0.1}, '{"a":0.1}'),
        ({"a": 1e21}, '{"a":1e+21}'),
        ({"a": '€\n"\\'}, '{"a":"€\\n\\"\\\\"}'),
        ({"€": 1, "\r": 2, "1": 3}, '{"\\r":2,"1":3,"€":1}'),  # RFC 8785, 3.2.3: sorted by UTF-16 units
        (
            {"\uffee": 1, "\U0001f600": 2},
            '{"\U0001f600":2,"\uffee":1}',
        ),  # which is not the order of code points
        ({"a": 2**53 - 1, "b": -(2**53) + 1}, '{"a":9007199254740991,"b":-9007199254740991}'),
        ({}, "{}"),
        ([], "[]"),
        ("a", '"a"'),
        (None, "null"),
        (False, "false"),
    ],
)
def test_the_canonical_form_is_rfc_8785(value: Json, text: str) -> None:
    """Sorted keys, no blanks, numbers as JavaScript writes them."""
    assert canonical(value) == text


NOT_JSON: list[tuple[object, str, str]] = [
    (float("nan"), "$.v", "is not a finite number"),
    (float("inf"), "$.v", "is not a finite number"),
    (float("-inf"), "$.v", "is not a finite number"),
    (2**53, "$.v", "is an integer beyond 2^53 - 1; send it as a string"),
    (-(2**53), "$.v", "is an integer beyond 2^53 - 1; send it as a string"),
    # 1e16 would be written 10000000000000000, which reads back as an integer that is refused.
    (1e16, "$.v", "is an integer beyond 2^53 - 1; send it as a string"),
    (-9.99e20, "$.v", "is an integer beyond 2^53 - 1; send it as a string"),
    ("a\0b", "$.v", "holds a NUL character"),
    ("\ud800", "$.v", "holds half of a surrogate pair"),
    ("\udfff", "$.v", "holds half of a surrogate pair"),
    ({1: 2}, "$.v", "has the key 1; keys are strings"),
    ({"a\0": 2}, "$.v", "holds a NUL character"),
    ({"\udc00": 2}, "$.v", "holds half of a surrogate pair"),
    ({"a": [1, {"b": float("nan")}]}, "$.v.a[1].b", "is not a finite number"),
    ({1}, "$.v", "is a set, which JSON cannot say"),
    (b"bytes", "$.v", "is a bytes, which JSON cannot say"),
    (range(3), "$.v", "is a range, which JSON cannot say"),
    (object(), "$.v", "is a object, which JSON cannot say"),
]


@pytest.mark.parametrize(("value", "path", "problem"), NOT_JSON)
def test_what_two_readers_could_read_differently_is_refused(value: Json, path: str, problem: str) -> None:
    """A value without one certain JSON form is refused, and the error says where it is."""
    with pytest.raises(InvalidAction) as caught:
        canonical({"v": value})

    assert (caught.value.path, caught.value.problem) == (path, problem)
    assert str(caught.value) == f"{path}: {problem}"
    assert isinstance(caught.value, EscalationError)


@pytest.mark.parametrize("key", ["a\0", "\ud800", 1])
def test_a_key_of_the_outermost_object_is_checked_too(key: str) -> None:
    """The shortcut for flat objects lets no key pass that the full check refuses."""
    with pytest.raises(InvalidAction) as caught:
        canonical({"plain": "text", key: "v"})

    assert caught.value.path == "$"


def nested(levels: int) -> Json:
    value: Json = "core"
    for _ in range(levels - 1):
        value = [value]
    return value


def test_arguments_nest_32_levels_deep_and_no_deeper() -> None:
    """The 32nd level is taken, the 33rd refused."""
    assert MAX_DEPTH == 32
    assert canonical(nested(32)) == "[" * 31 + '"core"' + "]" * 31
    with pytest.raises(InvalidAction, match="nests deeper than 32 levels"):
        canonical(nested(33))


def test_a_value_that_holds_itself_is_refused() -> None:
    """An endless value ends at the limit of depth, not at that of our stack."""
    endless: list[Json] = []
    endless.append(endless)

    with pytest.raises(InvalidAction, match="nests deeper"):
        canonical(endless)


def test_arguments_have_64_kib_and_no_more() -> None:
    """65,536 bytes are taken, one more is refused; what counts is bytes, not characters."""
    assert MAX_BYTES == 65_536
    assert len(canonical("a" * (MAX_BYTES - 2))) == MAX_BYTES  # two quotes
    with pytest.raises(InvalidAction, match="is 65537 bytes in canonical form; at most 65536 are allowed"):
        canonical("a" * (MAX_BYTES - 1))
    with pytest.raises(InvalidAction, match="is 65537 bytes"):
        canonical("€" * 21_844 + "aaa")  # 21,844 x 3 + 3 + two quotes


def test_the_digest_is_over_type_and_arguments() -> None:
    """Anybody can compute it: SHA-256 over the canonical JSON of both."""
    made = action("ledger.post", {"to": "4400", "amount": "49.90"})
    text = '{"arguments":{"amount":"49.90","to":"4400"},"type":"ledger.post"}'

    assert made.canonical == '{"amount":"49.90","to":"4400"}'
    assert made.digest == "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert made.arguments == {"amount": "49.90", "to": "4400"}


def test_the_order_of_keys_is_not_meaning() -> None:
    """The same arguments in another order are the same action."""
    assert action("a", {"x": 1, "y": [{"p": 1, "q": 2}]}) == action("a", {"y": [{"q": 2, "p": 1}], "x": 1})


ORIGINAL = action("ledger.post", {"amount": "49.90", "lines": [1, 2]})


@pytest.mark.parametrize(
    "changed",
    [
        action("ledger.pos", {"amount": "49.90", "lines": [1, 2]}),
        action("ledger.post", {"amount": "49.9", "lines": [1, 2]}),
        action("ledger.post", {"amount": 49.9, "lines": [1, 2]}),
        action("ledger.post", {"amount": "49.90", "lines": [2, 1]}),
        action("ledger.post", {"amount": "49.90", "lines": [1, 2, 2]}),
        action("ledger.post", {"amount": "49.90", "lines": [1, 2], "note": None}),
        action("ledger.post", {"Amount": "49.90", "lines": [1, 2]}),
        action("ledger.post", {"amount": "49.90\u200b", "lines": [1, 2]}),  # a zero-width space
        action("ledger.post", {"amount": "４9.90", "lines": [1, 2]}),  # a full-width digit
    ],
)
def test_one_changed_character_is_another_action(changed: object) -> None:
    """What looks the same but is not has another digest."""
    assert getattr(changed, "digest", None) != ORIGINAL.digest


def test_nobody_changes_an_action_through_its_arguments() -> None:
    """Arguments are decoded afresh for each reader, so what was approved stays what it was."""
    made = action("a", {"list": [1]})
    made.arguments["list"] = "something else"

    assert made.arguments == {"list": [1]}
    assert made.digest == action("a", {"list": [1]}).digest


def test_what_surrounds_arguments_may_nest_two_levels_deeper() -> None:
    """An action of arguments at the limit can still be digested, with its type and inside a body."""
    arguments: dict[str, Json] = {"deep": nested(31)}  # 1 + 31 levels

    made = action("a", arguments)
    body: Json = {"action": {"arguments": arguments, "type": "a"}}

    assert made.digest == digest({"type": "a", "arguments": arguments})
    assert digest(body).startswith("sha256:")
    with pytest.raises(InvalidAction, match="nests deeper than 34 levels"):
        digest({"body": body})


def test_a_digest_is_taken_of_twice_the_size_of_arguments() -> None:
    """What surrounds arguments may take as many bytes again, and no more."""
    assert digest("a" * (2 * MAX_BYTES - 2)).startswith("sha256:")
    with pytest.raises(InvalidAction, match="at most 131072 are allowed"):
        digest("a" * (2 * MAX_BYTES - 1))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        ('{"a": {"b": 1}, "c": {"b": 2}}', {"a": {"b": 1}, "c": {"b": 2}}),
        ('"\\u20ac"', "€"),
        (b" [] ", []),
    ],
)
def test_plain_json_is_read(raw: bytes | str, value: Json) -> None:
    """Bytes or text of JSON give their value."""
    assert decode(raw) == value


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'{"amount": 1, "amount": 2}', "names 'amount' twice"),
        (b'{"a": {"x": 1, "y": 2, "x": 3}}', "names 'x' twice"),
        (b'{"a": 1, "\\u0061": 2}', "names 'a' twice"),  # the same key, spelt differently
        (b"NaN", "NaN is not a number that JSON knows"),
        (b'{"a": Infinity}', "Infinity is not a number that JSON knows"),
        (b'{"a": -Infinity}', "-Infinity is not a number that JSON knows"),
        (b'{"a": "\xff"}', "is not UTF-8 at byte 7"),
        (b"{'a': 1}", "is not JSON"),
        (b'{"a": 1,}', "is not JSON"),
        (b"", "is not JSON"),
        (b"\xef\xbb\xbf{}", "is not JSON"),  # a byte-order mark
        (b"[" * 200_000, "nests deeper than 32 levels"),
        (b'{"a": 1' + b"0" * 10_000 + b"}", "is not JSON"),  # more digits than any number needs
        (b'{"a": 1} x', "is not JSON"),
    ],
)
def test_ambiguous_json_is_refused(raw: bytes, problem: str) -> None:
    """Repeated keys, NaN, bad UTF-8 and nesting bombs are errors of the sender, never of ours."""
    with pytest.raises(InvalidAction) as caught:
        decode(raw)

    assert caught.value.problem.startswith(problem)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
    | st.floats(min_value=1e21, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
)
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(values)
def test_a_canonical_text_reads_back_as_itself(value: Json) -> None:
    """Reading and writing again gives the same text, so that a digest can be checked by anybody."""
    text = canonical(value)

    assert canonical(decode(text)) == text
    assert json.loads(text) == value


@settings(deadline=None)
@given(values)
def test_whoever_writes_it_writes_the_same(value: Json) -> None:
    """The quick way to the canonical form, where it is taken, ends at what an independent writer writes."""
    assert canonical(value) == rfc8785.dumps(value).decode()


@settings(deadline=None)
@given(values, values)
def test_different_values_have_different_digests(one: Json, other: Json) -> None:
    """Two values have one digest exactly if they have one canonical text."""
    assert (digest(one) == digest(other)) is (canonical(one) == canonical(other))
