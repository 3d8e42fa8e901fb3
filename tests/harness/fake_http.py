"""How calls of the fake Slack's Web API come in and go out, over plain ASGI."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

Json = dict[str, Any]


def token_of(scope: Scope, arguments: Json) -> str:
    """Return the token of a call, wherever the client put it."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    bearer: str = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
    return bearer or str(arguments.get("token", ""))


def arguments_of(scope: Scope, body: bytes) -> Json:
    """Return what a call says: in JSON, as a form, or in its query, as slack_sdk pleases."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    given: Json = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
    if headers.get(b"content-type", b"").startswith(b"application/json"):
        said: Json = json.loads(body or b"{}")
        return given | said
    given |= {name: values[-1] for name, values in parse_qs(body.decode()).items()}
    for name in ("blocks", "metadata", "view"):
        if isinstance(given.get(name), str):
            given[name] = json.loads(given[name])
    return given


async def body_of(receive: Receive) -> bytes:
    """Return the whole body."""
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def until_gone(receive: Receive) -> None:
    """Return once the client has given up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def reply(send: Send, status: int, answer: Json, more: Mapping[str, str]) -> None:
    """Answer a call."""
    headers = [(b"content-type", b"application/json")]
    headers += [(name.encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """Serve *app* on a free port of this machine alone; yield the base URL for slack_sdk."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/"
    finally:
        await _end(server, serving)
        listener.close()


async def _end(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    # Left to itself, uvicorn looks ten times a second whether to end, and then waits as long again:
    # too slow for hundreds of tests. Only with somebody still connected is it asked to end politely.
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    for listening in server.servers:
        listening.close()
    await asyncio.sleep(0)
    if server.server_state.connections or server.server_state.tasks:
        await server.shutdown()
