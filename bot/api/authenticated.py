"""Lets a call in by its agent's key, and records what that agent sent and nobody could read."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import structlog
from starlette.types import Receive, Scope

from bot.api.call import Call, Operation
from bot.api.problems import Problem
from bot.http.reply import Reply
from escalation.errors import StoreError, Unreadable
from escalation.service import doctor, keys, refusals
from escalation.service.context import Core

_UNAUTHENTICATED: Final = Problem(
    "unauthenticated", 401,
    "The key is missing, unknown or revoked. Send 'Authorization: Bearer andon_…'; "
    "'andon keys create' makes one.",
).reply()  # fmt: skip

_UNREADABLE: Final = Problem(
    "unreadable", 500,
    "What is stored about this cannot be read, and the operators were told. Nothing was decided or started. "
    "Do not act; ask again later with the same key.",
).reply()  # fmt: skip
_log = structlog.get_logger(__name__)


async def answered(core: Core, operation: Operation, scope: Scope, receive: Receive, id_: str) -> Reply:
    """Return the answer of *operation*, or the problem; what cannot be read is set aside, and never a yes."""
    try:
        return await _answered(core, operation, scope, receive, id_)
    except Unreadable as error:
        _log.warning("call_about_unreadable_row", kind=error.kind, id=error.id, why=error.why)
        with suppress(StoreError):  # the engine does it then
            await doctor.note(core)
        return _UNREADABLE


async def _answered(core: Core, operation: Operation, scope: Scope, receive: Receive, id_: str) -> Reply:
    """Return the answer of *operation*, or the problem; without a key the body is not even read."""
    secret = _bearer(_header(scope["headers"], b"authorization"))
    # Read from the store each time: a key that was revoked on another replica is refused here at once.
    agent = None if secret is None else await keys.agent_of(core, secret)
    if agent is None:
        return _UNAUTHENTICATED
    call = Call(
        core=core,
        agent=agent,
        id=id_,
        query=scope["query_string"],
        idempotency_key=_header(scope["headers"], b"idempotency-key"),
        body=(await receive())["body"] if operation.takes is not None else b"",
    )
    try:
        return await operation.run(call)
    except Problem as problem:
        if operation.method == "POST" and not problem.recorded:
            # The route and not the path: what is counted together is not the agent's to choose.
            what, path = f"POST {operation.path}", problem.more.get("path")
            await refusals.unreadable(core, agent, what=what, reason=problem.name, path=path)
        return problem.reply()


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    return next((value for each, value in headers if each == name), None)


def _bearer(sent: bytes | None) -> str | None:
    scheme, _, credentials = (sent or b"").decode("latin-1").partition(" ")
    return credentials.strip() or None if scheme.lower() == "bearer" else None
