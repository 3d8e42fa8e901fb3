"""Requests that Slack did not send, or not now, or not once: each by name, with the answer it deserves."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from tests.unit.guard.kit import CLICK, FORM, NOON, PATH, SECRET, Header, Knock, knock, stamp

JSON = b"application/json"
SIGNATURE = b"x-slack-signature"
TIMESTAMP = b"x-slack-request-timestamp"
LENGTH = b"content-length"
TYPE = b"content-type"
LIMIT = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One hostile request, and what it must hear."""

    name: str
    request: Knock
    status: int


def every_attack() -> list[Attack]:
    """Return all attacks that an ASGI server can pass on."""
    families = (
        _wrong_digits(),
        _wrong_signatures(),
        _changed_bodies(),
        _wrong_times(),
        _odd_times(),
        _repeated(),
        _smuggled(),
        _oversize(),
        _wrong_media(),
        _wrong_methods(),
        _ill_formed_and_unsigned(),
        _ill_formed_and_signed(),
    )
    return [attack for family in families for attack in family]


def _wrong_digits() -> Iterator[Attack]:
    genuine = knock().value(SIGNATURE)
    for place in range(3, 67):
        flipped = b"%x" % (int(genuine[place : place + 1], 16) ^ 1)
        forged = genuine[:place] + flipped + genuine[place + 1 :]
        yield Attack(name=f"digit {place} wrong", request=knock().saying(SIGNATURE, forged), status=401)


def _wrong_signatures() -> Iterator[Attack]:
    genuine = knock().value(SIGNATURE)
    digits = genuine[3:]
    odd = [
        b"",
        b"v0=",
        b"v0",
        digits,
        b"v1=" + digits,
        b"V0=" + digits,
        b"v0:" + digits,
        b"v0 =" + digits,
        b"v0= " + digits,
        genuine.upper().replace(b"V0", b"v0"),
        genuine[:-1],
        genuine[:20],
        genuine + b"0",
        genuine + b"\n",
        genuine + b" ",
        b" " + genuine,
        genuine + b"," + genuine,
        genuine + b";",
        b'"' + genuine + b'"',
        genuine[:-1] + b"g",
        genuine[:-1] + b"\x00",
        genuine[:-1] + b"\xff",
        b"v0=" + "٠".encode() * 64,
        b"v0=" + b"\x00" * 64,
        b"x" * 8_000,
        b"v0=" + b"0" * 8_000,
    ]
    for value in odd:
        request = knock().saying(SIGNATURE, value)
        yield Attack(
            name=f"signature {value[:4]!r} … {value[-2:]!r}, {len(value)} bytes", request=request, status=400
        )
    for zeros in (b"0" * 64, b"f" * 64):
        yield Attack(
            name=f"constant {zeros[:1]!r}", request=knock().saying(SIGNATURE, b"v0=" + zeros), status=401
        )
    for secret in ("", " ", SECRET[:-1], SECRET + " ", SECRET.upper(), "None", "x" * 64):
        yield Attack(name=f"secret {secret!r}", request=knock(secret=secret), status=401)
    for name in (SIGNATURE, TIMESTAMP):
        yield Attack(name=f"no {name!r}", request=knock().without(name), status=401)
    unsigned = knock().without(SIGNATURE).without(TIMESTAMP)
    for stand_in in (b"x_slack_signature", b"x-slack-signature ", b"slack-signature", b"x-slack-signature:"):
        yield Attack(name=f"{stand_in!r}", request=unsigned.having((stand_in, genuine)), status=401)
    swapped = knock().saying(SIGNATURE, stamp(NOON)).saying(TIMESTAMP, genuine)
    yield Attack(name="swapped", request=swapped, status=400)


def _changed_bodies() -> Iterator[Attack]:
    for place in range(0, len(CLICK), 4):
        changed = CLICK[:place] + bytes([CLICK[place] ^ 1]) + CLICK[place + 1 :]
        yield Attack(name=f"byte {place} changed", request=knock().carrying(changed), status=401)
    for end in range(0, len(CLICK), 8):
        yield Attack(name=f"cut at {end}", request=knock().carrying(CLICK[:end]), status=401)
        short = replace(knock(), chunks=(CLICK[:end],))
        yield Attack(name=f"cut at {end}, length kept", request=short, status=400)
        gone = replace(knock().without(LENGTH), chunks=(CLICK[:end],), cut_off=True)
        yield Attack(name=f"gone at {end}", request=gone, status=400)
    for name, changed in (
        ("appended field", CLICK + b"&payload=%7B%7D"),
        ("appended space", CLICK + b" "),
        ("prepended", b"payload=%7B%7D&" + CLICK),
        ("line end", CLICK + b"\r\n"),
        ("NUL", CLICK + b"\x00"),
        ("in capitals", CLICK.upper()),
        ("decoded", b'payload={"type":"block_actions","user":{"id":"U1"}}'),
    ):
        yield Attack(name=name, request=knock().carrying(changed), status=401)
    longer = replace(knock(), chunks=(CLICK, b"&payload=%7B%7D"))
    yield Attack(name="rest beyond the length", request=longer, status=400)


