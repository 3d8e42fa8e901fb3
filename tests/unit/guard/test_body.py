"""Claims about bodies that are signed and yet say nothing, or two things."""

import json
from urllib.parse import quote

import pytest

from bot.slack.ingress.envelope import Media
from bot.slack.ingress.signed_body import MAX_DEPTH, MAX_FIELDS, says_one_thing


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
    assert says_one_thing(body.encode(), Media.JSON)
    assert says_one_thing(f"payload={quote(body)}".encode(), Media.FORM)


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
    assert not says_one_thing(body, Media.JSON)
    assert not says_one_thing(b"payload=" + quote(body).encode(), Media.FORM)


def test_a_slash_command_says_one_thing() -> None:
    """A form without a payload is a command: its fields pass, empty ones too."""
    assert says_one_thing(b"command=%2Fandon&text=&user_id=U1&note=caf%C3%A9", Media.FORM)
    assert says_one_thing("&".join(f"f{n}=" for n in range(MAX_FIELDS)).encode(), Media.FORM)


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
    assert not says_one_thing(body, Media.FORM)


def test_a_click_of_common_size_passes() -> None:
    """A card of fifty blocks comes back with the click on it, and passes."""
    fields = [{"type": "mrkdwn", "text": "Überweisung " * 10}] * 4
    card = {"type": "block_actions", "message": {"blocks": [{"type": "section", "fields": fields}] * 50}}
    assert says_one_thing(f"payload={quote(json.dumps(card))}".encode(), Media.FORM)
