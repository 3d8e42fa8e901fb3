"""Home, queue and status look at all that is pending, however much of it is other people's."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from escalation.authority import Terms
from escalation.configuration import Configuration
from escalation.ids import AgentName, PersonId, RequestId, Ulids
from escalation.ports import Card
from escalation.request import Request
from escalation.service import queries
from escalation.service.context import Core
from escalation.wakeups.local import LocalWakeups
from tests.contract import samples
from tests.contract.samples import MovableClock
from tests.scenario.conftest import OpenStore
from tests.scenario.rules import ANDON, MANIFEST, Change, changed, shipped
from tests.scenario.world import World

OTHERS = 5_000
SALMA, NADIA, MARYAM = PersonId("salma"), PersonId("nadia"), PersonId("maryam")
AGENT = AgentName("bank-reconciliation")
MANAGERS, DIRECTORS = ("finance-managers",), ("directors",)
NEW_OWNER = Change(MANIFEST, "owner: nadia", "owner: salma")
NADIA_TOO = Change(
    ANDON, "finance-managers: {members: [salma, khalid]", "finance-managers: {members: [salma, nadia]"
)


@dataclass(slots=True)
class Rules:
    """What is in force."""

    now: Configuration


@asynccontextmanager
async def opened(any_store: OpenStore, rules: Rules) -> AsyncIterator[Core]:
    """Open a core in which *rules* are in force, over an empty store."""
    clock = MovableClock()
    store = any_store(clock)
    try:
        yield Core(store=store, ids=Ulids(clock), wakeups=LocalWakeups(), configuration=lambda: rules.now)
    finally:
        await store.close()


def asked(name: str, approvers: tuple[str, ...], *, minutes: int = 0, owner: str = "nadia") -> Request:
    """Return a pending request to *approvers* under the rules that are shipped."""
    made = samples.request(name, agent=AGENT, asked_at=samples.NOON + timedelta(minutes=minutes))
    ruling = replace(made.ruling, version=shipped().configuration.version)
    terms = Terms(approvers=approvers, quorum=1)
    return replace(made, terms=terms, owner=PersonId(owner), ruling=ruling)


async def store_all(core: Core, *requests: Request) -> None:
    async with core.store.write() as tx:
        for request in requests:
            await tx.requests.add(request)


async def seen(core: Core, who: PersonId, limit: int = 15) -> tuple[list[str], bool]:
    """Return the ids of what *who* may decide, as their queue lists it, and whether there is more."""
    async with asyncio.timeout(5):
        found = await queries.queue(core, who, limit=limit)
    return [about.request.id for about in found.shown], found.more


async def test_mine_are_shown_behind_five_thousand_of_others(any_store: OpenStore) -> None:
    """What is due sooner for others hides nothing; mine come by their deadline, with their cards."""
    async with opened(any_store, Rules(shipped().configuration)) as core:
        await store_all(core, *(asked(f"o{number:04}", DIRECTORS) for number in range(OTHERS)))
        mine = [asked(name, names, minutes=1) for name, names in (("a", MANAGERS), ("b", ("finance",)))]
        await store_all(core, *mine, asked("c", MANAGERS, minutes=2))
        card = Card(request=RequestId("req_b"), channel="C01FINANCE", ts="1.0")
        async with core.store.write() as tx:
            await tx.cards.put(card)
        assert await seen(core, SALMA) == (["req_a", "req_b", "req_c"], False)
        assert await seen(core, SALMA, limit=2) == (["req_a", "req_b"], True)
        assert await seen(core, SALMA, limit=3) == (["req_a", "req_b", "req_c"], False)
        shown = (await queries.queue(core, SALMA, limit=15)).shown
        assert [about.card for about in shown] == [None, card, None]
        assert await seen(core, MARYAM) == ([f"req_o{number:04}" for number in range(15)], True)
        assert await queries.waiting(core) == {AGENT: OTHERS + 3}


async def test_what_i_own_hides_nothing_of_what_i_may_decide(any_store: OpenStore) -> None:
    """Nadia is in the team that is asked, and owns the agent that asks five thousand times."""
    async with opened(any_store, Rules(changed(NADIA_TOO).configuration)) as core:
        await store_all(core, *(asked(f"o{number:04}", MANAGERS) for number in range(OTHERS)))
        # An agent that is not configured: what it asked can still be rejected, by Nadia too.
        other = replace(asked("z", MANAGERS, minutes=1, owner="maryam"), agent=AgentName("other"))
        await store_all(core, other)
        assert await seen(core, NADIA) == (["req_z"], False)


async def test_a_request_of_older_rules_is_still_found(any_store: OpenStore) -> None:
    """Asked of a list that no rule names any more, it is found by whoever is in that list."""
    async with opened(any_store, Rules(shipped().configuration)) as core:
        await store_all(core, asked("old", ("salma", "directors")), asked("new", MANAGERS, minutes=1))
        assert await seen(core, SALMA) == (["req_old", "req_new"], False)
        assert await seen(core, PersonId("yusuf")) == (["req_old"], False)
        assert await seen(core, NADIA) == ([], False)


async def test_looking_ends_and_says_so(any_store: OpenStore) -> None:
    """Thousands were mine by the rules of then and are not by today's: it gives up, and does not deny."""
    rules = Rules(shipped().configuration)
    async with opened(any_store, rules) as core:
        await store_all(core, *(asked(f"o{number:04}", MANAGERS) for number in range(2_500)))
        assert (await seen(core, SALMA))[1]
        rules.now = changed(NEW_OWNER).configuration
        assert await seen(core, SALMA) == ([], True)


async def test_looking_goes_on_behind_what_is_not_mine_any_more(any_store: OpenStore) -> None:
    """Hundreds that are others' by today's rules are due sooner; the one behind them is found."""
    rules = Rules(changed(NEW_OWNER).configuration)
    async with opened(any_store, rules) as core:
        await store_all(core, *(asked(f"o{number:03}", MANAGERS) for number in range(250)))
        await store_all(core, replace(asked("z", MANAGERS, minutes=1), agent=AgentName("other")))
        assert await seen(core, SALMA) == (["req_z"], False)


async def test_lists_say_that_there_is_more(room: World) -> None:
    """Twenty-one wait: Home and queue show what fits and say that more does; status counts them all."""
    for number in range(21):
        await room.agent.asks(memo=f"number {number}")
    await room.salma.opens_home()
    for line in ("/andon queue", "/andon status"):
        await room.salma.types(line)
    await room.beats()
    assert json.dumps(room.salma.home).count("Open to decide") == 15
    assert "More waits for you in the channels." in json.dumps(room.salma.home)
    told = [posted for posted in room.slack.messages if posted.only_for]
    assert any(posted.text.startswith("More than 20 requests wait.") for posted in told)
    assert any("21 requests wait" in posted.text for posted in told)


async def test_a_page_comes_with_its_grants(any_room: World) -> None:
    """The agent's list has each request's own grant, newest first."""
    room = any_room
    done = [await room.approved(statement_ref=f"FT{number}") for number in range(3)]
    await room.agent.asks()
    answer = await room.agent.http.get("/v1/requests", headers=room.agent.headers)
    grants = [item["grant"] and item["grant"]["id"] for item in answer.json()["items"]]
    assert grants == [None, *(request["grant"]["id"] for request in reversed(done))]
