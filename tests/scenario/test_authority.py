"""Who may use which door: every route under every credential, and every forged origin of a click."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from bot.api.routes import OPERATIONS
from escalation.ids import AgentName, KeyId
from escalation.reason import Reason, Refused
from escalation.service import keys
from tests.harness.fake_person import FakePerson
from tests.scenario.agent import POSTING, problem_of, proposal
from tests.scenario.laws import clicks_in
from tests.scenario.rules import MANIFEST, RUNBOOK, Change, changed, with_second_agent
from tests.scenario.world import SECRET, World

DIGEST = "sha256:" + "0" * 64
#: Each route with a body that would do something if only the key were right, and what another agent gets.
ROUTES: Mapping[tuple[str, str], tuple[Any, int]] = {
    ("POST", "/v1/requests"): (proposal(), 201),
    ("GET", "/v1/requests"): (None, 200),
    ("GET", "/v1/requests/{request_id}"): (None, 404),
    ("POST", "/v1/requests/{request_id}/cancel"): ({"reason": None}, 404),
    ("POST", "/v1/grants/{grant_id}/claim"): ({"digest": DIGEST, "attempt": "one"}, 404),
    ("GET", "/v1/grants/{grant_id}"): (None, 404),
    ("POST", "/v1/grants/{grant_id}/heartbeat"): ({"attempt": "one"}, 404),
    ("POST", "/v1/grants/{grant_id}/report"): ({"outcome": "succeeded"}, 404),
    ("POST", "/v1/heartbeat"): ({}, 200),
}
CREDENTIALS: Mapping[str, list[tuple[str, str]]] = {
    "none": [],
    "garbage": [("authorization", "Bearer andon_" + "A" * 43)],
    "empty": [("authorization", "Bearer ")],
    "basic": [("authorization", "Basic YW5kb246YW5kb24=")],
    "without its scheme": [("authorization", "@")],
    "half a key": [("authorization", "Bearer @half")],
    "in another case": [("authorization", "Bearer @UPPER")],
    "twice": [("authorization", "Bearer @"), ("authorization", "Bearer @")],
    "in the query": [("x-api-key", "@")],
    "a Slack token": [("authorization", "Bearer xoxb-fake-andon")],
    "of Slack's": [("x-slack-signature", "v0=" + "0" * 64), ("x-slack-request-timestamp", "1794830400")],
}


def routes() -> set[tuple[str, str]]:
    return {(operation.method, operation.path) for operation in OPERATIONS}


def test_every_route_has_a_row() -> None:
    """A route that this matrix does not know fails here, before it can be forgotten."""
    assert routes() == set(ROUTES)


async def test_no_other_route_is_open(room: World) -> None:
    """Beside the agents' routes there are only health and the description of the API."""
    described = (await room.agent.http.get("/v1/openapi.json")).json()["paths"]
    assert {(method.upper(), path) for path, methods in described.items() for method in methods} == set(
        ROUTES
    )
    for path in ("/docs", "/redoc", "/openapi.json", "/", "/v1", "/v1/keys", "/v1/decisions", "/metrics"):
        assert problem_of(await room.agent.gets(path)) == (404, "not-found")
    for method in ("PUT", "PATCH", "DELETE", "GET"):
        answer = await room.agent.http.request(method, "/v1/heartbeat", headers=room.agent.headers)
        assert problem_of(answer) == (405, "method-not-allowed")


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_without_a_key_there_is_nothing(room: World, credential: str) -> None:
    """Every route refuses every wrong credential with 401 (or 400) before it looks at anything else."""
    asked = await room.approved()
    before = len(await room.events())
    swaps = {"@half": room.agent.key[:20], "@UPPER": room.agent.key.upper(), "@": room.agent.key}
    for method, path in ROUTES:
        answer = await room.agent.http.request(
            method,
            _filled(path, asked),
            content=None if method == "GET" else b"not even json",
            headers=[
                ("content-type", "application/json"),
                ("idempotency-key", "k"),
                *((name, _swapped(value, swaps)) for name, value in CREDENTIALS[credential]),
            ],
        )
        status, name = problem_of(answer)
        assert (status, name) == ((400, "malformed") if credential == "twice" else (401, "unauthenticated"))
        assert status == 400 or answer.headers["www-authenticate"] == "Bearer"
    assert len(await room.events()) == before


def _filled(path: str, asked: Mapping[str, Any]) -> str:
    return path.format(request_id=asked["id"], grant_id=asked["grant"]["id"])


