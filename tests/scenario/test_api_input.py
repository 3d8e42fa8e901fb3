"""What agents send is refused precisely: the problem's type and status, the path, and nothing is stored."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.harness.block_kit import texts
from tests.scenario.agent import POSTING, Agent, problem_of, proposal, question
from tests.scenario.world import World

AGENT = "agent:bank-reconciliation"
DEEP = "[" * 10_000 + "]" * 10_000


def with_memo(raw: str) -> bytes:
    """Return a proposal whose memo is *raw* JSON, as bytes."""
    return json.dumps(proposal({**POSTING, "memo": "@@"})).replace('"@@"', raw).encode()


def without(member: str) -> dict[str, Any]:
    return {name: value for name, value in POSTING.items() if name != member}


async def nothing_stored(room: World, *, refused: int = 1) -> None:
    """Check that no request came of it, and that the record has each refusal once."""
    assert (await room.agent.gets("/v1/requests")).json()["items"] == []
    assert await room.events("request.asked") == []
    assert [actor for actor, _ in await room.refusals()] == [AGENT] * refused
    await room.beats()
    assert room.slack.messages == []


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (without("amount"), "$"),
        ({**POSTING, "amount": 61.5}, "$.amount"),
        ({**POSTING, "amount": "NaN"}, "$.amount"),
        ({**POSTING, "amount": "-1.000"}, "$.amount"),
        ({**POSTING, "amount": "61.500\n"}, "$.amount"),
        ({**POSTING, "account": "Equity:Owner"}, "$.account"),
        ({**POSTING, "booking_date": "2026-02-30"}, "$.booking_date"),
        ({**POSTING, "approved_by": "salma"}, "$"),
        ({}, "$"),
    ],
)
async def test_arguments_off_the_schema(room: World, arguments: dict[str, Any], path: str) -> None:
    """Missing, mistyped, out of range or unknown arguments are refused, and the problem names the path."""
    answer = await room.agent.proposes(arguments)
    assert problem_of(answer) == (422, "arguments-invalid")
    assert answer.json()["path"] == path
    await nothing_stored(room)
    assert (await room.refusals())[0][1] == "arguments_invalid"


async def test_an_unknown_action_type(room: World) -> None:
    """An action that no manifest names is refused; the problem says which there are."""
    body = proposal()
    body["action"]["type"] = "ledger.delete"
    answer = await room.agent.posts("/v1/requests", body, key="k")
    assert problem_of(answer) == (422, "unknown-action-type")
    assert "ledger.post" in answer.json()["detail"]
    await nothing_stored(room)


@pytest.mark.parametrize(
    ("raw", "status", "name"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b'{"kind": "proposal", "kind": "question"}', 400, "malformed"),
        (with_memo("NaN"), 400, "malformed"),
        (with_memo("-Infinity"), 400, "malformed"),
        (with_memo("1" * 5000), 400, "malformed"),
        (with_memo(DEEP), 400, "malformed"),
        (with_memo('"\\ud800"'), 422, "arguments-invalid"),
        (with_memo('"a\\u0000b"'), 422, "arguments-invalid"),
        (with_memo("9007199254740992"), 422, "arguments-invalid"),
        (with_memo("-9007199254740993"), 422, "arguments-invalid"),
        (with_memo("1e400"), 422, "arguments-invalid"),
        (with_memo("[" * 33 + "]" * 33), 422, "arguments-invalid"),
        (with_memo(json.dumps("x" * 70_000)), 422, "arguments-invalid"),
        (b"[]", 422, "invalid"),
        (b'"proposal"', 422, "invalid"),
        (b"null", 422, "invalid"),
        (b'{"kind": "wish"}', 422, "invalid"),
    ],
)
async def test_bodies_that_cannot_be_read_one_way(room: World, raw: bytes, status: int, name: str) -> None:
    """Bad JSON, doubtful numbers, half characters, NUL, depth and size are told apart and stored nowhere."""
    answer = await room.agent.sends(raw)
    assert problem_of(answer) == (status, name)
    if name == "arguments-invalid":
        assert answer.json()["path"].startswith("$")
    await nothing_stored(room)


async def test_the_path_says_where(room: World) -> None:
    """The problem names the very place of a character that cannot be stored."""
    answer = await room.agent.sends(with_memo('"\\ud800"'))
    assert answer.json()["path"] == "$.action.arguments.memo"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"state": "approved"}, "$.state"),
        ({"decided_by": ["salma"]}, "$.decided_by"),
        ({"approvers": ["omar"]}, "$.approvers"),
        ({"summary": ""}, "$.summary"),
        ({"summary": "x" * 301}, "$.summary"),
        ({"summary": 7}, "$.summary"),
        ({"reasoning": "x" * 8001}, "$.reasoning"),
        ({"confidence": 1.01}, "$.confidence"),
        ({"confidence": "high"}, "$.confidence"),
        ({"evidence": [{"title": "t", "link": "u"}]}, "$.evidence.0.link"),
        ({"evidence": [{"title": "t"}] * 21}, "$.evidence"),
        ({"workflow": ""}, "$.workflow"),
        ({"action": {"type": "ledger.post"}}, "$.action.arguments"),
        ({"action": {"type": "ledger.post", "arguments": []}}, "$.action.arguments"),
        ({"action": {"type": "ledger.post", "arguments": {}, "approved": True}}, "$.action.approved"),
    ],
)
async def test_members_are_known_and_typed(room: World, change: dict[str, Any], path: str) -> None:
    """Unknown members and wrong types are refused: nothing an agent adds is ever taken for a decision."""
    answer = await room.agent.posts("/v1/requests", {**proposal(), **change}, key="k")
    assert problem_of(answer) == (422, "invalid")
    assert answer.json()["path"] == path
    await nothing_stored(room)


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ((), {}),
        ((), {"allow_text": False}),
        (("A", "A"), {}),
        (("",), {}),
        (("   ",), {}),
        (("x" * 76,), {}),
        (tuple(map(str, range(101))), {}),
        (("A",), {"allow_text": "yes"}),
        (("A",), {"tried": "x" * 2001}),
    ],
)
async def test_questions_can_be_answered(room: World, options: tuple[str, ...], more: dict[str, Any]) -> None:
    """A question without options or words, or with options nobody could tell apart, is refused."""
    answer = await room.agent.posts("/v1/requests", question("Which?", *options, **more), key="k")
    assert problem_of(answer) == (422, "invalid")
    await nothing_stored(room)


async def test_two_megabytes_of_arguments(room: World) -> None:
    """Too much is refused before anybody looks at the key: 413, and no record of it."""
    answer = await room.agent.sends(with_memo(json.dumps("x" * 2_000_000)))
    assert problem_of(answer) == (413, "too-large")
    await nothing_stored(room, refused=0)


@pytest.mark.parametrize("media", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
async def test_only_json_is_json(room: World, media: str) -> None:
    """A body under another name is refused before anybody looks at the key."""
    answer = await room.agent.sends(json.dumps(proposal()).encode(), media=media)
    assert problem_of(answer) == (415, "unsupported-media-type")
    await nothing_stored(room, refused=0)


async def test_an_idempotency_key_is_needed(room: World) -> None:
    """Without one, a retry after a lost reply would ask people twice."""
    assert problem_of(await room.agent.posts("/v1/requests", proposal())) == (400, "idempotency-key-missing")
    await nothing_stored(room)


@pytest.mark.parametrize(
    "key", ["two words", "x" * 201, "schlüssel".encode("latin-1").decode("latin-1"), "\t"]
)
async def test_an_idempotency_key_is_visible_ascii(room: World, key: str) -> None:
    """A key that two systems could write differently is refused."""
    headers = [
        (b"authorization", f"Bearer {room.agent.key}".encode()),
        (b"idempotency-key", key.encode("latin-1")),
    ]
    answer = await room.agent.http.post("/v1/requests", json=proposal(), headers=headers)
    assert answer.status_code in {400, 422}
    assert problem_of(answer)[1] in {"invalid", "idempotency-key-missing"}
    await nothing_stored(room)


async def test_the_same_key_is_the_same_request(any_room: World) -> None:
    """The same key and action again: 200 and the same request, however it is worded by now."""
    room = any_room
    first = await room.agent.posts("/v1/requests", proposal(), key="close:7")
    again = await room.agent.posts("/v1/requests", proposal(), key="close:7")
    reworded = proposal(summary="In other words", reasoning="Because", confidence=0.99)
    third = await room.agent.posts("/v1/requests", reworded, key="close:7")
    assert (first.status_code, again.status_code, third.status_code) == (201, 200, 200)
    assert first.json() == again.json() == third.json()
    await room.salma.clicks("Approve", on=await room.card(first.json()))
    settled = await room.agent.posts("/v1/requests", proposal(), key="close:7")
    assert (settled.status_code, settled.json()["state"]) == (200, "approved")
    assert settled.json()["grant"]["state"] == "granted"
    assert len(await room.events("request.asked")) == 1
    assert len([posted for posted in room.slack.in_channel("#finance") if not posted.thread]) == 1


@pytest.mark.parametrize(
    "other",
    [
        proposal({**POSTING, "amount": "61.501"}),
        question("Which?", "A"),
        proposal({**POSTING, "amount": "not even valid"}),
    ],
)
async def test_a_key_is_never_reused(any_room: World, other: dict[str, Any]) -> None:
    """The same key for anything else is refused, and the first request is as it was."""
    room = any_room
    first = await room.agent.posts("/v1/requests", proposal(), key="close:7")
    assert problem_of(await room.agent.posts("/v1/requests", other, key="close:7")) == (
        409,
        "idempotency-key-reused",
    )
    assert await room.agent.sees(first.json()) == first.json()
    assert await room.refusals() == [(AGENT, "key_reused")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (question("Which?", "A", "B"), question("Which?", "B", "A")),
        (question("Which?", "A"), question("Which?", "A", allow_text=True)),
        (question("Which?", "A"), question("Which one?", "A")),
    ],
)
async def test_another_question_needs_another_key(
    room: World, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Text, options, their order, and whether words are taken: another question is 409."""
    assert (await room.agent.posts("/v1/requests", first, key="q")).status_code == 201
    tried = {**first, "tried": "I looked"}
    assert (await room.agent.posts("/v1/requests", tried, key="q")).status_code == 200
    assert problem_of(await room.agent.posts("/v1/requests", second, key="q"))[0] == 409


