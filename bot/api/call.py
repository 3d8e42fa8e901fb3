"""One call of an agent: who calls, with what, and the operations that there are."""

from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.api.problems import Problem
from bot.http.reply import Reply
from escalation.ids import AgentName
from escalation.service.context import Core

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an agent, whose key was checked, sent."""

    core: Core
    agent: AgentName
    id: str  #: Of the request or grant that the path names; empty where it names none.
    query: bytes
    idempotency_key: bytes | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Generic[T]):
    """A value that comes beside the body."""

    name: str
    place: Literal["header", "query"]
    type: TypeAdapter[T]
    default: T

    def of(self, call: Call) -> T:
        """Return what *call* sent, or the default; raise the ``Problem`` that it is."""
        sent = self._sent(call)
        if sent is None:
            return self.default
        try:
            return self.type.validate_python(sent)
        except ValidationError as error:
            path = f"$.{self.name}"
            detail = f"{path}: {error.errors(include_url=False)[0]['msg']}."
            raise Problem("invalid", 422, detail, {"path": path}) from error

    def _sent(self, call: Call) -> str | None:
        if self.place == "header":
            return None if call.idempotency_key is None else call.idempotency_key.decode("latin-1")
        # Of a repeated one the last counts, and an unknown one is ignored.
        found = dict(parse_qsl(call.query.decode("latin-1"), keep_blank_values=True)) if call.query else {}
        return found.get(self.name)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that an agent can call, by method and path."""

    method: Literal["GET", "POST"]
    path: str  #: With at most one name in braces, such as ``/v1/requests/{request_id}``.
    run: Callable[[Call], Awaitable[Reply]]
    _: KW_ONLY
    takes: TypeAdapter[Any] | None = None
    parameters: tuple[Parameter[Any], ...] = ()
    returns: type[BaseModel]
    status: int = 200  #: Of success.
    again: int | None = None  #: Of a success that was had before.
    refuses: tuple[int, ...] = ()  #: How it says no, beside what may befall any operation.


def answer(model: BaseModel, *, status: int = 200) -> Reply:
    """Return *model* as the response."""
    return Reply(status=status, body=model.__pydantic_serializer__.to_json(model))
