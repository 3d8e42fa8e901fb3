"""While an attempt gives signs of life its claim is its own; other processes wait for its report."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from andon import Andon, OutcomeUnknown
from escalation.grant import HEARTBEAT, LEASE
from escalation.ids import GrantId
from tests.scenario.agent import CONFIDENT, POSTING, SMALL, problem_of
from tests.scenario.world import World

TICK_SECONDS = 0.000001


async def test_a_report_ends_the_wait(any_room: World) -> None:
    """Who looks at a held claim waits, and reads the outcome and its result as soon as it is reported."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked)
    looking = asyncio.create_task(looks(room, asked, wait=30))
    assert await asyncio.wait({looking}, timeout=0.3) == (set(), {looking})
    await room.agent.reports(asked, "succeeded", result={"entry": 7}, attempt="one")
    async with asyncio.timeout(4):  # well before it would have looked again by itself
        standing = (await looking).json()
    assert (standing["grant"]["state"], standing["grant"]["result"]) == ("succeeded", {"entry": 7})


async def test_nobody_waits_for_what_is_not_held(room: World) -> None:
    """What is not claimed, or was claimed and left alone for its lease, is returned at once."""
    asked = await room.approved()
    assert (await looks(room, asked, wait=60)).json()["grant"]["state"] == "granted"
    await room.agent.claims(asked)
    room.clock.at += LEASE
    standing = (await looks(room, asked, wait=60)).json()
    assert standing["grant"]["state"] == "claimed"
    assert standing["grant"]["lease_until"] == standing["server_time"]


async def test_heartbeats_hold_a_claim(any_room: World) -> None:
    """As long as they come no other attempt may say unknown, and only the one that claimed sends them."""
    room = any_room
    asked = await room.approved()
    assert problem_of(await beats(room, asked)) == (409, "not-claimed")
    claimed = (await room.agent.claims(asked)).json()
    assert claimed["heartbeat_seconds"] == HEARTBEAT.total_seconds()
    for _ in range(6):
        room.clock.at += HEARTBEAT
        assert (await beats(room, asked)).status_code == 200
    assert problem_of(await beats(room, asked, attempt="two")) == (409, "grant-claimed")
    for outcome in ("unknown", "succeeded", "failed"):
        answer = await room.agent.reports(asked, outcome, attempt="two")
        assert problem_of(answer) == (409, "grant-claimed")
    assert (await room.agent.grant_of(asked))["state"] == "claimed"
    assert (await room.agent.reports(asked, "succeeded", attempt="one")).status_code == 200
    assert problem_of(await beats(room, asked)) == (409, "grant-claimed")


async def test_a_claim_left_alone_may_be_given_up(any_room: World) -> None:
    """At the end of the lease, and not before, another attempt says unknown, and a person is asked."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked)
    room.clock.advance(seconds=LEASE.total_seconds() - TICK_SECONDS)
    assert problem_of(await room.agent.reports(asked, "unknown", attempt="two")) == (409, "grant-claimed")
    room.clock.advance(seconds=TICK_SECONDS)
    assert problem_of(await room.agent.reports(asked, "failed", attempt="two")) == (409, "grant-claimed")
    assert (await room.agent.reports(asked, "unknown", attempt="two")).status_code == 200
    await room.beats()
    await room.nadia.sees("Outcome unknown", in_="@nadia")
    assert problem_of(await beats(room, asked)) == (409, "awaiting-person")


async def test_a_heartbeat_does_not_put_off_the_time_to_report(any_room: World) -> None:
    """Ten minutes after the claim a person is asked, however alive the attempt is."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.passes(minutes=9, seconds=59)
    assert (await beats(room, asked)).status_code == 200
    assert (await room.agent.grant_of(asked))["state"] == "claimed"
    await room.passes(seconds=1)
    assert (await room.agent.grant_of(asked))["state"] == "unknown"


async def test_many_heartbeats_are_few_writes(any_room: World) -> None:
    """However often they come, a lease is written at most twice a heartbeat, and nothing on the record."""
    room = any_room
    asked = await room.approved()
    await room.agent.claims(asked)
    before, events = await version(room, asked), len(await room.events())
    for _ in range(40):
        room.clock.at += HEARTBEAT / 20
        assert (await beats(room, asked)).status_code == 200
    assert await version(room, asked) == before + 4
    assert len(await room.events()) == events