def _wrong_times() -> Iterator[Attack]:
    for seconds in (301, 302, 360, 600, 3_600, 86_400, 31_536_000):
        for off in (timedelta(seconds=seconds), -timedelta(seconds=seconds)):
            yield Attack(name=f"off by {off}", request=knock(at=NOON + off), status=401)
    for timestamp in (b"0", b"1", b"999999999999", b"1" * 12, b"%d" % (NOON.timestamp() * 10)):
        yield Attack(name=f"at {timestamp!r}", request=knock(timestamp=timestamp), status=401)
    moved = knock(at=NOON - timedelta(days=1)).saying(TIMESTAMP, stamp(NOON))
    yield Attack(name="old signature, new time", request=moved, status=401)
    padded = knock().saying(TIMESTAMP, b"0" + stamp(NOON))
    yield Attack(name="zero before the time", request=padded, status=401)


def _odd_times() -> Iterator[Attack]:
    """Times that a lenient parser reads as now, under a signature that fits them."""
    now = stamp(NOON)
    odd = [
        b"",
        b" ",
        b" " + now,
        now + b" ",
        now + b"\n",
        b"+" + now,
        b"-" + now,
        now + b".0",
        now + b"e0",
        b"%.1e" % NOON.timestamp(),
        now[:3] + b"_" + now[3:],
        hex(int(now)).encode(),
        b"0" * 3 + now,
        now + b"\x00",
        now + b"," + now,
        b"nan",
        b"inf",
        b"None",
        b"9" * 13,
        b"9" * 5_000,
        "".join(chr(0x660 + int(digit)) for digit in now.decode()).encode(),
        "".join(chr(0xFF10 + int(digit)) for digit in now.decode()).encode(),
        b"\xff" * 10,
        b"2026-11-20T12:00:00Z",
    ]
    for value in odd:
        name = f"time {value[:14]!r}, {len(value)} bytes"
        yield Attack(name=name, request=knock(timestamp=value), status=400)


def _repeated() -> Iterator[Attack]:
    genuine = knock()
    others: list[Header] = [
        (SIGNATURE, b"v0=" + b"0" * 64),
        (SIGNATURE, b""),
        (TIMESTAMP, b"0"),
        (TIMESTAMP, stamp(NOON - timedelta(days=1))),
        (TYPE, JSON),
        (TYPE, b"text/plain"),
        (b"host", b"evil.example"),
        (b"x-slack-retry-num", b"1"),
        (b"x-slack-retry-reason", b"http_error"),
    ]
    full = genuine.having((b"x-slack-retry-num", b"2"), (b"x-slack-retry-reason", b"http_timeout"))
    for name, value in others:
        for spelling in (name, name.upper(), name.title()):
            after = full.having((spelling, value))
            before = replace(full, headers=((spelling, value), *full.headers))
            yield Attack(name=f"{spelling!r} again, {value[:9]!r}", request=after, status=400)
            yield Attack(name=f"{spelling!r} before, {value[:9]!r}", request=before, status=400)
        same = full.having((name, full.value(name)))
        yield Attack(name=f"{name!r} twice the same, not {value[:9]!r}", request=same, status=400)
    yield Attack(name="no host", request=genuine.without(b"host"), status=400)
    yield Attack(name="long header", request=genuine.having((b"x-long", b"x" * 20_000)), status=400)
    many = genuine.having(*((b"x-%d" % number, b"y") for number in range(5_000)))
    yield Attack(name="many headers", request=many, status=400)


def _smuggled() -> Iterator[Attack]:
    genuine = knock()
    bare = genuine.without(LENGTH)
    for coding in (
        b"chunked",
        b"identity",
        b"gzip",
        b"chunked, chunked",
        b"gzip, chunked",
        b" chunked",
        b"x",
    ):
        both = genuine.having((b"transfer-encoding", coding))
        yield Attack(name=f"length and {coding!r}", request=both, status=400)
        if coding != b"chunked":
            alone = bare.having((b"transfer-encoding", coding))
            yield Attack(name=f"coding {coding!r}", request=alone, status=400)
    twice = bare.having((b"transfer-encoding", b"chunked"), (b"Transfer-Encoding", b"identity"))
    yield Attack(name="two codings", request=twice, status=400)
    exact = b"%d" % len(CLICK)
    for length in (exact, b"0", b"1", b"999"):
        again = genuine.having((LENGTH, length))
        yield Attack(name=f"second length {length!r}", request=again, status=400)
    odd = (b"", b" ", b"+" + exact, b"-1", b"-" + exact, exact + b".0", hex(len(CLICK)).encode(), b"1_0")
    lists = (exact + b", " + exact, exact + b";", b"\xd9\xa5", b"0" * 20, b"9" * 400, b"NaN", exact + b"\n")
    for length in (*odd, *lists):
        request = bare.having((LENGTH, length))
        yield Attack(name=f"length {length[:9]!r}, {len(length)} digits", request=request, status=400)
    for size in (0, 1, len(CLICK) - 1, len(CLICK) + 1, LIMIT):
        request = genuine.saying(LENGTH, b"%d" % size)
        yield Attack(name=f"length belies: {size}", request=request, status=400)