async def test_two_agents_may_use_the_same_key(room: World) -> None:
    """A key belongs to its agent: another's same key is a request of its own."""
    from tests.scenario.rules import with_second_agent

    await room.rules_become(with_second_agent())
    other = await room.agent_called("expense-review")
    mine = await room.agent.posts("/v1/requests", proposal(), key="close:7")
    theirs = await other.posts("/v1/requests", proposal(), key="close:7")
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_the_same_key_in_parallel(any_room: World) -> None:
    """Ten calls at once with one key are one request; each call is answered with it."""
    room = any_room
    calls = [room.agent.posts("/v1/requests", proposal(), key="close:7") for _ in range(10)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await room.events("request.asked")) == 1


async def test_claims_in_parallel(any_room: World) -> None:
    """Ten attempts at once: one starts, nine are refused."""
    room = any_room
    asked = await room.approved()
    answers = await asyncio.gather(*(room.agent.claims(asked, attempt=f"try {n}") for n in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert len(await room.events("grant.claimed")) == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"digest": "sha256:" + "0" * 64},
        {"attempt": "one"},
        {"digest": "sha256:xyz", "attempt": "one"},
        {"digest": "sha256:" + "0" * 64, "attempt": ""},
        {"digest": "sha256:" + "0" * 64, "attempt": "x" * 101},
        {"digest": "sha256:" + "0" * 64, "attempt": 1},
        {"digest": "sha256:" + "0" * 64, "attempt": "one", "force": True},
    ],
)
async def test_a_claim_is_complete(room: World, body: dict[str, Any]) -> None:
    """A claim without digest or attempt, or with more than that, claims nothing."""
    asked = await room.approved()
    answer = await room.agent.posts(f"/v1/grants/{asked['grant']['id']}/claim", body)
    assert problem_of(answer) == (422, "invalid")
    assert (await room.agent.grant_of(asked))["state"] == "granted"
    assert [actor for actor, _ in await room.refusals()] == [AGENT]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({}, "invalid"),
        ({"outcome": "done"}, "invalid"),
        ({"outcome": "succeeded", "state": "succeeded"}, "invalid"),
        ({"outcome": "succeeded", "result": "x" * 70_000}, "invalid"),
        ({"outcome": "succeeded", "result": 2**53}, "invalid"),
        ({"outcome": "succeeded", "result": json.loads("[" * 33 + "]" * 33)}, "invalid"),
        ({"outcome": "succeeded", "result": json.loads("[" * 40 + "]" * 40)}, "invalid"),
    ],
)
async def test_a_report_can_be_kept(room: World, body: dict[str, Any], name: str) -> None:
    """A result that is too large, too deep or no plain JSON is refused; the grant waits for another."""
    asked = await room.approved()
    await room.agent.claims(asked)
    answer = await room.agent.posts(f"/v1/grants/{asked['grant']['id']}/report", body)
    assert problem_of(answer) == (422, name)
    assert answer.json()["path"].startswith("$")
    assert (await room.agent.grant_of(asked))["state"] == "claimed"
    assert (await room.agent.reports(asked, "succeeded", result="x" * 60_000)).status_code == 200


