"""The agents' API as one ASGI app: operations behind a key, their description, and health."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Final
from urllib.parse import quote

import structlog
from starlette.types import Receive, Scope, Send

from bot.api import openapi
from bot.api.authenticated import answered
from bot.api.problems import Problem
from bot.api.router import Route, Router
from bot.api.routes import OPERATIONS
from bot.http.reply import Reply
from escalation.errors import NotInForce, SchemaMismatch, StoreError
from escalation.service.context import Core

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What hampers this process, line by line; none names a host."""

    trouble: list[str]  #: What keeps it from serving: no agent should be sent here.
    degraded: list[str]  #: What it serves in spite of: ending or replacing it would mend nothing.


Readiness = Callable[[], Awaitable[Condition]]

_NOT_FOUND: Final = Problem("not-found", 404, "Not Found").reply()
_NOT_ALLOWED: Final = Problem("method-not-allowed", 405, "Method Not Allowed").reply()
_UNAVAILABLE: Final = Problem(
    "unavailable",
    503,
    "The database cannot be reached right now. Send the same call again: it counts once.",
    retry_after=1,
).reply()
_NOT_IN_FORCE: Final = Problem(
    "unavailable",
    503,
    "This process cannot load the configuration in force, or is older than the database: it decides nothing."
    " Send the same call again: it counts once, and another process may take it.",
    retry_after=1,
).reply()


def build(core: Core, readiness: Readiness) -> "Api":
    """Return the ASGI app; *readiness* says how this process stands."""

    async def ready(_: Scope, __: Receive, ___: str) -> Reply:
        found = await readiness()
        told = {"ready": not found.trouble, "trouble": found.trouble, "degraded": found.degraded}
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        return Reply(status=503 if found.trouble else 200, body=body.encode())

    operations = [Route(each.method, each.path, partial(answered, core, each)) for each in OPERATIONS]
    described = [Route(method, "/v1/openapi.json", _described) for method in ("GET", "HEAD")]
    health = [Route("GET", "/healthz", _alive), Route("GET", "/readyz", ready)]
    return Api(Router([*operations, *described, *health]))


class Api:
    """Dispatches requests to the routes of *router*."""

    def __init__(self, router: Router) -> None:
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await (await self._reply(scope, receive)).send(send)
            case "websocket":
                await send({"type": "websocket.close", "code": 1008})
            case _:
                pass  # the process starts and stops what this app needs

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        found = self._router.find(scope["path"])
        if found is None:
            return self._missing(scope)
        endpoint = found.methods.get(scope["method"])
        if endpoint is None:
            return _NOT_ALLOWED
        try:
            return await endpoint(scope, receive, found.id)
        except (NotInForce, SchemaMismatch):
            # The engine has said why, once; every call would say it again.
            return _NOT_IN_FORCE
        except StoreError as error:
            _log.warning("store_unavailable", error=str(error))
            return _UNAVAILABLE

    def _missing(self, scope: Scope) -> Reply:
        path, query = scope["path"].rstrip("/"), scope["query_string"]
        if path == scope["path"] or self._router.find(path) is None:
            return _NOT_FOUND
        # A slash too many. The address is relative: nothing that was sent chooses another host.
        location = quote(path).encode() + (b"?" + query if query else b"")
        return Reply(status=307, headers=((b"location", location),))


async def _alive(_: Scope, __: Receive, ___: str) -> Reply:
    return Reply(status=200, body=b'{"status":"alive"}')


async def _described(_: Scope, __: Receive, ___: str) -> Reply:
    return Reply(status=200, body=_description())


@cache
def _description() -> bytes:
    return json.dumps(openapi.document(OPERATIONS), ensure_ascii=False, separators=(",", ":")).encode()
