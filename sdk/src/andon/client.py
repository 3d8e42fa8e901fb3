"""The agent's client: propose, ask, claim, report, and functions that may not run without a grant."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Self, TypeVar, Unpack
from urllib.parse import quote

from pydantic import BaseModel, JsonValue, ValidationError

from andon.canonical import digest
from andon.errors import AlreadySettled, Mismatch
from andon.gate import Gate
from andon.gated import Decorator, Gated, P, R
from andon.http_api import Call, HttpApi
from andon.keys import Keys, about_it
from andon.models import (
    Asking,
    Because,
    Claim,
    Grant,
    Heartbeat,
    Kind,
    Outcome,
    Page,
    Request,
    Standing,
    State,
)
from andon.settings import Options, settings
from andon.verification import answered, fresh, genuine, successor, unchanged

log = logging.getLogger("andon")

M = TypeVar("M", bound=BaseModel)

LONG_POLL: Final = 30  #: Seconds one long poll asks the bot to wait.
SHORTEST_POLL: Final = 0.2  #: Seconds from one poll to the next, should the bot answer early.


class Andon:
    """One agent's way to the people in charge of it.

    `url` and `key` default to ANDON_URL and ANDON_AGENT_KEY; `workflow`, which run of which job this is, to
    ANDON_WORKFLOW (`andon.keys` says what for). Use it as `async with Andon() as andon:`, or
    end with `await andon.aclose()`. Every call may raise `Problem` (the bot refused) or `Unreachable` (it is
    away).
    """

    def __init__(self, url: str | None = None, key: str | None = None, **options: Unpack[Options]) -> None:
        checked = settings(url, key, options)
        self.workflow = checked.workflow  #: Which run this is; None when nobody said.
        self.keys = Keys(checked.workflow)
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
        **asking: Unpack[Asking],
    ) -> str:
        """Return a person's answer, one of *options* or text where allowed, or raise `NotAllowed`.

        Asked again in the same workflow, about the same thing, it is the same question and has the same
        answer; one that was given longer ago than it is `good_for` raises `AnswerTooOld`.
        """
        if isinstance(options, str):
            raise TypeError('options is a list of answers, such as ["PO-77", "PO-78"], not one string')
        question = about_it(question, asking.get("about"))
        payload: dict[str, JsonValue] = {
            "kind": Kind.QUESTION,
            "question": question,
            "options": list(options),
            "allow_text": allow_text,
            "tried": tried,
        }
        key = self.keys.of_question(question, options, key=asking.get("key"), about=asking.get("about"))
        found = await self._submit(payload, asking, key=key)
        request = await self._settled(found)
        if found.state.is_settled:  # by an earlier call: it may be from another day
            now = (await self.heartbeat()).server_time
            request = fresh(request, good_for=asking.get("good_for"), now=now)
        return answered(request, options=tuple(options), allow_text=allow_text)

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
        key = self.keys.of_action(action_type, arguments, key=because.get("key"))
        request = await self._submit(payload, because, key=key)
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

    async def renew(self, grant_id: str, *, attempt: str) -> Grant:
        """Say that the attempt which claimed is under way, so that others wait for its report."""
        body: dict[str, JsonValue] = {"attempt": attempt}
        return (await self._post(_Changed, f"/v1/grants/{_segment(grant_id)}/heartbeat", body)).grant

    async def report(
        self, grant_id: str, outcome: Outcome, *, result: JsonValue = None, attempt: str | None = None
    ) -> Grant:
        """Tell what happened under a claimed grant; *result* is at most 64 KiB of JSON.

        An *attempt* that is not the one that claimed may only say unknown, once the claim is held no longer.
        """
        body: dict[str, JsonValue] = {"outcome": Outcome(outcome), "result": result}
        if attempt is not None:
            body["attempt"] = attempt
        return (await self._post(_Changed, f"/v1/grants/{_segment(grant_id)}/report", body)).grant

    async def wait_for_report(self, grant_id: str) -> Grant:
        """Return a grant once its claim is reported on or no longer held, or at once if nobody holds it."""
        clock, path = asyncio.get_running_loop().time, f"/v1/grants/{_segment(grant_id)}"
        while True:
            began = clock()
            standing = await self._get(Standing, path, wait=LONG_POLL)
            if not standing.is_held:
                return standing.grant
            log.info("%s is under way in another process", grant_id)
            await asyncio.sleep(max(0.0, SHORTEST_POLL - (clock() - began)))

    async def heartbeat(self) -> Heartbeat:
        """Say that the agent is alive, and hear whether it may go on."""
        return await self._post(Heartbeat, "/v1/heartbeat", {})

    async def _submit(self, payload: dict[str, JsonValue], because: Because, *, key: str) -> Request:
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


class _Changed(BaseModel):
    grant: Grant


def _parsed(model: type[M], body: JsonValue) -> M:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Mismatch(f"the bot's answer is not a {model.__name__} this version knows: {error}") from error


def _segment(text: str) -> str:
    """Keep an id from being read as more than one segment of a path."""
    return quote(text, safe="")