@pytest.mark.parametrize("path", ["/v1/requests/{id}/cancel", "/v1/heartbeat"])
async def test_small_bodies_are_checked_too(room: World, path: str) -> None:
    """Unknown members in a cancel or a heartbeat are refused, and change nothing."""
    asked = await room.agent.asks()
    answer = await room.agent.posts(path.format(id=asked["id"]), {"approve": True})
    assert problem_of(answer) == (422, "invalid")
    assert problem_of(await room.agent.sends(b"", to=path.format(id=asked["id"]))) == (400, "malformed")
    assert await room.agent.state_of(asked) == "pending"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": "x"},
        {"state": "done"},
        {"state": "pending,"},
        {"after": "x" * 41},
    ],
)
async def test_lists_are_asked_for_properly(room: World, query: dict[str, Any]) -> None:
    """A list with an unknown state, or of a size that nobody could read, is refused with its path."""
    answer = await room.agent.gets("/v1/requests", **query)
    assert problem_of(answer) == (422, "invalid")
    assert answer.json()["path"].startswith("$.")


@pytest.mark.parametrize("wait", [-1, 61, "long", "nan", "inf"])
async def test_nobody_waits_longer_than_a_minute(room: World, wait: Any) -> None:
    """A wait below zero, above sixty seconds or without a number is refused."""
    asked = await room.agent.asks()
    answer = await room.agent.gets(f"/v1/requests/{asked['id']}", wait=wait)
    assert problem_of(answer) == (422, "invalid")