def _swapped(value: str, swaps: Mapping[str, str]) -> str:
    for mark, new in swaps.items():
        if mark in value:
            return value.replace(mark, new)
    return value


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_another_agents_key_reaches_only_its_own(room: World, method: str, path: str) -> None:
    """With another agent's key each route answers as if this agent's requests did not exist."""
    await room.rules_become(with_second_agent())
    other = await room.agent_called("expense-review")
    asked = await room.approved()
    body, status = ROUTES[method, path]
    headers = {**other.headers, "idempotency-key": "k"}
    answer = await room.agent.http.request(method, _filled(path, asked), json=body, headers=headers)
    assert answer.status_code == status
    if (method, path) != ("POST", "/v1/requests"):
        assert asked["id"] not in answer.text
    assert await room.agent.sees(asked) == asked


async def test_a_revoked_key_opens_nothing(any_room: World) -> None:
    """From the moment it is revoked, a key is garbage; another key of the same agent still works."""
    room = any_room
    second = await room.agent_called("bank-reconciliation")
    first, *_ = await keys.every(room.core)
    assert await keys.revoke(room.core, first.id)
    assert not await keys.revoke(room.core, first.id)
    assert not await keys.revoke(room.core, KeyId("key_none"))
    assert problem_of(await room.agent.posts("/v1/heartbeat", {})) == (401, "unauthenticated")
    assert (await second.is_alive())["may_proceed"]
    assert len(await room.events("key.revoked")) == 1


async def test_a_key_of_an_agent_that_is_gone_opens_nothing(room: World) -> None:
    """When its manifest is gone, the agent's key is garbage; no key is made for an agent nobody knows."""
    await room.rules_become(
        changed(
            Change(MANIFEST, "agent: bank-reconciliation", "agent: other"),
            Change(RUNBOOK, "[bank-reconciliation]", "[other]"),
        )
    )
    assert problem_of(await room.agent.posts("/v1/heartbeat", {})) == (401, "unauthenticated")
    assert await keys.create(room.core, AgentName("bank-reconciliation")) == Refused(
        Reason.UNKNOWN_AGENT, "bank-reconciliation"
    )


async def test_a_key_is_not_kept(room: World) -> None:
    """Only the hash of a key is stored, and neither is in the record or the log."""
    (kept,) = await keys.every(room.core)
    assert kept.hash == hashlib.sha256(room.agent.key.encode()).hexdigest()
    record = str(await room.events())
    assert room.agent.key not in record
    assert kept.hash not in record
    assert room.agent.key not in str(room.log)


async def test_an_agents_key_does_not_decide(room: World) -> None:
    """At Slack's door an agent's key is nothing: not even a well formed click gets in."""
    asked = await room.agent.asks()
    click = {"type": "block_actions", "actions": [{"action_id": "request:approve", "value": asked["id"]}]}
    for path in ("/slack/events", "/slack/interactions", "/slack/"):
        answer = await room.agent.http.post(
            path, data={"payload": json.dumps(click)}, headers=room.agent.headers
        )
        assert answer.status_code == (401 if path == "/slack/events" else 404)
    assert await room.agent.state_of(asked) == "pending"
    assert await clicks_in(room.store) == {}


async def test_a_signed_click_is_nothing_at_the_agents_door(room: World) -> None:
    """What Slack signed opens none of the agents' routes."""
    asked = await room.agent.asks()
    body = json.dumps({"reason": None}).encode()
    stamp = str(int(room.clock.now().timestamp()))
    signed = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "content-type": "application/json",
        "x-slack-signature": f"v0={signed}",
        "x-slack-request-timestamp": stamp,
    }
    answer = await room.agent.http.post(f"/v1/requests/{asked['id']}/cancel", content=body, headers=headers)
    assert problem_of(answer) == (401, "unauthenticated")
    assert await room.agent.state_of(asked) == "pending"


