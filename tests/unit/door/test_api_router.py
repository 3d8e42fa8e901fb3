"""Which endpoint answers a request to the agents' API, and what is heard where there is none."""

import json

import pytest
from starlette.types import Message, Receive, Scope

from bot.api.app import Api
from bot.api.router import Route, Router
from bot.http.reply import Reply
from escalation.errors import StoreError
from tests.unit.guard.kit import Knock, knock_at

HOST = (b"host", b"andon.example")


async def named(scope: Scope, _: Receive, id_: str) -> Reply:
    return Reply(status=200, body=f"{scope['method']} {id_}".encode())


async def lost(_: Scope, __: Receive, ___: str) -> Reply:
    raise StoreError("the database is away")


API = Api(
    Router(
        [
            Route("GET", "/v1/things", named),
            Route("GET", "/v1/things/{thing_id}", named),
            Route("POST", "/v1/things/{thing_id}/done", named),
            Route("GET", "/v1/things/first", named),
            Route("GET", "/lost", lost),
        ]
    )
)


def asked(path: str, method: str = "GET", *, query: bytes = b"") -> Knock:
    return Knock(path=path, method=method, headers=(HOST,), chunks=(b"",), query=query)


@pytest.mark.parametrize(
    ("path", "method", "heard"),
    [
        ("/v1/things", "GET", "GET "),
        ("/v1/things/7", "GET", "GET 7"),
        ("/v1/things/a.b{c}", "GET", "GET a.b{c}"),
        ("/v1/things/first", "GET", "GET "),
        ("/v1/things/7/done", "POST", "POST 7"),
    ],
)
async def test_a_path_has_one_endpoint(path: str, method: str, heard: str) -> None:
    """A path that is written out comes before a template, and a name stands for one segment."""
    reply = await knock_at(API, asked(path, method))

    assert (reply.status, reply.body.decode()) == (200, heard)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/v1/thing", "GET", 404),
        ("/v1/things/7/8", "GET", 404),
        ("/v1/things//done", "POST", 404),
        ("/v1/things/7/done/more", "POST", 404),
        ("/v1/things/7/done", "GET", 405),
        ("/v1/things", "POST", 405),
        ("/v1/things/7", "HEAD", 405),
        ("/lost", "GET", 503),
    ],
)
async def test_what_there_is_not_is_a_problem(path: str, method: str, status: int) -> None:
    """No such path, no such method, and no database are told apart, as problem details."""
    reply = await knock_at(API, asked(path, method))

    assert (reply.status, json.loads(reply.body)["status"]) == (status, status)
    assert reply.headers[b"content-type"] == b"application/problem+json"
    assert (b"retry-after" in reply.headers) is (status == 503)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/v1/things/", b"/v1/things?a=b"),
        ("/v1/things/7//", b"/v1/things/7?a=b"),
        ("/v1/things/%/", b"/v1/things/%25?a=b"),
    ],
)
async def test_a_slash_too_many_is_redirected_on_this_host(path: str, location: bytes) -> None:
    """The redirect is relative: what a stranger sent as Host is not where an agent sends its key."""
    reply = await knock_at(API, asked(path, query=b"a=b"))

    assert (reply.status, reply.headers[b"location"]) == (307, location)


async def test_a_slash_too_many_at_no_path_is_not_found() -> None:
    """Nothing is redirected to a place where there is nothing."""
    assert (await knock_at(API, asked("//evil.example/"))).status == 404


async def test_web_sockets_are_closed() -> None:
    """There is none here; whoever tries is told so, and start and stop of the server do nothing."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await API({"type": "websocket"}, receive, send)
    await API({"type": "lifespan"}, receive, send)

    assert [message["type"] for message in sent] == ["websocket.close"]
