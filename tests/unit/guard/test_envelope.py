"""Claims about telling Slack's requests from all others."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.http.body import Allowance, Flaw
from bot.http.headers import Headers
from bot.slack.ingress.envelope import (
    MAX_HEADERS,
    Envelope,
    Media,
    Rejected,
    Verified,
    Why,
    open_envelope,
    rejected,
    sign,
    verify,
)
from tests.unit.guard.kit import CLICK, FORM, NOON, SECRET, Knock, knock

MICROSECOND = timedelta(microseconds=1)
WINDOW = timedelta(seconds=300)


def opened(request: Knock) -> Envelope | Rejected:
    return open_envelope(Headers(request.headers), allowance=Allowance())


def envelope(request: Knock) -> Envelope:
    result = opened(request)
    assert isinstance(result, Envelope)
    return result


def judged(request: Knock, *, now: datetime = NOON, body: bytes = CLICK) -> Verified | Rejected:
    return verify(envelope(request), body, now=now, secret=SECRET.encode())


def test_slacks_own_example_verifies() -> None:
    """The secret, timestamp, body and signature printed in Slack's documentation belong together."""
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
        b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
        b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
        b"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    signature = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    request = knock(body, timestamp=b"1531420618").saying(b"x-slack-signature", signature)
    verdict = judged(request, now=datetime.fromtimestamp(1531420618, tz=UTC), body=body)
    assert verdict == Verified(fingerprint=hashlib.sha256(signature).hexdigest())


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        (timedelta(0), True),
        (WINDOW, True),
        (WINDOW + MICROSECOND, False),
        (-WINDOW, True),
        (-WINDOW - MICROSECOND, False),
        (timedelta(days=365), False),
    ],
)
def test_a_signature_counts_for_five_minutes_either_way(age: timedelta, *, counts: bool) -> None:
    """At exactly five minutes a signature counts, a microsecond later it does not, on both sides."""
    verdict = judged(knock(), now=NOON + age)
    assert isinstance(verdict, Verified) if counts else verdict == Rejected(why=Why.STALE)


@pytest.mark.parametrize("place", range(3, 67))
def test_one_wrong_digit_anywhere_is_a_forgery(place: int) -> None:
    """Each of the 64 digits of a signature counts."""
    genuine = knock().value(b"x-slack-signature")
    other = b"0" if genuine[place : place + 1] != b"0" else b"1"
    forged = genuine[:place] + other + genuine[place + 1 :]
    assert judged(knock().saying(b"x-slack-signature", forged)) == Rejected(why=Why.FORGED)


def test_another_secret_body_or_timestamp_is_a_forgery() -> None:
    """Secret, body and timestamp are all under the signature."""
    forged = Rejected(why=Why.FORGED)
    assert judged(knock(secret=SECRET[:-1] + "6")) == forged
    assert judged(knock(), body=CLICK + b" ") == forged
    assert judged(knock().saying(b"x-slack-request-timestamp", b"%d" % (NOON.timestamp() + 1))) == forged
    assert judged(knock().saying(b"x-slack-request-timestamp", b"0%d" % NOON.timestamp())) == forged