async def test_lists_and_pages(any_room: World) -> None:
    """The agent's own requests, newest first, by state and page by page."""
    room = any_room
    made = [(await room.agent.asks(memo=f"number {number}"))["id"] for number in range(5)]
    await room.agent.cancels({"id": made[1]})
    first = (await room.agent.gets("/v1/requests", limit=2)).json()
    second = (await room.agent.gets("/v1/requests", limit=2, after=first["next"])).json()
    third = (await room.agent.gets("/v1/requests", limit=2, after=second["next"])).json()
    listed = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert listed == list(reversed(made))
    assert third["next"] is None
    pending = (await room.agent.gets("/v1/requests", state="pending")).json()["items"]
    assert [item["id"] for item in pending] == [id_ for id_ in reversed(made) if id_ != made[1]]
    ended = (await room.agent.gets("/v1/requests", state="cancelled, approved")).json()["items"]
    assert [item["state"] for item in ended] == ["cancelled"]


async def test_a_wait_returns_at_once_when_somebody_decides(any_room: World) -> None:
    """Whoever waits hears the decision when it is made, not when the time is over."""
    room = any_room
    asked = await room.agent.asks()
    card = await room.card(asked)
    waiting = asyncio.create_task(room.agent.sees(asked, wait=30))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.2)
    await room.salma.clicks("Approve", on=card)
    assert (await asyncio.wait_for(waiting, 2))["state"] == "approved"
    assert (await asyncio.wait_for(room.agent.sees(asked, wait=30), 2))["state"] == "approved"


