"""
Verifies that a request was signed by Slack; pure: bytes in, a verdict out.

    headers ──open_envelope──▶ Envelope ──verify (with the body)──▶ Verified
                  │                            │
                  └──────────▶ Rejected ◀──────┘

Nothing of the body is parsed before its signature (HMAC-SHA256) is verified, and of the headers only
what Slack sends is kept: headers and query are not signed, so a proxy or a forger may have written the rest.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from bot.http.body import Allowance, Flaw, stated_length
from bot.http.headers import Headers

#: Older or newer than this and a signature no longer counts.
WINDOW: Final = timedelta(minutes=5)
#: Bytes of all headers; Slack sends about one thousand.
MAX_HEADERS: Final = 16 * 1024

_SIGNATURE = b"x-slack-signature"
_TIMESTAMP = b"x-slack-request-timestamp"
_RETRY_NUMBER = b"x-slack-retry-num"
_RETRY_REASON = b"x-slack-retry-reason"
_CONTENT_TYPE = b"content-type"
_SINGLE: Final = (b"host", _CONTENT_TYPE, _SIGNATURE, _TIMESTAMP, _RETRY_NUMBER, _RETRY_REASON)

_SIGNATURE_FORM = re.compile(rb"v0=[0-9a-f]{64}")
_TIMESTAMP_FORM = re.compile(rb"[0-9]{1,12}")
_RETRY_FORMS: Final = {
    _RETRY_NUMBER: re.compile(rb"[0-9]{1,3}"),
    _RETRY_REASON: re.compile(rb"[a-z_]{1,40}"),
}
_MEDIA_FORM = re.compile(rb'([a-z0-9/.+-]+)(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?', re.IGNORECASE)


class Media(Enum):
    """The media types that Slack sends."""

    FORM = b"application/x-www-form-urlencoded"
    JSON = b"application/json"


class Why(Enum):
    """Why a request was not taken."""

    PATH = "not a path of Slack"
    METHOD = "not a POST"
    VERSION = "not HTTP/1.0, 1.1 or 2"
    HEADERS = "a header is missing, repeated, malformed or too long"
    FRAMING = "the body's length is ambiguous"
    TOO_LARGE = "the body is too large"
    TOO_SLOW = "the body did not arrive in time"
    CUT_OFF = "the body does not have its stated length"
    MEDIA = "neither a form nor JSON, in UTF-8"
    UNSIGNED = "no signature"
    STALE = "signed too long ago, or ahead of the clock"
    FORGED = "the signature does not match"
    REPLAYED = "the same signed request came before"
    ILL_FORMED = "signed, but its body does not say one thing"


_STATUS: Final = {
    Why.PATH: 404,
    Why.METHOD: 405,
    Why.VERSION: 400,
    Why.HEADERS: 400,
    Why.FRAMING: 400,
    Why.TOO_LARGE: 413,
    Why.TOO_SLOW: 400,
    Why.CUT_OFF: 400,
    Why.MEDIA: 415,
    Why.UNSIGNED: 401,
    Why.STALE: 401,
    Why.FORGED: 401,
    Why.REPLAYED: 401,
    Why.ILL_FORMED: 400,
}
_FLAWS: Final = {
    Flaw.FRAMING: Why.FRAMING,
    Flaw.TOO_LARGE: Why.TOO_LARGE,
    Flaw.TOO_SLOW: Why.TOO_SLOW,
    Flaw.CUT_OFF: Why.CUT_OFF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The request is refused; no listener is called."""

    why: Why

    @property
    def status(self) -> int:
        """The HTTP status to answer with: 400, 401, 404, 405, 413 or 415, never 5xx."""
        return _STATUS[self.why]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The headers of a request that may be Slack's: well formed, not yet proven."""

    signature: bytes  #: ``v0=`` and 64 lower-case hex digits.
    timestamp: bytes  #: Seconds since 1970, as they were signed.
    media: Media
    length: int | None  #: Stated bytes of the body; None if it is a stream.
    headers: tuple[tuple[bytes, bytes], ...]  #: What of the headers may be handed on.


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A request that holds a signature by our secret, young enough to count."""

    fingerprint: str  #: 64 hex digits, the SHA-256 of the signature: the same click has the same one.


def rejected(flaw: Flaw) -> Rejected:
    """Return what a *flaw* in the body means for the request."""
    return Rejected(why=_FLAWS[flaw])


def open_envelope(headers: Headers, *, allowance: Allowance) -> Envelope | Rejected:
    """Return what *headers* claim, or why they cannot be Slack's; the body is not needed yet."""
    if headers.size > MAX_HEADERS or headers.repeated(_SINGLE) or not headers.all(b"host"):
        return Rejected(why=Why.HEADERS)
    length = stated_length(headers, allowance=allowance)
    if isinstance(length, Flaw):
        return rejected(length)
    media = _media(headers)
    if media is None:
        return Rejected(why=Why.MEDIA)
    signature, timestamp = headers.first(_SIGNATURE), headers.first(_TIMESTAMP)
    if signature is None or timestamp is None:
        return Rejected(why=Why.UNSIGNED)
    if not _SIGNATURE_FORM.fullmatch(signature) or not _TIMESTAMP_FORM.fullmatch(timestamp):
        return Rejected(why=Why.HEADERS)
    handed_on = ((_CONTENT_TYPE, media.value), (_SIGNATURE, signature), (_TIMESTAMP, timestamp))
    return Envelope(
        signature=signature,
        timestamp=timestamp,
        media=media,
        length=length,
        headers=handed_on + _retries(headers),
    )


def verify(envelope: Envelope, body: bytes, *, now: datetime, secret: bytes) -> Verified | Rejected:
    """Tell whether *body* was signed with *secret* within five minutes of *now*.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack/
    """
    if abs(now.timestamp() - int(envelope.timestamp)) > WINDOW.total_seconds():
        return Rejected(why=Why.STALE)
    if not hmac.compare_digest(sign(envelope.timestamp, body, secret=secret), envelope.signature):
        return Rejected(why=Why.FORGED)
    return Verified(fingerprint=hashlib.sha256(envelope.signature).hexdigest())


def sign(timestamp: bytes, body: bytes, *, secret: bytes) -> bytes:
    """Return Slack's signature, ``v0=`` and 64 hex digits, over *timestamp* and *body*."""
    signed = b"v0:" + timestamp + b":" + body
    return b"v0=" + hmac.digest(secret, signed, "sha256").hex().encode()


def _media(headers: Headers) -> Media | None:
    matched = _MEDIA_FORM.fullmatch(headers.first(_CONTENT_TYPE) or b"")
    # A compressed body is not what we would parse, however well it is signed.
    if matched is None or headers.all(b"content-encoding"):
        return None
    named = matched[1].lower()
    return next((media for media in Media if media.value == named), None)


def _retries(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    sent = ((name, headers.first(name), form) for name, form in _RETRY_FORMS.items())
    return tuple((name, value) for name, value, form in sent if value is not None and form.fullmatch(value))
