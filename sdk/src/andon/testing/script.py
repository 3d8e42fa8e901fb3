"""
A script in place of the bot: nothing is allowed that the script does not allow.

Each line is used once, in order, for the first request it fits; without a line the answer is a rejection. The
client runs exactly as it does against the bot: the script is an HTTP transport in front of a `FakeBot`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

import httpx
from pydantic import JsonValue

from andon.canonical import parse
from andon.models import Grant, Kind, Outcome, Request, State
from andon.testing.fake_bot import FakeBot, Payload, Refusal, Verdict, refuse

_NOT_SCRIPTED: Final = "the script does not allow this"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing the agent asked, as it was sent."""

    kind: Kind
    key: str
    payload: Payload  #: The whole body: action, summary, question, options, confidence, …

    @property
    def action_type(self) -> str | None:
        action = self.payload.get("action")
        return str(action["type"]) if isinstance(action, dict) else None

    @property
    def arguments(self) -> Mapping[str, JsonValue] | None:
        action = self.payload.get("action")
        arguments = action["arguments"] if isinstance(action, dict) else None
        return arguments if isinstance(arguments, dict) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    action_type: str | None  #: None is a line for a question.
    verdict: Verdict

    def fits(self, request: Request) -> bool:
        return self.action_type == (request.action.type if request.action else None)


