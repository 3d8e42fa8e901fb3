"""An agent that calls over HTTP: proposes, wonders, claims, reports and asks how things stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

#: An entry for the ledger that the managers decide about: more than 50 rials, less than 5,000.
POSTING: Mapping[str, Any] = {
    "kind": "bank_fee",
    "account": "Expenses:Bank-Charges",
    "side": "debit",
    "against": "Assets:Bank:Operating",
    "amount": "61.500",
    "currency": "OMR",
    "memo": "Courier",
    "booking_date": "2026-10-31",
    "value_date": "2026-10-31",
    "statement_ref": "FT1",
    "ledger_ref": "",
    "instructed": "",
}
#: What makes a posting small enough for the rule that allows it alone.
SMALL: Mapping[str, Any] = {"amount": "12.000"}
CONFIDENT = 0.99
#: What makes it one for two directors.
LARGE: Mapping[str, Any] = {"amount": "7200.000"}


def proposal(arguments: Mapping[str, Any] = POSTING, **more: Any) -> dict[str, Any]:
    """Return the body of a proposal."""
    action = {"type": "ledger.post", "arguments": dict(arguments)}
    return {"kind": "proposal", "action": action, "summary": "Post what is missing", **more}


def question(text: str, *options: str, **more: Any) -> dict[str, Any]:
    """Return the body of a question."""
    return {"kind": "question", "question": text, "options": list(options), **more}


@dataclass(slots=True, kw_only=True)
class Agent:
    """One agent, with its key."""

    http: httpx.AsyncClient
    key: str
    name: str
    _count: int = 0

    async def asks(
        self, *, key: str | None = None, confidence: float | None = None, **changes: Any
    ) -> dict[str, Any]:
        """Propose a posting, with *changes* to its arguments; return the request."""
        answer = await self.proposes({**POSTING, **changes}, key=key, confidence=confidence)
        assert answer.status_code in {200, 201}, answer.text
        return dict(answer.json())

    async def proposes(
        self, arguments: Mapping[str, Any], *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """Propose any *arguments*; return the answer."""
        return await self.posts("/v1/requests", proposal(arguments, **more), key=key or self.next_key())

    async def wonders(self, text: str, *options: str, **more: Any) -> dict[str, Any]:
        """Ask a question; return the request."""
        answer = await self.posts("/v1/requests", question(text, *options, **more), key=self.next_key())
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def posts(self, path: str, body: Any, *, key: str | None = None) -> httpx.Response:
        """Post *body* with the agent's key."""
        headers = self.headers | ({"Idempotency-Key": key} if key else {})
        return await self.http.post(path, json=body, headers=headers)

    async def sends(
        self, raw: bytes, *, to: str = "/v1/requests", media: str = "application/json"
    ) -> httpx.Response:
        """Post *raw* bytes with the agent's key and a new idempotency key."""
        headers = {**self.headers, "Idempotency-Key": self.next_key(), "Content-Type": media}
        return await self.http.post(to, content=raw, headers=headers)

    async def gets(self, path: str, **query: Any) -> httpx.Response:
        """Get *path* with the agent's key."""
        return await self.http.get(path, params=query, headers=self.headers)

    async def sees(self, request: Mapping[str, Any], **query: Any) -> dict[str, Any]:
        """Return how *request* stands now."""
        answer = await self.gets(f"/v1/requests/{request['id']}", **query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def state_of(self, request: Mapping[str, Any]) -> str:
        """Return the state that *request* is in now."""
        return str((await self.sees(request))["state"])

    async def cancels(self, request: Mapping[str, Any], reason: str | None = None) -> httpx.Response:
        """Take *request* back."""
        return await self.posts(f"/v1/requests/{request['id']}/cancel", {"reason": reason})

    async def claims(
        self, request: Mapping[str, Any], *, attempt: str = "one", **changes: Any
    ) -> httpx.Response:
        """Claim the grant of *request* as it stands now."""
        grant = (await self.sees(request))["grant"]
        return await self.claims_grant(grant, attempt=attempt, **changes)

    async def claims_grant(
        self, grant: Mapping[str, Any], *, attempt: str = "one", **changes: Any
    ) -> httpx.Response:
        """Claim *grant* by its digest."""
        body = {"digest": grant["digest"], "attempt": attempt, **changes}
        return await self.posts(f"/v1/grants/{grant['id']}/claim", body)

    async def reports(self, request: Mapping[str, Any], outcome: str, **more: Any) -> httpx.Response:
        """Report on the grant of *request*."""
        grant = (await self.sees(request))["grant"]
        return await self.posts(f"/v1/grants/{grant['id']}/report", {"outcome": outcome, **more})

    async def grant_of(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the grant of *request* as it stands now."""
        return dict((await self.sees(request))["grant"])

    async def is_alive(self) -> dict[str, Any]:
        """Send a heartbeat; return the answer."""
        answer = await self.posts("/v1/heartbeat", {})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    @property
    def headers(self) -> dict[str, str]:
        """What proves who calls."""
        return {"Authorization": f"Bearer {self.key}"}

    def next_key(self) -> str:
        """Return an idempotency key that was not used yet."""
        self._count += 1
        return f"key-{self._count}"


def problem_of(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the name of the problem that *answer* is, checking its form."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["title"]
    assert body["detail"]
    return answer.status_code, str(body["type"]).removeprefix("urn:andon:problem:")
