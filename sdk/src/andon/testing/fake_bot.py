"""
The bot's side of the contract, in memory: requests, grants, claims and reports, without HTTP.

It keeps the rules that an agent can observe (idempotency keys, digests, one claim per grant, one outcome per
claim, unknown members refused) and takes each decision from the `Verdict` it is given. A request is pending
when submitted and settles when it is first read. Time stands still until it is moved, or waited for: who
waits for the report on a claim sees its lease run out after three looks.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn

from pydantic import JsonValue

from andon.canonical import canonical, digest, hexdigest
from andon.models import Action, Claim, Grant, GrantState, Kind, Outcome, Policy, Request, Standing, State

NOON: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE: Final = timedelta(seconds=30)  #: How long a claim is held without a heartbeat.
HEARTBEAT_SECONDS: Final = 10.0
_COMMON: Final = {"kind", "reasoning", "confidence", "evidence", "workflow", "trace"}
_MEMBERS: Final = {
    Kind.PROPOSAL: _COMMON | {"action", "summary"},
    Kind.QUESTION: _COMMON | {"question", "options", "allow_text", "tried"},
}
#: What tells one question from another under an idempotency key.
_SUBJECT: Final = ("kind", "action", "question", "options", "allow_text")
_STATUS: Final = {
    "unauthenticated": 401,
    "not-found": 404,
    "malformed": 400,
    "invalid": 422,
    "idempotency-key-missing": 400,
    "idempotency-key-reused": 409,
    "stopped": 423,
    "digest-mismatch": 409,
    "grant-claimed": 409,
    "grant-expired": 409,
    "grant-revoked": 409,
    "not-claimed": 409,
    "already-reported": 409,
    "already-settled": 409,
    "awaiting-person": 409,
}

Payload = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is decided about one request; `edits` change arguments, `answer` is for questions."""

    state: State
    reason: str | None = None
    edits: Mapping[str, JsonValue] = field(default_factory=dict)
    answer: str | None = None


class Refusal(Exception):
    """A problem (RFC 9457) to answer with: not an error of the fake, but an answer of the contract."""

    def __init__(self, name: str, detail: str, **members: JsonValue) -> None:
        super().__init__(detail)
        self.status = _STATUS[name]
        self.body: dict[str, JsonValue] = {
            "type": f"urn:andon:problem:{name}",
            "title": name.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": detail,
            **members,
        }


def refuse(name: str, detail: str, **members: JsonValue) -> NoReturn:
    raise Refusal(name, detail, **members)


