"""The agent's client: propose, ask, claim, report, and functions that may not run without a grant."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Self, TypeVar, Unpack
from urllib.parse import quote

from pydantic import BaseModel, JsonValue, ValidationError

from andon.canonical import digest, hexdigest
from andon.errors import AlreadySettled, Mismatch, Unfit
from andon.gate import Gate
from andon.gated import Decorator, Gated, P, R
from andon.http_api import Call, HttpApi
from andon.models import Because, Claim, Grant, Heartbeat, Kind, Outcome, Page, Request, State
from andon.settings import Options, settings
from andon.verification import answered, genuine, successor, unchanged

log = logging.getLogger("andon")

M = TypeVar("M", bound=BaseModel)

LONG_POLL: Final = 30  #: Seconds one long poll asks the bot to wait.
SHORTEST_POLL: Final = 0.2  #: Seconds from one poll to the next, should the bot answer early.
LONGEST_KEY: Final = 200  #: Characters.


class Andon:
    """One agent's way to the people in charge of it.

    `url` and `key` default to ANDON_URL and ANDON_AGENT_KEY. Use it as `async with Andon() as andon:`, or
    end with `await andon.aclose()`. Every call may raise `Problem` (the bot refused) or `Unreachable` (it is
    away).
    """

    def __init__(self, url: str | None = None, key: str | None = None, **options: Unpack[Options]) -> None:
        checked = settings(url, key, options)
        self.workflow = checked.workflow
        self.gate = Gate(self)  #: The one way to an effect, shared by everything gated with this client.
        self._api = HttpApi(checked)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._api.aclose()

    def gated(self, action_type: str) -> Decorator:
        """Decorate an async function so that each call of it is an action people are asked about."""

        def decorate(function: Callable[P, Awaitable[R]], /) -> Gated[P, R]:
            return Gated(self.gate, action_type, function)

        return decorate

    async def ask(
        self,
        question: str,
        *,
        options: Sequence[str] = (),
        allow_text: bool = False,
        tried: str | None = None,
        **because: Unpack[Because],
    ) -> str:
        """Return a person's answer, one of *options* or text where allowed, or raise `NotAllowed`."""
        if isinstance(options, str):
            raise TypeError('options is a list of answers, such as ["PO-77", "PO-78"], not one string')
        payload: dict[str, JsonValue] = {
            "kind": Kind.QUESTION,
            "question": question,
            "options": list(options),
            "allow_text": allow_text,
            "tried": tried,
        }
        default = f"{self.workflow}:{hexdigest({'question': question, 'options': options})}"
        request = await self._submit(payload, because, default_key=default)
        return answered(await self._settled(request), options=tuple(options), allow_text=allow_text)

    async def propose(
        self,
        action_type: str,
        arguments: Mapping[str, JsonValue],
        *,
        summary: str,
        **because: Unpack[Because],
    ) -> Request:
        """Propose an action and return its request once settled, whichever way; an edited one is followed.

        This is the lower level: before acting on an approval, `claim` it, and afterwards `report`.
        """
        payload: dict[str, JsonValue] = {
            "kind": Kind.PROPOSAL,
            "action": {"type": action_type, "arguments": dict(arguments)},
            "summary": summary,
        }
        request = await self._submit(payload, because, default_key=self.key_for(action_type, arguments))
        if request.kind is not Kind.PROPOSAL or request.digest != digest(action_type, arguments):
            raise Mismatch(f"{request.id} is not the action that was proposed")
        return await self._settled(request)

    async def request(self, request_id: str) -> Request:
        """Return a request as it is now."""
        return await self._get(Request, f"/v1/requests/{_segment(request_id)}")

    async def wait(self, request_id: str) -> Request:
        """Return a request once it, or the one that took its place, is settled."""
        return await self._settled(await self.request(request_id))

    async def list(self, states: Sequence[State] = (), *, after: str | None = None, limit: int = 50) -> Page:
        """Return a page of the agent's own requests, newest first; *limit* is 1 to 100."""
        params = {"limit": str(limit)}
        if states:
            params["state"] = ",".join(State(state) for state in states)
        if after is not None:
            params["after"] = after
        return _parsed(Page, await self._api.call(Call(method="GET", path="/v1/requests", params=params)))

    async def cancel(self, request_id: str, *, reason: str | None = None) -> Request:
        """Take a pending request back; raise `AlreadySettled` when it was decided first."""
        try:
            return await self._post(
                Request, f"/v1/requests/{_segment(request_id)}/cancel", {"reason": reason}
            )
        except AlreadySettled:
            request = await self.request(request_id)
            if request.state is State.CANCELLED:  # by us: the reply to an earlier try was lost
                return request
            raise

    async def claim(self, grant_id: str, digest: str, *, attempt: str | None = None) -> Claim:
        """Claim a grant for one attempt; the same *attempt* may claim again, another may not."""
        body: dict[str, JsonValue] = {"digest": digest, "attempt": attempt or secrets.token_urlsafe(16)}
        return await self._post(Claim, f"/v1/grants/{_segment(grant_id)}/claim", body)

    async def report(self, grant_id: str, outcome: Outcome, *, result: JsonValue = None) -> Grant:
        """Tell what happened under a claimed grant; *result* is at most 64 KiB of JSON."""
        body: dict[str, JsonValue] = {"outcome": Outcome(outcome), "result": result}
        return (await self._post(_Reported, f"/v1/grants/{_segment(grant_id)}/report", body)).grant

    async def heartbeat(self) -> Heartbeat:
        """Say that the agent is alive, and hear whether it may go on."""
        return await self._post(Heartbeat, "/v1/heartbeat", {})

    def key_for(self, action_type: str, arguments: Mapping[str, JsonValue]) -> str:
        """Return the idempotency key of an action in this workflow, the same on every run."""
        return f"{self.workflow}:{digest(action_type, arguments).removeprefix('sha256:')}"

    async def _submit(self, payload: dict[str, JsonValue], because: Because, *, default_key: str) -> Request:
        key = because.get("key")
        key = default_key if key is None else _key(key)
        body: dict[str, JsonValue] = {
            **payload,
            "reasoning": because.get("reasoning"),
            "confidence": because.get("confidence"),
            "evidence": [evidence.model_dump() for evidence in because.get("evidence", ())],
            "workflow": self.workflow,
            "trace": None,
        }
        return _parsed(
            Request, await self._api.call(Call(method="POST", path="/v1/requests", body=body, key=key))
        )

    async def _settled(self, request: Request) -> Request:
        """Wait for *request*, then for whatever took its place, each held to what it was when first seen."""
        seen = {request.id}
        request = await self._long_polled(genuine(request))
        while request.follow is not None:
            if request.follow in seen:
                raise Mismatch(f"{request.id} is followed by a request that led to it")
            seen.add(request.follow)
            request = await self._long_polled(successor(request, await self.request(request.follow)))
        return request

    async def _long_polled(self, request: Request) -> Request:
        clock = asyncio.get_running_loop().time
        while not request.state.is_settled:
            log.info("%s waits for people until %s", request.id, request.deadline)
            began = clock()
            path = f"/v1/requests/{_segment(request.id)}"
            request = unchanged(request, await self._get(Request, path, wait=LONG_POLL))
            if not request.state.is_settled:
                await asyncio.sleep(max(0.0, SHORTEST_POLL - (clock() - began)))
        return request

    async def _get(self, model: type[M], path: str, *, wait: int = 0) -> M:
        params = {"wait": str(wait)} if wait else {}
        return _parsed(model, await self._api.call(Call(method="GET", path=path, params=params, wait=wait)))

    async def _post(self, model: type[M], path: str, body: dict[str, JsonValue]) -> M:
        return _parsed(model, await self._api.call(Call(method="POST", path=path, body=body)))


class _Reported(BaseModel):
    grant: Grant


def _parsed(model: type[M], body: JsonValue) -> M:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Mismatch(f"the bot's answer is not a {model.__name__} this version knows: {error}") from error


def _key(text: str) -> str:
    if not 1 <= len(text) <= LONGEST_KEY or not all("!" <= character <= "~" for character in text):
        raise Unfit(f"key= must be 1 to {LONGEST_KEY} visible ASCII characters without spaces")
    return text


def _segment(text: str) -> str:
    """Keep an id from being read as more than one segment of a path."""
    return quote(text, safe="")