class Script(httpx.AsyncBaseTransport):
    """What people would say, line by line; and afterwards, what the agent asked and reported."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []  #: Each new request, oldest first; a repeated one counts once.
        self.reported: list[Grant] = []  #: Each accepted report, oldest first.
        self._lines: list[_Line] = []
        self._stopped: str | None = None
        self._bot = FakeBot(self._decide)

    def approve(self, action_type: str) -> Self:
        return self._line(action_type, Verdict(state=State.APPROVED))

    def edit(self, action_type: str, /, **arguments: JsonValue) -> Self:
        """Approve with these arguments in place of those proposed."""
        return self._line(action_type, Verdict(state=State.APPROVED_WITH_EDITS, edits=arguments))

    def reject(self, action_type: str | None = None, *, reason: str | None = None) -> Self:
        """Reject an action, or without one a question."""
        return self._line(action_type, Verdict(state=State.REJECTED, reason=reason))

    def time_out(self, action_type: str | None = None) -> Self:
        """Let the deadline of an action pass, or without one of a question."""
        return self._line(action_type, Verdict(state=State.TIMED_OUT, reason="nobody answered in time"))

    def answer(self, text: str) -> Self:
        return self._line(None, Verdict(state=State.ANSWERED, answer=text))

    def stop(self, *, reason: str) -> Self:
        """Pull the kill switch from now on: nothing is asked and nothing claimed."""
        self._stopped = reason
        return self

    def go_on(self) -> Self:
        """Release the kill switch."""
        self._stopped = None
        return self

    def passes(self, **by: float) -> Self:
        """Let time pass, by days=…, minutes=… and so on: an answer ages, a grant or a lease runs out."""
        self._bot.now += timedelta(**by)
        return self

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        try:
            status, body = self._route(request)
        except Refusal as refusal:
            kind = {"content-type": "application/problem+json"}
            return httpx.Response(refusal.status, json=refusal.body, headers=kind)
        return httpx.Response(status, json=body)

    def _line(self, action_type: str | None, verdict: Verdict) -> Self:
        self._lines.append(_Line(action_type=action_type, verdict=verdict))
        return self

    def _decide(self, request: Request) -> Verdict:
        for line in self._lines:
            if line.fits(request):
                self._lines.remove(line)
                return line.verdict
        return Verdict(state=State.REJECTED, reason=_NOT_SCRIPTED)

    def _route(self, request: httpx.Request) -> tuple[int, JsonValue]:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            refuse("unauthenticated", "Send Authorization: Bearer and the agent's key.")
        for method, pattern, handler in self._routes():
            found = re.fullmatch(pattern, request.url.path)
            if found and method == request.method:
                return _handled(handler, request, found["id"] if found.re.groups else "")
        return refuse("not-found", f"There is no {request.method} {request.url.path}.")

    def _routes(self) -> tuple[tuple[str, str, "_Handler"], ...]:
        return (
            ("POST", "/v1/requests", self._submit),
            ("GET", "/v1/requests", self._list),
            ("GET", "/v1/requests/(?P<id>[^/]+)", self._read),
            ("POST", "/v1/requests/(?P<id>[^/]+)/cancel", self._cancel),
            ("POST", "/v1/grants/(?P<id>[^/]+)/claim", self._claim),
            ("GET", "/v1/grants/(?P<id>[^/]+)", self._standing),
            ("POST", "/v1/grants/(?P<id>[^/]+)/heartbeat", self._renew),
            ("POST", "/v1/grants/(?P<id>[^/]+)/report", self._report),
            ("POST", "/v1/heartbeat", self._heartbeat),
        )

    def _submit(self, request: httpx.Request, _: str, body: Payload) -> tuple[int, JsonValue]:
        self._unless_stopped()
        key = request.headers.get("Idempotency-Key")
        status, stored = self._bot.submit(body, key)
        if status == 201:
            self.asked.append(Asked(kind=stored.kind, key=str(key), payload=body))
        return status, stored.model_dump(mode="json")

    def _list(self, request: httpx.Request, _: str, __: Payload) -> tuple[int, JsonValue]:
        states = set(filter(None, request.url.params.get("state", "").split(",")))
        begin = int(request.url.params.get("after", "0"))
        end = begin + int(request.url.params.get("limit", "50"))
        found = self._bot.all(states)
        items: list[JsonValue] = [each.model_dump(mode="json") for each in found[begin:end]]
        return 200, {"items": items, "next": str(end) if end < len(found) else None}

    def _read(self, _: httpx.Request, request_id: str, __: Payload) -> tuple[int, JsonValue]:
        return 200, self._bot.read(request_id).model_dump(mode="json")

    def _cancel(self, _: httpx.Request, request_id: str, body: Payload) -> tuple[int, JsonValue]:
        reason = body.get("reason")
        return 200, self._bot.cancel(request_id, str(reason) if reason else None).model_dump(mode="json")

    def _claim(self, _: httpx.Request, grant_id: str, body: Payload) -> tuple[int, JsonValue]:
        self._unless_stopped()
        claim = self._bot.claim(grant_id, body.get("digest"), body.get("attempt"))
        return 200, claim.model_dump(mode="json")

    def _standing(self, _: httpx.Request, grant_id: str, __: Payload) -> tuple[int, JsonValue]:
        return 200, self._bot.standing(grant_id).model_dump(mode="json")

    def _renew(self, _: httpx.Request, grant_id: str, body: Payload) -> tuple[int, JsonValue]:
        return 200, {"grant": self._bot.renew(grant_id, body.get("attempt")).model_dump(mode="json")}

    def _report(self, _: httpx.Request, grant_id: str, body: Payload) -> tuple[int, JsonValue]:
        outcome, attempt = Outcome(str(body.get("outcome"))), body.get("attempt")
        grant = self._bot.report(grant_id, outcome, body.get("result"), attempt)
        if grant not in self.reported:
            self.reported.append(grant)
        return 200, {"grant": grant.model_dump(mode="json")}

    def _heartbeat(self, _: httpx.Request, __: str, ___: Payload) -> tuple[int, JsonValue]:
        now = self._bot.now.isoformat()
        by: JsonValue = {"scope": "everything", "by": "script", "reason": self._stopped, "at": now}
        stopped = by if self._stopped is not None else None
        return 200, {"may_proceed": stopped is None, "stopped": stopped, "server_time": now}

    def _unless_stopped(self) -> None:
        if self._stopped is not None:
            refuse("stopped", f"Stopped: {self._stopped}", scope="everything", reason=self._stopped)


_Handler = Callable[[httpx.Request, str, Payload], tuple[int, JsonValue]]


def _handled(handler: _Handler, request: httpx.Request, found: str) -> tuple[int, JsonValue]:
    try:
        body = parse(request.content or b"{}")
        if not isinstance(body, dict):
            return refuse("malformed", "Send an object.")
        return handler(request, found, body)
    except ValueError as error:  # Unfit and pydantic's own are of this kind
        return refuse("malformed", str(error))
