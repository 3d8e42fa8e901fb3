"""Claims about bodies that are signed and yet say nothing, or two things."""

import json
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.slack.ingress.envelope import Media
from bot.slack.ingress.signed_body import MAX_DEPTH, MAX_FIELDS, parse


def nested(depth: int) -> str:
    """Return an object that nests *depth* levels."""
    return '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)


@pytest.mark.parametrize(
    "body",
    [
        '{"type":"url_verification","challenge":"x"}',
        ' {"a":[1,2.5,true,null,"é",{"b":"\\ud83d\\ude00"}]}',
        '{"n":9007199254740991}',
        "{}",
        nested(MAX_DEPTH),
    ],
)
def test_an_object_in_json_says_one_thing(body: str) -> None:
    """What Slack sends as JSON passes: objects, emoji in escapes, numbers of ordinary size."""
    assert parse(body.encode(), Media.JSON) is not None
    assert parse(f"payload={quote(body)}".encode(), Media.FORM) is not None


NONSENSE = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"5",
    b"{",
    b'{"a":1}{"b":2}',
    b'{"a":1,"a":2}',
    b'{"a":{"b":1,"b":2}}',
    b'{"a":NaN}',
    b'{"a":Infinity}',
    b'{"a":1e999}',
    b'{"a":[-1e999]}',
    b'{"a":9007199254740992}',
    b'{"a":-9007199254740992}',
    b'{"a":' + b"9" * 5_000 + b"}",
    b'{"a":"\\u0000"}',
    b'{"a\\u0000":1}',
    b'{"a":"\\ud800"}',
    b'{"\\udfff":1}',
    b'{"a":"\x00"}',
    b'{"a":"\xff"}',
    b'\xef\xbb\xbf{"a":1}',
    b'{"a":"\xed\xa0\x80"}',
    nested(MAX_DEPTH + 1).encode(),
    b'{"a":' + b"[" * 100_000,
    b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
]


@pytest.mark.parametrize("body", NONSENSE, ids=range(len(NONSENSE)))
def test_json_that_two_readers_could_read_differently_is_refused(body: bytes) -> None:
    """Repeated keys, odd numbers, NULs, half characters and great depth never reach a listener."""
    assert parse(body, Media.JSON) is None
    assert parse(b"payload=" + quote(body).encode(), Media.FORM) is None


def test_a_slash_command_says_one_thing() -> None:
    """A form without a payload is a command: its fields pass, empty ones too."""
    assert parse(b"command=%2Fandon&text=&user_id=U1&note=caf%C3%A9", Media.FORM) is not None
    assert parse("&".join(f"f{n}=" for n in range(MAX_FIELDS)).encode(), Media.FORM) is not None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"&&&",
        b'{"type":"block_actions"}',
        b"a=1&a=2",
        b'payload={"a":1}&payload={"a":2}',
        b"%70ayload={}&payload={}",
        b"payload=",
        b"text=%00",
        b"%00=text",
        b"text=\x00",
        b"text=%FF",
        b"text=\xff",
        b"text=%ED%A0%80",
        "&".join(f"f{n}=" for n in range(MAX_FIELDS + 1)).encode(),
    ],
)
def test_a_form_that_two_readers_could_read_differently_is_refused(body: bytes) -> None:
    """Repeated fields, NULs, bad UTF-8, no fields, too many, or JSON in disguise do not pass."""
    assert parse(body, Media.FORM) is None


def test_a_click_of_common_size_passes() -> None:
    """A card of fifty blocks comes back with the click on it, and passes."""
    fields = [{"type": "mrkdwn", "text": "Überweisung " * 10}] * 4
    card = {"type": "block_actions", "message": {"blocks": [{"type": "section", "fields": fields}] * 50}}
    assert parse(f"payload={quote(json.dumps(card))}".encode(), Media.FORM) is not None


def test_what_was_said_is_what_is_read() -> None:
    """A click, a command and an event come out as Slack put them in, whatever needed an escape."""
    said = {"text": "a=b&c+d %41 é 😀 \n\r", "nested": [{"n": -1.5}, None, True]}
    assert parse(f"payload={quote_plus(json.dumps(said))}".encode(), Media.FORM) == said
    assert parse(f"payload={quote(json.dumps(said, ensure_ascii=False))}".encode(), Media.FORM) == said
    assert parse(json.dumps(said).encode(), Media.JSON) == said
    assert parse(b"command=%2Fandon&text=stop+all%3D1&x=a=b&y", Media.FORM) == {
        "command": "/andon", "text": "stop all=1", "x": "a=b", "y": "",
    }  # fmt: skip


def by_the_standard_library(body: bytes) -> dict[str, str] | None:
    """Return the fields of a form as Python's own, slower parser reads them."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError:
        return None
    fields = dict(pairs)
    whole = fields and len(fields) == len(pairs) and "\0" not in "".join(fields) + "".join(fields.values())
    return fields if whole else None


_PIECES = st.sampled_from(
    [b"%", b"=", b"+", b"&", b"%41", b"%4a", b"%zz", b"%C3", b"%A9", b"%F0%9F%98%80", b"%ED%A0%80", b"\n",
     b"\r\n", b"%0D%0A", b"%00", b" ", b"_", b"a", "é".encode(), b"\xff", b"%3D", b"%25", b"4", b";"]
)  # fmt: skip


@given(pieces=st.lists(_PIECES, max_size=12))
@example(pieces=[b"%", b"%", b"41"])
@example(pieces=[b"a", b"=", b"%"])
@example(pieces=[b"%", b"\n", b"a"])
def test_a_form_is_read_as_the_standard_library_reads_it(pieces: list[bytes]) -> None:
    """The fast decoder is only faster: no bytes come out differently, or pass that did not."""
    body = b"text=" + b"".join(pieces)
    assert parse(body, Media.FORM) == by_the_standard_library(body)


@pytest.mark.parametrize(
    ("leaf", "passes"), [("{}", True), ("[]", True), ("[1]", False), ('{"a":"b"}', False)]
)
def test_depth_is_counted_to_the_last_value(leaf: str, *, passes: bool) -> None:
    """Sixty-four levels are all: a value inside of the last one would be one more."""
    body = '{"a":' * (MAX_DEPTH - 1) + leaf + "}" * (MAX_DEPTH - 1)
    assert (parse(body.encode(), Media.JSON) is not None) is passes
    wide = f'{{"flat":[1,2],"deep":{body}}}'
    assert parse(wide.encode(), Media.JSON) is None


@pytest.mark.parametrize(
    ("body", "passes"),
    [
        ('{"a":"\\ud83d\\ude00 \\ud83d\\ude00"}', True),
        ('{"a":[{"b":"\\ud83d\\ude00"}],"c":"\\udc00"}', False),
        ('{"a":["\\uD800"]}', False),
        ('{"a":"\\\\u0000 and \\\\ud800"}', True),
        ('{"a":{"b\\u0000":1}}', False),
    ],
)
def test_escapes_are_judged_by_what_they_write(body: str, *, passes: bool) -> None:
    """A pair of halves is a character, and a backslash may be written before a u: only the result counts."""
    assert (parse(body.encode(), Media.JSON) is not None) is passes