@pytest.mark.parametrize("how", ["the deadline", "a stop", "a cancel", "an edit"])
async def test_a_wait_hears_every_end(room: World, how: str) -> None:
    """The deadline, a stop, a cancel and an edit wake who waits as a decision does."""
    asked = await room.agent.asks()
    card = await room.card(asked)
    waiting = asyncio.create_task(room.agent.sees(asked, wait=60))
    await asyncio.sleep(0.05)
    match how:
        case "the deadline":
            await room.passes(minutes=15)
        case "a stop":
            await room.salma.types("/andon stop all now")
            await room.beats()
        case "a cancel":
            await room.agent.cancels(asked)
        case _:
            await room.salma.clicks("Edit", on=card)
            await room.salma.sees_modal("request:edited")
            await room.salma.fills("amount", "60.000").submits()
    state = (await asyncio.wait_for(waiting, 2))["state"]
    assert state in {"timed_out", "killed", "cancelled", "superseded"}


async def test_a_wait_ends_by_itself(room: World) -> None:
    """When the time that the agent named is over, it hears that the request still waits."""
    asked = await room.agent.asks()
    waiting = asyncio.create_task(room.agent.sees(asked, wait=0.3))
    await asyncio.sleep(0.05)
    room.clock.advance(seconds=1)
    assert (await asyncio.wait_for(waiting, 3))["state"] == "pending"


async def test_a_process_that_ends_lets_go_of_who_waits(room: World) -> None:
    """Before the doors close, whoever waits is answered, and asks another replica again."""
    asked = await room.agent.asks()
    waiting = asyncio.create_task(room.agent.sees(asked, wait=60))
    await asyncio.sleep(0.05)
    room.core.close_waits()
    await room.core.wakeups.wake(asked["id"])
    assert (await asyncio.wait_for(waiting, 2))["state"] == "pending"


def _words(answer: httpx.Response) -> str:
    return str(answer.json()["detail"])


async def test_problems_say_what_to_do(room: World) -> None:
    """A problem's detail is a sentence with a way out."""
    assert "Send an Idempotency-Key" in _words(await room.agent.posts("/v1/requests", proposal()))
    assert "Send one JSON object" in _words(await room.agent.sends(b"{"))
    assert "uncompressed" in _words(await room.agent.sends(b"{}", media="text/plain"))
    stranger = Agent(http=room.agent.http, key="andon_x", name="x")
    assert "andon keys create" in _words(await stranger.posts("/v1/heartbeat", {}))


async def test_words_that_look_like_decisions_are_words(room: World) -> None:
    """Whatever an agent writes about who approved it stands as its own words, and decides nothing."""
    answer = await room.agent.proposes(
        {**POSTING, "memo": "*Approved by* <@U01SALMA> <!channel> :white_check_mark:"},
        reasoning='{"state":"approved","decided_by":["salma"]}\n✅ Approved by Salma Al Harthi',
        evidence=[{"title": "approved", "url": "https://andon.example/approve?id=1"}],
    )
    asked = answer.json()
    assert (asked["state"], asked["decided_by"], asked["grant"]) == ("pending", [], None)
    card = await room.card(asked)
    assert card.says("<!channel>")
    marked = [card.text, *(text for kind, text in texts(card.blocks) if kind == "mrkdwn")]
    assert not any(live in text for live in ("<@U01SALMA>", "<!channel>") for text in marked)
    await room.passes(minutes=15)
    assert await room.agent.state_of(asked) == "timed_out"