async def test_a_claim_asked_for_again_is_held_again(room: World) -> None:
    """The attempt whose reply was lost has a whole lease when it starts."""
    asked = await room.approved()
    await room.agent.claims(asked)
    room.clock.at += LEASE
    assert (await room.agent.claims(asked)).status_code == 200
    room.clock.advance(seconds=LEASE.total_seconds() - TICK_SECONDS)
    assert problem_of(await room.agent.reports(asked, "unknown", attempt="two")) == (409, "grant-claimed")


async def test_two_replicas_of_an_agent_run_an_effect_once(any_room: World) -> None:
    """Through the SDK, the second waits for the first and returns what it returned."""
    room = any_room
    first, second = replica(room), replica(room)
    began, go_on, ran = asyncio.Event(), asyncio.Event(), []

    async def effect(amount: str) -> str:
        ran.append(amount)
        began.set()
        await go_on.wait()
        return f"entry {len(ran)}"

    leading = asyncio.create_task(posts(first, effect))
    await began.wait()
    following = asyncio.create_task(posts(second, effect))
    assert await asyncio.wait({following}, timeout=0.3) == (set(), {following})
    go_on.set()
    async with asyncio.timeout(8):
        assert set(await asyncio.gather(leading, following)) == {"entry 1"}
    assert ran == [SMALL["amount"]]
    await first.aclose()
    await second.aclose()


async def test_a_replica_that_died_leaves_it_to_people(room: World) -> None:
    """Through the SDK, who finds the claim of a process that died runs nothing, and people are asked."""
    asked = await room.agent.asks(confidence=CONFIDENT, **SMALL, key="close-2026-10:fee")
    await room.agent.claims(asked)
    room.clock.at += LEASE

    async def effect(amount: str) -> str:
        raise AssertionError(amount)

    andon = replica(room)
    with pytest.raises(OutcomeUnknown):
        await posts(andon, effect)
    assert (await room.agent.grant_of(asked))["state"] == "unknown"
    await andon.aclose()


async def looks(room: World, asked: Mapping[str, Any], *, wait: float = 0) -> httpx.Response:
    """Read the grant of *asked*, waiting for the report."""
    answer = await room.agent.gets(f"/v1/grants/{asked['grant']['id']}", wait=wait)
    assert answer.status_code == 200, answer.text
    return answer


async def beats(room: World, asked: Mapping[str, Any], *, attempt: str = "one") -> httpx.Response:
    """Send a heartbeat of *attempt*."""
    return await room.agent.posts(f"/v1/grants/{asked['grant']['id']}/heartbeat", {"attempt": attempt})


async def version(room: World, asked: Mapping[str, Any]) -> int:
    """Return how often the grant's row was written."""
    async with room.store.read() as tx:
        grant = await tx.grants.get(GrantId(asked["grant"]["id"]))
    assert grant is not None
    return grant.version


def replica(room: World) -> Andon:
    """Return the SDK of one more process of the agent, in the same run."""
    transport = httpx.ASGITransport(room.house.web)
    return Andon("http://andon", room.agent.key, workflow="close-2026-10", transport=transport)


async def posts(andon: Andon, effect: Callable[[str], Awaitable[str]]) -> str:
    """Post a small entry, which a rule allows alone, with *effect*."""

    @andon.gated("ledger.post")
    async def post(
        *,
        kind: str,
        account: str,
        side: str,
        against: str,
        amount: str,
        currency: str,
        memo: str,
        booking_date: str,
        value_date: str,
        statement_ref: str,
        ledger_ref: str,
        instructed: str,
    ) -> str:
        """Post what is missing."""
        return await effect(amount)

    return await post.asking(key="fee", confidence=CONFIDENT)(**{**POSTING, **SMALL})


async def test_refused_heartbeats_are_counted(room: World) -> None:
    """An agent that holds nothing and beats on is a handful of events, not one a beat."""
    asked = await room.approved()
    for _ in range(30):
        assert (await beats(room, asked)).status_code == 409
    assert len(await room.events("ingress.refused")) == 10
