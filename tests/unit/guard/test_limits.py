"""Claims about what the agents' API reads before it knows who is asking."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.types import Message, Receive, Scope, Send

from bot.api.limits import MAX_HEADERS, LimitedBodies
from bot.http.body import Allowance
from bot.http.reply import Reply
from tests.unit.guard.kit import Header, Knock, Recorder, knock_at, scope_of

LIMIT = 256 * 1024
HOST = (b"host", b"andon.example")
JSON = (b"content-type", b"application/json")


def post(body: bytes, *headers: Header) -> Knock:
    length = (b"content-length", b"%d" % len(body))
    return Knock(path="/v1/requests", headers=(HOST, length, *headers), chunks=(body,))


def get() -> Knock:
    return Knock(path="/v1/requests", method="GET", headers=(HOST,), chunks=(b"",))


@pytest.mark.parametrize(
    "request_",
    [
        get(),
        post(b""),
        post(b"{}", JSON),
        post(b"{}", (b"content-type", b"Application/JSON; charset=UTF-8")),
        replace(post(b"{}", JSON).without(b"content-length"), chunks=(b"{", b"}")),
        post(b"x" * LIMIT, JSON),
    ],
)
async def test_small_json_and_no_body_at_all_get_in(request_: Knock) -> None:
    """A body of JSON up to 256 KiB, whole or in pieces, is handed on as it came; so is none."""
    inside = Recorder()
    assert (await knock_at(LimitedBodies(inside), request_)).status == 200
    assert inside.bodies == [request_.body]
    assert inside.scopes[0]["headers"] == list(request_.headers)


CHUNKED = (b"transfer-encoding", b"chunked")
LARGE = post(b"x" * (LIMIT + 1), JSON)


@pytest.mark.parametrize(
    ("request_", "status", "name"),
    [
        (LARGE, 413, "too-large"),
        (LARGE.without(b"content-length"), 413, "too-large"),
        (post(b"{}", JSON).saying(b"content-length", b"99999999999"), 413, "too-large"),
        (post(b"{}", (b"content-type", b"text/plain")), 415, "unsupported-media-type"),
        (post(b"{}", (b"content-type", b"application/json; charset=latin-1")), 415, "unsupported-media-type"),
        (post(b"{}"), 415, "unsupported-media-type"),
        (post(b"{}").without(b"content-length"), 415, "unsupported-media-type"),
        (post(b"{}", JSON, (b"content-encoding", b"gzip")), 415, "unsupported-media-type"),
        (post(b"{}", JSON, CHUNKED), 400, "malformed"),
        (post(b"{}", JSON, (b"content-length", b"2")), 400, "malformed"),
        (post(b"{}", JSON).saying(b"content-length", b"-2"), 400, "malformed"),
        (post(b"{}", JSON).saying(b"content-length", b"3"), 400, "malformed"),
        (replace(post(b"{}", JSON), cut_off=True), 400, "malformed"),
        (post(b"{}", JSON, JSON), 400, "malformed"),
        (post(b"{}", JSON, HOST), 400, "malformed"),
        (post(b"{}", JSON, (b"authorization", b"a"), (b"Authorization", b"b")), 400, "malformed"),
        (post(b"{}", JSON, (b"idempotency-key", b"a"), (b"idempotency-key", b"a")), 400, "malformed"),
        (post(b"{}", JSON, (b"x-filler", b"x" * MAX_HEADERS)), 400, "malformed"),
    ],
)
async def test_the_rest_hears_what_is_wrong(request_: Knock, status: int, name: str) -> None:
    """What is too large, not JSON or ambiguous is refused as problem+json and never reaches the API."""
    inside = Recorder()
    reply = await knock_at(LimitedBodies(inside), request_)
    assert reply.status == status
    assert reply.headers[b"content-type"] == b"application/problem+json"
    assert reply.headers[b"connection"] == b"close"  # its rest is never taken for another request
    problem = json.loads(reply.body)
    assert (problem["type"], problem["status"]) == (f"urn:andon:problem:{name}", status)
    assert problem["title"]
    assert problem["detail"]
    assert not inside.bodies


@pytest.mark.parametrize(
    "request_", [LARGE, post(b"{}"), post(b"{}", JSON, HOST), post(b"{}", JSON, CHUNKED)]
)
async def test_what_the_headers_give_away_is_refused_unread(request_: Knock) -> None:
    """Of a body that its headers already rule out, not one byte is read."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await LimitedBodies(Recorder())(scope_of(request_), receive, send)
    assert 400 <= sent[0]["status"] < 500


@pytest.mark.parametrize(
    ("request_", "closed"),
    [
        (post(b"{}", JSON), True),
        (post(b"{}", JSON).without(b"content-length").saying(b"transfer-encoding", b"chunked"), True),
        (post(b""), False),
        (get(), False),
    ],
)
async def test_a_body_that_nobody_asks_for_is_never_read(request_: Knock, *, closed: bool) -> None:
    """Whoever answers without the body leaves it on the connection, which is given up; else it is kept."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        await Reply(status=401).send(send)

    await LimitedBodies(refuse)(scope_of(request_), receive, send)
    assert sent[0]["status"] == 401
    assert ((b"connection", b"close") in sent[0]["headers"]) is closed


async def test_a_slow_body_is_given_up() -> None:
    """An agent that stops in the middle of its body hears 400 after its time."""
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    door = LimitedBodies(Recorder(), allowance=Allowance(within=timedelta(milliseconds=20)))
    await door({"type": "http", "path": "/v1/requests", "headers": [HOST, JSON, CHUNKED]}, receive, send)
    assert sent[0]["status"] == 400


async def test_a_long_poll_still_learns_that_its_agent_left() -> None:
    """Behind the limits, who waits for a decision hears of the disconnect."""
    incoming: list[Message] = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]
    heard: list[str] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None: ...

    async def poll(scope: Scope, receive: Receive, send: Send) -> None:
        heard.extend([(await receive())["type"], (await receive())["type"]])

    await LimitedBodies(poll)({"type": "http", "path": "/v1/requests", "headers": [HOST]}, receive, send)
    assert heard == ["http.request", "http.disconnect"]


async def test_what_is_not_http_passes_through() -> None:
    """Start and stop of the server reach the API."""
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None: ...

    await LimitedBodies(inner)({"type": "lifespan"}, receive, send)
    assert seen == ["lifespan"]