class FakeBot:
    """Requests and grants in memory, decided by a function."""

    def __init__(self, decide: Callable[[Request], Verdict]) -> None:
        self.now = NOON
        self._decide = decide
        self._requests: dict[str, Request] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self._attempts: dict[str, str] = {}

    def submit(self, payload: Payload, key: str | None) -> tuple[int, Request]:
        """Return 201 and the new request, or 200 and the one that this idempotency *key* stands for."""
        if not key or not re.fullmatch(r"[\x21-\x7e]{1,200}", key):
            refuse("idempotency-key-missing", "Send Idempotency-Key: 1 to 200 visible ASCII characters.")
        # As in the bot: the same question in other words is the same question.
        text = canonical({name: payload[name] for name in _SUBJECT if name in payload})
        if key in self._keys:
            request_id, before = self._keys[key]
            if before != text:
                refuse("idempotency-key-reused", "This key was used for another subject; give each its own.")
            return 200, self._requests[request_id]
        request = self._new(payload)
        self._keys[key] = (request.id, text)
        return 201, request

    def read(self, request_id: str) -> Request:
        """Return a request; the first read is when it is decided."""
        request = self._one(request_id)
        if request.state is State.PENDING:
            self._settle(request, self._decide(request))
        return self._requests[request_id]

    def all(self, states: set[str]) -> list[Request]:
        newest_first = reversed(self._requests.values())
        return [request for request in newest_first if not states or request.state in states]

    def cancel(self, request_id: str, reason: str | None) -> Request:
        request = self._one(request_id)
        if request.state is not State.PENDING:
            refuse("already-settled", f"{request_id} is {request.state}.")
        return self._update(request, state=State.CANCELLED, reason=reason, decided_at=self.now)

    def claim(self, grant_id: str, wanted: JsonValue, attempt: JsonValue) -> Claim:
        request, grant = self._granted(grant_id)
        if request.action is None or wanted != grant.digest:
            refuse("digest-mismatch", "What you hold is not what was approved; do not act.")
        if not isinstance(attempt, str) or not 1 <= len(attempt) <= 100:
            refuse("invalid", "attempt is 1 to 100 characters.", path="attempt")
        if grant.state is GrantState.REVOKED:
            refuse("grant-revoked", "The grant was taken back; do not act.")
        if grant.state is GrantState.GRANTED and self.now >= grant.expires_at:
            refuse("grant-expired", "The grant has expired; do not act.")
        if self._attempts.setdefault(grant_id, attempt) != attempt or grant.state not in {
            GrantState.GRANTED,
            GrantState.CLAIMED,
        }:
            refuse("grant-claimed", "Another attempt holds this grant; do not act.")
        grant = self._held(request, grant)
        return Claim(grant=grant, action=request.action, heartbeat_seconds=HEARTBEAT_SECONDS)

    def standing(self, grant_id: str) -> Standing:
        grant = self._granted(grant_id)[1]
        if self._is_held(grant):
            self.now += LEASE / 3
        return Standing(grant=grant, server_time=self.now)

    def renew(self, grant_id: str, attempt: JsonValue) -> Grant:
        request, grant = self._granted(grant_id)
        if grant.state is not GrantState.CLAIMED:
            refuse("not-claimed", f"{grant_id} is {grant.state}.")
        if attempt != self._attempts[grant_id]:
            refuse("grant-claimed", "Another attempt holds this grant; do not act.")
        return self._held(request, grant)

    def report(self, grant_id: str, outcome: Outcome, result: JsonValue, attempt: JsonValue) -> Grant:
        request, grant = self._granted(grant_id)
        is_bystander = attempt is not None and attempt != self._attempts.get(grant_id)
        if is_bystander and (outcome is not Outcome.UNKNOWN or self._is_held(grant)):
            refuse("grant-claimed", "Another attempt holds this grant, and tells its outcome.")
        if grant.state == GrantState(outcome):
            return grant
        if grant.state is GrantState.UNKNOWN:
            refuse("awaiting-person", "The outcome is unknown; only a person can resolve it.")
        if grant.state in {GrantState.SUCCEEDED, GrantState.FAILED}:
            refuse("already-reported", f"{grant_id} was reported {grant.state}.")
        if grant.state is not GrantState.CLAIMED:
            refuse("not-claimed", "Claim the grant before you act.")
        grant = grant.model_copy(update={"state": GrantState(outcome), "result": result})
        self._update(request, grant=grant)
        return grant

    def _new(self, payload: Payload) -> Request:
        kind = next((kind for kind in Kind if kind == payload.get("kind")), None)
        if kind is None:
            refuse("invalid", "kind is proposal or question.", path="kind")
        odd = payload.keys() ^ _MEMBERS[kind]
        if odd:
            refuse("invalid", f"Missing or unknown members: {', '.join(sorted(odd))}.", path=min(odd))
        action = Action.model_validate(payload["action"]) if kind is Kind.PROPOSAL else None
        return self._add(kind, action, payload)

    def _add(self, kind: Kind, action: Action | None, payload: Payload) -> Request:
        number = len(self._requests) + 1
        request = Request(
            id=f"req_{number}",
            kind=kind,
            agent="offline",
            state=State.PENDING,
            created_at=self.now,
            deadline=self.now + timedelta(minutes=15),
            action=action,
            digest=digest(action.type, action.arguments) if action else "sha256:" + hexdigest(payload),
            what_to_do_next="Wait.",
            policy=Policy(rule="script", version="1"),
        )
        self._requests[request.id] = request
        return request

    def _settle(self, request: Request, verdict: Verdict) -> None:
        if verdict.state is State.APPROVED_WITH_EDITS and request.action is not None:
            arguments = {**request.action.arguments, **verdict.edits}
            action = Action(type=request.action.type, arguments=arguments)
            follow = self._add(request.kind, action, {})
            self._update(request, state=State.SUPERSEDED, follow=follow.id, what_to_do_next="Follow it.")
            request = follow
        approved = verdict.state in {State.APPROVED, State.APPROVED_WITH_EDITS}
        self._update(
            request,
            state=verdict.state,
            reason=verdict.reason,
            answer=verdict.answer,
            decided_at=self.now,
            decided_by=() if verdict.state is State.TIMED_OUT else ("script",),
            what_to_do_next="Claim the grant, act, report." if approved else "Do not act.",
            grant=self._grant(request) if approved else None,
        )

    def _update(self, request: Request, **changes: object) -> Request:
        updated = self._requests[request.id].model_copy(update=changes)
        self._requests[request.id] = updated
        return updated

    def _one(self, request_id: str) -> Request:
        request = self._requests.get(request_id)
        return request or refuse("not-found", f"There is no request {request_id}.")

    def _is_held(self, grant: Grant) -> bool:
        return Standing(grant=grant, server_time=self.now).is_held

    def _held(self, request: Request, grant: Grant) -> Grant:
        held = {"state": GrantState.CLAIMED, "lease_until": self.now + LEASE}
        grant = grant.model_copy(update=held)
        self._update(request, grant=grant)
        return grant

    def _grant(self, request: Request) -> Grant:
        return Grant(
            id=request.id.replace("req_", "grt_"),
            state=GrantState.GRANTED,
            digest=request.digest,
            expires_at=self.now + timedelta(minutes=10),
        )

    def _granted(self, grant_id: str) -> tuple[Request, Grant]:
        for request in self._requests.values():
            if request.grant is not None and request.grant.id == grant_id:
                return request, request.grant
        refuse("not-found", f"There is no grant {grant_id}.")