@pytest.mark.parametrize("age", [301, -301, 86_400])
async def test_a_stale_click_is_turned_away(room: World, age: int) -> None:
    """Signed too long ago, or ahead of our clock: 401, and nothing is stored."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    payload = _approval(room.salma, asked, card.channel)
    assert (await room.salma.sends(payload, "application/x-www-form-urlencoded", age=age)).status == 401
    assert await clicks_in(room.store) == {}
    assert (await room.salma.sends(payload, "application/x-www-form-urlencoded", age=300)).status == 200
    assert await room.agent.state_of(asked) == "approved"


async def test_a_click_signed_with_another_secret_is_turned_away(room: World) -> None:
    """A forged click, well formed in every way but the signature, is not taken."""
    asked = await room.agent.asks()
    payload = _approval(room.salma, asked, "C01FINANCE")
    room.slack.signing_secret = "another secret of somebody else"
    assert (await room.salma.sends(payload, "application/x-www-form-urlencoded")).status == 401
    room.slack.signing_secret = SECRET
    assert await room.agent.state_of(asked) == "pending"
    assert await clicks_in(room.store) == {}


def _approval(person: FakePerson, asked: Mapping[str, Any], channel: str, **user: Any) -> bytes:
    payload = {
        "type": "block_actions",
        "team": {"id": person.workspace},
        "user": {"id": person.user, "team_id": person.workspace, **user},
        "api_app_id": "A01ANDON",
        "trigger_id": "t",
        "channel": {"id": channel},
        "container": {"type": "message", "channel_id": channel, "message_ts": "1.0"},
        "actions": [
            {"type": "button", "action_id": "request:approve", "block_id": "b", "value": asked["id"]}
        ],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


async def test_the_same_user_id_in_another_workspace_is_somebody_else(any_room: World) -> None:
    """A click that Slack signed, by Salma's user id of another workspace: refused, and on the record."""
    room = any_room
    asked = await room.agent.asks()
    card = await room.card(asked)
    stranger = FakePerson(slack=room.slack, name="salma elsewhere", user="U01SALMA", workspace="T99OTHER")
    assert (await stranger.clicks("Approve", on=card)).status == 200
    await room.beats()
    assert await room.agent.state_of(asked) == "pending"
    assert await room.refusals() == [("account:T99OTHER/U01SALMA", "unknown_person")]
    await stranger.types("/andon stop all because")
    assert (await room.agent.is_alive())["may_proceed"] is True


async def test_the_users_own_workspace_counts(room: World) -> None:
    """In a shared channel the click happens in our team, but the user's own team says who it is."""
    asked = await room.agent.asks()
    await room.card(asked)
    for user in ({"team_id": "T99OTHER"}, {"id": ""}, {"id": "u01salma"}):
        body = _approval(room.salma, asked, "C01FINANCE", **user)
        assert (await room.salma.sends(body, "application/x-www-form-urlencoded")).status == 200
    room.expected |= {"courtesy_refused"}  # nobody to whisper to
    assert await room.agent.state_of(asked) == "pending"
    assert [actor for actor, _ in await room.refusals()] == [
        "account:T99OTHER/U01SALMA",
        "account:T01ANDON/",
        "account:T01ANDON/u01salma",
    ]


async def test_who_clicked_comes_from_the_envelope(room: World) -> None:
    """A button whose value claims to be somebody's decision is only an id that nobody knows."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    for value in (f"{asked['id']}|salma", f"{asked['id']}:approve", json.dumps({"by": "salma"}), ""):
        forged = {"type": "button", "action_id": "request:approve", "value": value, "user": "salma"}
        assert (await room.maryam.forges(forged, on=card)).status == 200
    await room.beats()
    assert await room.agent.state_of(asked) == "pending"
    assert {reason for _, reason in await room.refusals()} == {"unknown_request"}


async def test_get_never_changes_anything(room: World) -> None:
    """Reading by GET, as link previews do, decides nothing at any door."""
    asked = await room.agent.asks()
    for path in (
        "/slack/events",
        f"/slack/events?payload={asked['id']}",
        f"/v1/requests/{asked['id']}/cancel",
    ):
        assert (await room.agent.gets(path)).status_code == 405
    assert await room.agent.state_of(asked) == "pending"


async def test_rejected_through_another_path(room: World) -> None:
    """What was rejected is not approved by asking the same once more: people are asked again."""
    asked = await room.agent.asks()
    await room.salma.clicks("Reject", on=await room.card(asked))
    await room.salma.sees_modal("One rejection is final")
    await room.salma.fills("Why? The agent reads this and does better.", "No").submits()
    again = await room.agent.proposes(POSTING, confidence=1.0)
    assert again.json()["state"] == "pending"
    assert await room.agent.state_of(asked) == "rejected"


async def test_an_unknown_key_costs_neither_body_nor_database(shaky_room: World) -> None:
    """Who has no key that could be one is refused while the database is away, and nobody reads the body."""
    room, read = shaky_room, 0
    key = room.agent.key

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(3):
            read += 1
            yield b"{}"

    def calls(credential: str) -> Awaitable[httpx.Response]:
        headers = {"Authorization": f"Bearer {credential}", "Content-Type": "application/json"}
        return room.agent.http.post("/v1/requests", content=body(), headers=headers)

    unlike = (key[:-1], f"{key}x", key.replace("andon_", "anton_"), "andon_", "x" * 49, f"{key[:-1]}~")
    store: Any = room.store
    with store.goes_away():
        for credential in unlike:
            assert problem_of(await calls(credential)) == (401, "unauthenticated")
        assert problem_of(await calls(key)) == (503, "unavailable")
    assert problem_of(await calls(f"andon_{'A' * 43}")) == (401, "unauthenticated")
    assert read == 0
    assert (await calls(key)).status_code == 400
    assert read > 0