def _oversize() -> Iterator[Attack]:
    for length in (LIMIT + 1, LIMIT * 2, 10**7, 10**9, 10**11):
        request = knock().saying(LENGTH, b"%d" % length)
        yield Attack(name=f"says {length} bytes", request=request, status=413)
    for size in (LIMIT + 1, 2 * LIMIT):
        large = knock(b"text=" + b"x" * (size - 5))
        yield Attack(name=f"signed, {size} bytes", request=large, status=413)
        stream = replace(large.without(LENGTH), chunks=(large.body[:100], large.body[100:]))
        yield Attack(name=f"signed stream, {size} bytes", request=stream, status=413)
        coded = stream.having((b"transfer-encoding", b"chunked"))
        yield Attack(name=f"signed chunks, {size} bytes", request=coded, status=413)


def _wrong_media() -> Iterator[Attack]:
    medias = (
        b"text/plain",
        b"text/html",
        b"text/xml",
        b"application/xml",
        b"multipart/form-data; boundary=x",
        b"application/octet-stream",
        b"application/json-seq",
        b"application/x-www-form-urlencoded2",
        b"application/json; charset=utf-16",
        b"application/json; charset=utf-7",
        b"application/json; boundary=x",
        b"application/json, application/x-www-form-urlencoded",
        b"application/x-www-form-urlencoded; charset=latin-1",
        b"application/*",
        b"*/*",
        b"json",
        b"application/json\x00",
        b" application/json",
        b"\xff",
        b";" * 5_000,
        b"application/json" + b" ;" * 4_000,
    )
    for media in medias:
        name = f"type {media[:40]!r}, {len(media)} bytes"
        yield Attack(name=name, request=knock(media=media), status=415)
    yield Attack(name="no type", request=knock().without(TYPE), status=415)
    for coding in (b"gzip", b"deflate", b"br", b"identity", b""):
        coded = knock().having((b"content-encoding", coding))
        yield Attack(name=f"compressed as {coding!r}", request=coded, status=415)


def _wrong_methods() -> Iterator[Attack]:
    for method in (
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "post",
        "POSTX",
        "",
    ):
        yield Attack(name=f"method {method!r}", request=replace(knock(), method=method), status=405)
    overridden = replace(knock().having((b"x-http-method-override", b"POST")), method="GET")
    yield Attack(name="method overridden", request=overridden, status=405)
    for path in ("/", PATH + "/", PATH.upper(), "/" + PATH, PATH + ";x", PATH + "\x00", "/slack/%65vents"):
        yield Attack(name=f"path {path!r}", request=replace(knock(), path=path), status=404)


def _broken() -> Iterator[tuple[str, bytes, bytes]]:
    """Bodies that make a parser stumble: name, body, type."""
    objects = (
        b"",
        b"{",
        b"null",
        b"[]",
        b"[1]",
        b"1",
        b'"x"',
        b"{}{}",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":1' + b"0" * 400 + b"}",
        b'{"a":' + b"9" * 5_000 + b"}",
        b'{"a":"\x00"}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\xc0\x80"}',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b"[" * 100_000,
        b'{"a":' + b"[" * 100_000,
        b"<xml/>",
        b"\x80\x04\x95.",
        b"!!python/object/apply:os.system [id]",
    )
    for number, body in enumerate(objects):
        yield f"JSON {number}: {body[:14]!r}", body, JSON
        form = b"payload=" + b"".join(b"%%%02X" % byte for byte in body)
        if len(form) < LIMIT:
            yield f"payload {number}: {body[:14]!r}", form, FORM
    forms = (
        b"",
        b"&",
        b"a=%00",
        b"a=\x00",
        b"a=%FF",
        b"a=\xff",
        b"a=1&a=2",
        CLICK + b"&" + CLICK,
        b'{"a":1}',
    )
    for body in (*forms, b"&".join(b"f%d=" % number for number in range(101)), b"a=&" * 60_000):
        yield f"form {body[:14]!r}, {len(body)} bytes", body, FORM


def _ill_formed_and_unsigned() -> Iterator[Attack]:
    for name, body, media in _broken():
        forged = knock(body, media=media, secret="not the secret")
        yield Attack(name=f"forged {name}", request=forged, status=401)


def _ill_formed_and_signed() -> Iterator[Attack]:
    for name, body, media in _broken():
        yield Attack(name=f"signed {name}", request=knock(body, media=media), status=400)
    yield Attack(name="a form called JSON", request=knock(media=JSON), status=400)
