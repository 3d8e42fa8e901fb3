"""Claims about reading a body that a stranger sends."""

import asyncio
from datetime import timedelta

import pytest
from starlette.types import Message

from bot.http.body import Allowance, Flaw, read_body, replaying, stated_length
from bot.http.headers import Headers

SMALL = Allowance(size=10, within=timedelta(seconds=5))


def chunk(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Line:
    """A connection on which *messages* arrive, and then silence."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)

    async def receive(self) -> Message:
        if self.messages:
            return self.messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([(b"content-length", b"0")], 0),
        ([(b"content-length", b"10")], 10),
        ([(b"content-length", b"11")], Flaw.TOO_LARGE),
        ([(b"content-length", b"999999999999")], Flaw.TOO_LARGE),
        ([(b"content-length", b"1000000000000")], Flaw.FRAMING),
        ([(b"content-length", b"")], Flaw.FRAMING),
        ([(b"content-length", b"+5")], Flaw.FRAMING),
        ([(b"content-length", b"-5")], Flaw.FRAMING),
        ([(b"content-length", b"5, 5")], Flaw.FRAMING),
        ([(b"content-length", "٥".encode())], Flaw.FRAMING),
        ([(b"content-length", b"5"), (b"Content-Length", b"5")], Flaw.FRAMING),
        ([(b"transfer-encoding", b"chunked")], None),
        ([(b"transfer-encoding", b"Chunked")], None),
        ([(b"transfer-encoding", b"gzip, chunked")], Flaw.FRAMING),
        ([(b"transfer-encoding", b"identity")], Flaw.FRAMING),
        ([(b"transfer-encoding", b"chunked"), (b"content-length", b"5")], Flaw.FRAMING),
        ([(b"transfer-encoding", b"chunked"), (b"transfer-encoding", b"chunked")], Flaw.FRAMING),
    ],
)
def test_a_length_is_stated_once_in_digits_or_not_at_all(
    headers: list[tuple[bytes, bytes]], expected: int | Flaw | None
) -> None:
    """A length that two readers could read differently is refused, not repaired."""
    assert stated_length(Headers(headers), allowance=SMALL) == expected


async def test_a_body_in_pieces_is_read_whole() -> None:
    """The pieces of a body are joined in order, up to and including the last allowed byte."""
    line = Line(chunk(b"01234", more=True), {"type": "http.request", "more_body": True}, chunk(b"56789"))
    assert await read_body(line.receive, stated=None, allowance=SMALL) == b"0123456789"


async def test_a_stream_is_given_up_at_the_first_byte_too_many() -> None:
    """A stream is not read past its allowance, whatever is still to come."""
    line = Line(chunk(b"0123456789", more=True), chunk(b"X", more=True), chunk(b"never read"))
    assert await read_body(line.receive, stated=None, allowance=SMALL) is Flaw.TOO_LARGE
    assert line.messages == [chunk(b"never read")]


@pytest.mark.parametrize(("stated", "sent"), [(4, b"012"), (2, b"012"), (0, b"0"), (1, b"")])
async def test_a_body_that_belies_its_length_is_refused(stated: int, sent: bytes) -> None:
    """A body shorter or longer than stated was cut or smuggled."""
    assert await read_body(Line(chunk(sent)).receive, stated=stated, allowance=SMALL) is Flaw.CUT_OFF


async def test_a_peer_that_leaves_sent_no_body() -> None:
    """A body whose sender went away before its end is never used."""
    line = Line(chunk(b"01", more=True), {"type": "http.disconnect"})
    assert await read_body(line.receive, stated=None, allowance=SMALL) is Flaw.CUT_OFF


async def test_a_slow_body_is_given_up() -> None:
    """A body that does not end in time frees what it holds."""
    allowance = Allowance(size=10, within=timedelta(milliseconds=20))
    line = Line(chunk(b"01", more=True))
    assert await read_body(line.receive, stated=None, allowance=allowance) is Flaw.TOO_SLOW


async def test_a_read_body_is_handed_on_once_and_then_the_line_speaks() -> None:
    """Who stands behind the door hears the body once, and then still learns that the peer left."""
    receive = replaying(b"body", Line({"type": "http.disconnect"}).receive)
    assert await receive() == chunk(b"body")
    assert await receive() == {"type": "http.disconnect"}


def test_headers_are_counted_whatever_their_case() -> None:
    """A header sent twice in two spellings is repeated, and none of its values is lost."""
    headers = Headers([(b"X-A", b"1"), (b"x-a", b"22"), (b"x-b", b"3")])
    assert headers.all(b"x-a") == [b"1", b"22"]
    assert headers.first(b"x-c") is None
    assert headers.repeated([b"x-b", b"x-a"])
    assert not headers.repeated([b"x-b", b"x-c"])
    assert headers.size == 13