class Watched(bytes):
    """Bytes that notice a comparison which stops at the first difference."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared with ==")

    def __ne__(self, other: object) -> bool:
        raise AssertionError("compared with !=")

    __hash__ = bytes.__hash__


def test_signatures_are_compared_in_constant_time() -> None:
    """Neither == nor != ever sees a signature, right or wrong: their time would tell how much is right."""
    right = envelope(knock())
    wrong = envelope(knock(secret="another secret of Slack"))
    for sent, kind in ((right, Verified), (wrong, Rejected)):
        watched = replace(sent, signature=Watched(sent.signature))
        assert isinstance(verify(watched, CLICK, now=NOON, secret=SECRET.encode()), kind)


@pytest.mark.parametrize("name", [b"x-slack-signature", b"x-slack-request-timestamp"])
def test_without_signature_or_timestamp_nothing_is_claimed(name: bytes) -> None:
    """A request that is not signed is refused before its body is read."""
    assert opened(knock().without(name)) == Rejected(why=Why.UNSIGNED)


@pytest.mark.parametrize(
    "name",
    [
        b"host",
        b"content-type",
        b"x-slack-signature",
        b"x-slack-request-timestamp",
        b"x-slack-retry-num",
        b"x-slack-retry-reason",
    ],
)
def test_a_header_that_counts_is_sent_once(name: bytes) -> None:
    """Even the same value twice is refused: another reader could have been given another one."""
    request = knock().having((b"x-slack-retry-num", b"1"), (b"x-slack-retry-reason", b"http_timeout"))
    twice = request.having((name.title(), request.value(name)))
    assert opened(twice) == Rejected(why=Why.HEADERS)


def test_a_request_names_its_host() -> None:
    """HTTP/1.1 asks for one Host; who sends none did not speak through an ordinary client."""
    assert opened(knock().without(b"host")) == Rejected(why=Why.HEADERS)


def test_headers_larger_than_slack_sends_are_refused() -> None:
    """Headers are taken up to their limit and not a byte further."""
    request = knock()
    rest = MAX_HEADERS - Headers(request.headers).size - len(b"x-filler")
    assert isinstance(opened(request.having((b"x-filler", b"x" * rest))), Envelope)
    assert opened(request.having((b"x-filler", b"x" * (rest + 1)))) == Rejected(why=Why.HEADERS)


@pytest.mark.parametrize(
    ("declared", "media"),
    [
        (FORM, Media.FORM),
        (b"application/json", Media.JSON),
        (b"Application/JSON; Charset=UTF-8", Media.JSON),
        (b'application/x-www-form-urlencoded;charset="utf-8"', Media.FORM),
    ],
)
def test_forms_and_json_are_taken(declared: bytes, media: Media) -> None:
    """The two types that Slack sends are known in any case, and handed on in one spelling."""
    request = envelope(knock(media=declared))
    assert request.media is media
    assert (b"content-type", media.value) in request.headers


@pytest.mark.parametrize(
    "declared",
    [
        b"",
        b"text/plain",
        b"multipart/form-data; boundary=x",
        b"application/json; charset=latin-1",
        b"application/json, text/html",
        b"application/jsonx",
        b"application/json;",
        b"application/json\n",
    ],
)
def test_other_types_are_not_taken(declared: bytes) -> None:
    """What is neither a form nor JSON in UTF-8 is refused."""
    assert opened(knock(media=declared)) == Rejected(why=Why.MEDIA)


def test_a_body_without_type_or_with_coding_is_not_taken() -> None:
    """A body whose bytes are not what would be parsed is refused, however well it is signed."""
    assert opened(knock().without(b"content-type")) == Rejected(why=Why.MEDIA)
    assert opened(knock().having((b"content-encoding", b"gzip"))) == Rejected(why=Why.MEDIA)


def test_only_what_slack_sends_is_handed_on() -> None:
    """Headers are not signed, so unknown ones, and odd retry headers, do not pass."""
    retries = ((b"x-slack-retry-num", b"2"), (b"x-slack-retry-reason", b"http_timeout"))
    request = knock().having(*retries, (b"x-slack-bolt-lazy-only", b"1"), (b"x-andon-ingress", b"f" * 64))
    expected = {b"content-type", b"x-slack-signature", b"x-slack-request-timestamp"}
    assert {name for name, _ in envelope(request).headers} == expected | dict(retries).keys()
    odd = knock().having((b"x-slack-retry-num", b"two"), (b"x-slack-retry-reason", b"\xff"))
    assert {name for name, _ in envelope(odd).headers} == expected


def test_every_flaw_and_every_reason_has_its_status() -> None:
    """Whatever is wrong with a request, the answer is a 4xx that was chosen for it."""
    allowed = {400, 401, 404, 405, 413, 415}
    assert {Rejected(why=why).status for why in Why} == allowed
    assert {rejected(flaw).status for flaw in Flaw} == {400, 413}


def test_a_signature_is_v0_and_64_digits() -> None:
    """Our own signatures have the form that the guard asks for."""
    assert len(sign(b"1", b"", secret=b"s")) == 67
