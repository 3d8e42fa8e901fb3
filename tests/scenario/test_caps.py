"""People are asked no more than they can bear: what goes over a cap is refused, on the record, for later."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from escalation.action import decode
from escalation.configuration import Caps
from escalation.errors import StoreError
from escalation.service import refusals
from escalation.service.tallies import LISTED, Headroom
from tests.scenario.agent import LARGE, POSTING, SMALL
from tests.scenario.conftest import OpenStore
from tests.scenario.rules import ANDON, MANIFEST, Change, changed, with_second_agent
from tests.scenario.world import NOON, World, world


def caps(**limits: int) -> Change:
    written = ", ".join(f"{name}: {limit}" for name, limit in limits.items())
    return Change(
        ANDON, "alerts: {channel: C03ALERTS}", f"alerts: {{channel: C03ALERTS}}\ncaps: {{{written}}}"
    )


def refused(answer: httpx.Response) -> dict[str, Any]:
    """Return the problem that *answer* is: over a cap, with the seconds after which to come again."""
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (429, "urn:andon:problem:over-cap")
    assert int(answer.headers["Retry-After"]) >= 1
    return dict(problem)


async def test_an_agent_asks_no_more_than_its_cap(any_store: OpenStore) -> None:
    """The third pending ask is refused and stored nowhere; once one is decided it goes through."""
    async with world(store=any_store, loaded=changed(caps(pending_per_agent=2))) as room:
        first = await room.agent.asks(key="a")
        await room.agent.asks(key="b")
        problem = refused(await room.agent.proposes(POSTING, key="c"))
        assert "waiting requests of bank-reconciliation: 2, which is the cap" in problem["detail"]
        assert await room.refusals() == [("agent:bank-reconciliation", "over_cap")]
        assert (await room.agent.asks(key="a"))["id"] == first["id"]
        await room.salma.clicks("Approve", on=await room.card(first))
        assert (await room.agent.proposes(POSTING, key="c")).status_code == 201


async def test_what_a_rule_settles_is_no_ask() -> None:
    """Over the cap, a small posting that a rule allows by itself still goes through."""
    async with world(loaded=changed(caps(pending_per_agent=1))) as room:
        await room.agent.asks()
        refused(await room.agent.proposes(POSTING))
        allowed = await room.agent.proposes({**POSTING, **SMALL}, confidence=0.99)
        assert (allowed.status_code, allowed.json()["state"]) == (201, "approved")


async def test_a_channel_takes_no_more_than_its_cap(any_store: OpenStore) -> None:
    """Two channels are counted apart: the full one refuses, and questions count like proposals."""
    async with world(store=any_store, loaded=changed(caps(pending_per_channel=2))) as room:
        await room.agent.asks()
        await room.agent.wonders("Whose?", "A", "B")
        problem = refused(await room.agent.proposes(POSTING))
        assert "waiting requests in C01FINANCE: 2, which is the cap" in problem["detail"]
        assert (await room.agent.proposes({**POSTING, **LARGE})).status_code == 201


async def test_a_person_is_asked_no_more_than_so_often_an_hour(any_store: OpenStore) -> None:
    """Decided or not, asks count for an hour, to the microsecond; another team is not meant."""
    async with world(store=any_store, loaded=changed(caps(asks_per_person_and_hour=2))) as room:
        first = await room.agent.asks()
        await room.salma.clicks("Approve", on=await room.card(first))
        room.clock.advance(minutes=10)
        await room.agent.asks()
        answer = await room.agent.proposes(POSTING)
        assert " within an hour: 2, which is the cap" in refused(answer)["detail"]
        assert answer.headers["Retry-After"] == "3000"
        assert (await room.agent.proposes({**POSTING, **LARGE})).status_code == 201
        await room.passes(minutes=50, microseconds=-1)
        refused(await room.agent.proposes(POSTING))
        await room.passes(microseconds=1)
        assert (await room.agent.proposes(POSTING)).status_code == 201


async def test_people_are_counted_over_all_their_teams() -> None:
    """Salma is asked by name for one agent and by her team for another: both count for her."""
    by_name = Change(MANIFEST, "questions: {approvers: [finance]", "questions: {approvers: [salma]")
    async with world(loaded=changed(caps(asks_per_person_and_hour=1), by_name)) as room:
        await room.agent.wonders("Whose?", "A", "B")
        assert "asks to salma within an hour: 1" in refused(await room.agent.proposes(POSTING))["detail"]


async def test_room_under_one_list_is_no_room_under_another() -> None:
    """What was left for a team when it was counted is no excuse once its member was asked by name."""
    by_name = Change(MANIFEST, "questions: {approvers: [finance]", "questions: {approvers: [salma]")
    async with world(loaded=changed(caps(asks_per_person_and_hour=9), by_name)) as room:
        assert (await room.agent.proposes(POSTING)).status_code == 201
        for number in range(8):
            await room.agent.wonders(f"Whose is {number}?", "A", "B")
        assert "asks to salma within an hour: 9" in refused(await room.agent.proposes(POSTING))["detail"]


async def test_agents_are_counted_apart() -> None:
    """One agent at its cap takes nothing from another."""
    loaded = with_second_agent()
    tight = replace(loaded.configuration, caps=Caps(pending_per_agent=1))
    async with world(loaded=replace(loaded, configuration=tight)) as room:
        other = await room.agent_called("expense-review")
        await room.agent.asks()
        refused(await room.agent.proposes(POSTING))
        assert (await other.proposes(POSTING)).status_code == 201


async def test_many_at_once_go_over_by_no_more_than_are_under_way(any_store: OpenStore) -> None:
    """Twenty calls at the same moment under a cap of five: at least five are taken, and then none is."""
    async with world(store=any_store, loaded=changed(caps(pending_per_agent=5))) as room:
        answers = await asyncio.gather(*(room.agent.proposes(POSTING) for _ in range(20)))
        taken = [answer for answer in answers if answer.status_code == 201]
        assert len(taken) >= 5
        assert all(answer.status_code in {201, 429} for answer in answers)
        refused(await room.agent.proposes(POSTING))


def test_far_below_a_cap_nearly_nothing_is_counted() -> None:
    """One call in a hundred counts; at the cap every call does, and after five seconds one does anyhow."""
    headroom = Headroom()
    assert not headroom.take(("agent:a",), NOON)
    headroom.counted("agent:a", NOON, free=1000)
    assert sum(headroom.take(("agent:a",), NOON) for _ in range(1000)) == 124
    headroom.counted("agent:a", NOON, free=1)
    assert not headroom.take(("agent:a",), NOON)


@pytest.mark.parametrize("processes", [1, 2, 8])
def test_processes_that_count_at_once_stay_within_the_cap(processes: int) -> None:
    """Up to eight of them let in what is left between them, and not one more."""
    for free in (1, 7, 8, 9, 100, 1001):
        counted = [Headroom() for _ in range(processes)]
        for headroom in counted:
            headroom.counted("agent:a", NOON, free=free)
        more = sum(headroom.take(("agent:a",), NOON) for headroom in counted for _ in range(free))
        assert more <= free - 1


async def test_a_flood_of_refused_calls_is_a_handful_of_events(any_store: OpenStore) -> None:
    """The first ten of a kind are listed, the rest counted once a minute; another kind begins anew."""
    async with world(store=any_store, loaded=changed(caps(pending_per_agent=1))) as room:
        await room.agent.asks()
        for _ in range(120):
            refused(await room.agent.proposes(POSTING))
        for _ in range(30):
            assert (await room.agent.sends(b"{")).status_code == 400
        assert len(await room.events("ingress.refused")) == 2 * LISTED
        await room.beats()
        often = [decode(event.data) for event in await room.events("ingress.refused_often")]
        assert often == [
            {"what": "propose", "reason": "over_cap", "calls": 120},
            {"what": "POST /v1/requests", "reason": "malformed", "calls": 30},
        ]
        refused(await room.agent.proposes(POSTING))
        await room.beats()
        assert len(await room.events("ingress.refused")) == 2 * LISTED + 1
        assert len(await room.events("ingress.refused_often")) == 2


async def test_no_path_makes_a_kind_of_its_own() -> None:
    """What an agent writes into the path of a refused call does not begin a new count."""
    async with world() as room:
        for number in range(30):
            answer = await room.agent.posts(f"/v1/requests/req_{number}/cancel", [])
            assert answer.status_code == 422
        assert len(await room.events("ingress.refused")) == LISTED


async def test_counts_are_kept_while_the_database_is_away(shaky_room: World) -> None:
    """A summary that could not be written is written by the next minute."""
    room = shaky_room
    for _ in range(LISTED + 5):
        await room.agent.sends(b"{")
    store: Any = room.store
    with store.goes_away(), pytest.raises(StoreError):
        await refusals.summarise(room.core)
    assert await refusals.summarise(room.core) == 1
    [often] = await room.events("ingress.refused_often")
    assert decode(often.data) == {"what": "POST /v1/requests", "reason": "malformed", "calls": LISTED + 5}
