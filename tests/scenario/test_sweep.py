"""From the stop's commit on everything under it has ended, whoever comes round to it and however late."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from escalation.action import Json, decode
from escalation.authority import Terms
from escalation.clock import Clock
from escalation.engine import deadlines as deadlines_module
from escalation.engine import sweeping
from escalation.grant import Claim
from escalation.ids import AgentName, GrantId, RequestId
from escalation.ports import Page, Store
from escalation.reason import Reason, Refused
from escalation.request import Request, State, Words
from escalation.service import deadlines, sweep
from escalation.service.acknowledge import acknowledge
from escalation.service.cancel import cancel
from escalation.service.claim import claim
from escalation.service.context import Click, Core
from escalation.service.decide import Approve, Reject, decide
from escalation.service.edit import edit
from escalation.service.propose import Proposal, Propose, propose
from escalation.service.steps.clerk import by_agent
from escalation.service.steps.draft import record_asked
from escalation.service.stop import Moved, resume, stop
from escalation.store import open_store
from escalation.switch import EVERYTHING, Scope, scope
from tests.harness.databases import Postgres
from tests.harness.fake_faults import Refuses
from tests.scenario.agent import POSTING
from tests.scenario.rules import with_second_agent
from tests.scenario.test_use_cases import POST, SALMA, by
from tests.scenario.world import AGENT, NOON, World, world

KHALID, NADIA = "U02KHALID", "U05NADIA"
#: Long before any deadline.
START = NOON - timedelta(days=1)


class Died(BaseException):  # nobody goes on after it, as if the process had been killed
    """The process is gone."""


def dies_at(core: Core, where: str, *, after: int = 0) -> Core:
    """Return *core* as a process that dies when it comes to *where*, after it passed there *after* times."""
    left = [after]

    def kill(point: str) -> None:
        if point == where:
            left[0] -= 1
            if left[0] < 0:
                raise Died(point)

    return replace(core, kill=kill)


async def pulls(core: Core, what: Scope = EVERYTHING, *, fingerprint: str = "stop", why: str = "odd") -> None:
    """Have Khalid stop *what*."""
    assert isinstance(await stop(core, by(KHALID, fingerprint), what, why), Moved)


async def sweeps(core: Core, *, batch: int = 2) -> None:
    """Sweep to the end, a few at a time."""
    while found := await sweep.unfinished(core):
        for each in found:
            while (await sweep.end_requests(core, each, since=START, batch=batch)).count:
                pass
            while await sweep.revoke_grants(core, each, batch=batch):
                pass
            assert await sweep.finish(core, each)


async def states(room: World) -> set[State]:
    """Return how all requests stand."""
    async with room.store.read() as tx:
        return {request.state for request in await tx.requests.page(Page(limit=999))}


async def counts(room: World) -> list[Json]:
    """Return what the record says that stops ended."""
    return [decode(event.data) for event in await room.events("switch.swept")]


async def crowd(room: World, number: int, *, deadline: datetime | None = None) -> list[RequestId]:
    """Have *number* more requests wait, which nobody was shown."""
    like = await stored(room, await room.agent.asks(memo="one of many"))
    ladder = like.ladder if deadline is None else replace(like.ladder, deadline=deadline)
    many = [
        replace(
            like,
            id=RequestId(f"req_crowd{each:021}"),
            key=None,
            ladder=ladder,
            terms=Terms(approvers=(), quorum=1),
        )
        for each in range(number)
    ]
    async with room.store.write() as tx:
        clerk = by_agent(room.core, tx, like.agent)
        for request in many:
            await clerk.add(request)
            await record_asked(clerk, request)
    return [like.id, *(request.id for request in many)]


async def stored(room: World, asked: dict[str, Any]) -> Request:
    """Return the request as it is stored."""
    async with room.store.read() as tx:
        found = await tx.requests.get(asked["id"])
    assert found is not None
    return found


# --- whoever comes before the sweep -----------------------------------------------------------------------


async def _edits(core: Core, click: Click, request: RequestId) -> object:
    return await edit(core, click, request, {**POSTING, "amount": "10.000"})


async def _approves(core: Core, click: Click, request: RequestId) -> object:
    return await decide(core, click, request, Approve())


async def _rejects(core: Core, click: Click, request: RequestId) -> object:
    return await decide(core, click, request, Reject("No"))


async def _cancels(core: Core, _: Click, request: RequestId) -> object:
    return await cancel(core, AgentName(AGENT), request, "found it")


@pytest.mark.parametrize("late", [_approves, _rejects, _edits, acknowledge, _cancels])
async def test_whoever_is_late_finds_it_killed(
    any_room: World, late: Callable[[Core, Click, RequestId], Awaitable[object]]
) -> None:
    """Each click, and the agent's cancel, that come before the sweep end what the stop covers themselves."""
    room = any_room
    asked = await room.agent.asks()
    await pulls(room.core)
    assert (await stored(room, asked)).state is State.PENDING
    outcome = await late(room.core, by(SALMA), RequestId(asked["id"]))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Reason.ALREADY_SETTLED
    killed = await stored(room, asked)
    assert (killed.state, killed.reason) == (State.KILLED, "stopped by Khalid Al Balushi: odd")
    await sweeps(room.core)
    assert await counts(room) == [{"killed": 1, "late": 0, "revoked": 0}]


async def test_a_late_click_is_told_of_the_stop_and_the_card_follows(any_room: World) -> None:
    """Who clicks Approve a moment after the stop reads how it ended; the card has no button any more."""
    room = any_room
    asked = await room.agent.asks()
    card = await room.card(asked)
    await room.khalid.types("/andon stop all It posts twice")
    await room.salma.clicks("Approve", on=card)
    told = await room.salma.sees("Too late: your click changed nothing", in_="#finance")
    assert told.says("A stop ended it")
    assert told.says("stopped by Khalid Al Balushi: It posts twice")
    assert await room.agent.state_of(asked) == "killed"
    await room.house.listeners.drain()
    assert not card.says("request:approve")


async def test_a_card_that_slack_refuses_under_a_stop_is_no_open_question(room: World) -> None:
    """The courier that gives a card up comes late as well: the request was killed, and is not asked again."""
    asked = await room.agent.asks()
    await pulls(room.core)
    room.slack.fails(POST, Refuses("is_archived"))
    (courier,) = (module for module in room.house.engine.modules if module.name == "outbox")
    await courier.run()
    assert (await stored(room, asked)).state is State.KILLED


async def test_nothing_starts_between_the_stop_and_the_end_of_its_sweep(any_room: World) -> None:
    """With a crowd waiting, proposals, decisions and claims are refused from the stop's commit on."""
    room = any_room
    granted = await room.approved(memo="granted before")
    first = await room.agent.asks(memo="waits")
    await crowd(room, 300)
    await pulls(room.core)
    wish = Propose(
        agent=AgentName(AGENT),
        key="later",
        subject=Proposal(type="ledger.post", arguments=POSTING),
        words=Words(),
    )
    command = Claim(agent=AgentName(AGENT), digest=granted["digest"], attempt="one")
    outcomes = await asyncio.gather(
        propose(room.core, wish),
        decide(room.core, by(SALMA), RequestId(first["id"]), Approve()),
        claim(room.core, GrantId(granted["grant"]["id"]), command),
    )
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, Refused)]
    assert reasons == [Reason.STOPPED, Reason.ALREADY_SETTLED, Reason.STOPPED]
    assert State.PENDING in await states(room)
    await sweeping.module(room.core).run()
    assert await states(room) == {State.KILLED, State.APPROVED}
    assert await counts(room) == [{"killed": 302, "late": 0, "revoked": 1}]
    assert (await room.agent.grant_of(granted))["state"] == "revoked"


@pytest.mark.parametrize(
    ("point", "after"),
    [
        ("sweep:before-commit", 0),
        ("sweep:before-commit", 2),
        ("sweep:committed", 1),
        ("sweep:before-finish", 0),
    ],
)
async def test_a_crash_between_batches_loses_and_doubles_nothing(
    any_room: World, point: str, after: int
) -> None:
    """Whatever process goes on ends each request once, counts each once, and says so once."""
    room = any_room
    await crowd(room, 8)
    await room.approved()
    await pulls(room.core)
    with pytest.raises(Died):
        await sweeps(dies_at(room.core, point, after=after))
    await sweeps(room.core)
    assert await counts(room) == [{"killed": 9, "late": 0, "revoked": 1}]
    assert len(await room.events("request.killed")) == 9
    await room.beats()
    ended = [posted for posted in room.slack.in_channel("#alerts") if posted.says("Ended: all")]
    assert len(ended) == 1


async def test_a_stop_that_died_before_its_commit_stopped_nothing(any_room: World) -> None:
    """Its transaction is whole or not at all; after the commit it holds, whoever heard of it."""
    room = any_room
    waiting = await room.agent.asks()
    with pytest.raises(Died):
        await pulls(dies_at(room.core, "stop:before-commit"))
    assert (await room.agent.is_alive())["may_proceed"] is True
    assert await sweep.unfinished(room.core) == []
    with pytest.raises(Died):
        await pulls(dies_at(room.core, "stop:before-reply"))
    assert (await room.agent.is_alive())["may_proceed"] is False
    await room.beats()
    assert await room.agent.state_of(waiting) == "killed"


async def test_two_replicas_sweep_side_by_side(any_room: World) -> None:
    """Each request is ended by one of them, late clicks in between, and the counts are those of all."""
    room = any_room
    ids = await crowd(room, 60)
    await pulls(room.core)

    async def replica() -> None:
        with suppress(AssertionError):  # the other one held the rest
            await sweeps(room.core, batch=7)

    async def clicks() -> None:
        for number, each in enumerate(ids[::9]):
            await decide(room.core, by(SALMA, f"late {number}"), each, Approve())

    await asyncio.gather(replica(), clicks(), replica(), replica())
    await sweeps(room.core)
    assert await states(room) == {State.KILLED}
    assert await counts(room) == [{"killed": 61, "late": 0, "revoked": 0}]
    assert len(await room.events("request.killed")) == 61


# --- stops, deadlines and other stops ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (timedelta.resolution, State.KILLED),
        (timedelta(0), State.TIMED_OUT),
        (-timedelta.resolution, State.TIMED_OUT),
    ],
)
@pytest.mark.parametrize("who", ["the engine", "a click", "the sweep"])
async def test_what_came_first_counts(any_room: World, before: timedelta, expected: State, who: str) -> None:
    """Noticed after both, by whomever: what was pending when the stop was pulled is killed, and no more."""
    room = any_room
    asked = await room.agent.asks()
    await room.card(asked)
    deadline = (await stored(room, asked)).deadline
    room.clock.at = deadline - before
    await pulls(room.core)
    room.clock.at = deadline + timedelta(minutes=1)
    match who:
        case "the engine":
            await deadlines_module.module(room.core).run()
        case "a click":
            await decide(room.core, by(SALMA), RequestId(asked["id"]), Approve())
        case _:
            await sweeps(room.core)
    assert (await stored(room, asked)).state is expected
    await sweeps(room.core)
    killed = int(expected is State.KILLED)
    assert await counts(room) == [{"killed": killed, "late": 1 - killed, "revoked": 0}]


async def test_the_engine_reminds_nobody_of_what_a_stop_covers(any_room: World) -> None:
    """At half-time, under a stop, the clock kills what waits instead of asking people to hurry."""
    room = any_room
    asked = await room.agent.asks()
    await room.card(asked)
    await pulls(room.core)
    room.clock.at = (await stored(room, asked)).ladder.nudge_at
    assert await deadlines.settle_due(room.core, batch=9) == 1
    assert (await stored(room, asked)).state is State.KILLED
    assert await room.events("request.climbed") == []


async def test_nobody_resumes_before_all_has_ended(any_room: World) -> None:
    """A resume in the middle of the sweep is refused with how far it is; afterwards it goes through."""
    room = any_room
    await crowd(room, 5)
    await pulls(room.core)
    (found,) = await sweep.unfinished(room.core)
    await sweep.end_requests(room.core, found, since=START, batch=2)
    await room.nadia.types("/andon resume all")
    refused = await room.nadia.sees("still ending what waited", in_="@nadia")
    assert refused.says("try again in a moment")
    assert refused.says("2 ended so far")
    assert (await room.agent.is_alive())["may_proceed"] is False
    assert await room.refusals() == [("person:nadia", "still_ending")]
    await sweeps(room.core)
    await room.nadia.types("/andon resume all")
    assert (await room.agent.is_alive())["may_proceed"] is True
    assert await states(room) == {State.KILLED}


async def test_a_stop_within_a_stop(any_room: World) -> None:
    """A narrower stop during the sweep of a wider one: each request ends once, by the first of them."""
    room = any_room
    agent = scope(f"agent:{AGENT}")
    waiting = await room.agent.asks()
    await crowd(room, 5)
    await pulls(room.core, why="wide")
    room.clock.advance(seconds=1)
    await pulls(room.core, agent, fingerprint="narrow", why="narrow")
    narrow, wide = await sweep.unfinished(room.core)
    assert (narrow.scope, wide.scope) == (agent, EVERYTHING)
    await sweep.end_requests(room.core, narrow, since=START, batch=3)
    assert not await sweep.finish(room.core, narrow)
    assert not await sweep.finish(room.core, wide)
    assert isinstance(await resume(room.core, by(NADIA, "1"), agent), Refused)
    await sweeps(room.core)
    assert (await stored(room, waiting)).reason == "stopped by Khalid Al Balushi: wide"
    assert sorted(map(str, await counts(room))) == sorted(
        map(str, [{"killed": 0, "late": 0, "revoked": 0}, {"killed": 7, "late": 0, "revoked": 0}])
    )


async def test_a_stop_after_a_resume_sweeps_anew(any_room: World) -> None:
    """The second stop of a scope ends what was asked in between, and counts from nothing."""
    room = any_room
    await room.agent.asks()
    await pulls(room.core)
    await sweeps(room.core)
    assert isinstance(await resume(room.core, by(NADIA, "go on"), EVERYTHING), Moved)
    asked = await room.agent.asks(memo="in between")
    assert (await stored(room, asked)).state is State.PENDING
    await pulls(room.core, fingerprint="again")
    await sweeps(room.core)
    assert (await stored(room, asked)).state is State.KILLED
    assert await counts(room) == [{"killed": 1, "late": 0, "revoked": 0}] * 2


async def test_others_go_on_during_a_sweep(any_room: World) -> None:
    """What a stop does not cover is asked, decided and claimed as ever, and is not swept."""
    room = any_room
    await room.rules_become(with_second_agent())
    wondered = await room.agent.wonders("Whose?", "Al Wadi")
    approved = await room.approved()
    await pulls(room.core, scope("function:travel"))
    assert (await room.agent.claims(approved)).status_code == 200
    await sweeps(room.core)
    assert await room.agent.state_of(wondered) == "pending"
    assert (await room.agent.asks(memo="new"))["state"] == "pending"
    assert await counts(room) == [{"killed": 0, "late": 0, "revoked": 0}]


async def test_no_circle_leads_through_a_stop(postgres: Postgres, database: str) -> None:
    """Two replicas decide, edit, claim, cancel, stop, sweep and resume at once: no deadlock and no error."""

    def store(clock: Clock) -> Store:
        return open_store(postgres.url_of(database), clock)

    async with world(store=store) as room:
        replicas = (room.core, replace(room.core, store=store(room.clock)))
        granted = [await room.approved(memo=f"granted {number}") for number in range(4)]
        ids = await crowd(room, 40)
        for again in range(2):
            calls = [
                call
                for number, each in enumerate(ids)
                for core in replicas
                for call in _touches(core, each, f"{again} {number} {core is room.core}")
            ]
            claims = [claim(core, *_claims(each)) for each in granted for core in replicas]
            stops = [_stops_and_resumes(core, f"{again} {core is room.core}") for core in replicas]
            ended = [deadlines.settle_due(core, batch=9) for core in replicas]
            await asyncio.gather(*calls, *claims, *stops, *ended)
        await sweeps(room.core)
        await replicas[1].store.close()
        [(deadlocks,)] = await postgres.execute(
            f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{database}'"  # noqa: S608
        )
        assert deadlocks == 0


async def test_a_click_that_queues_behind_a_stop_holds_nothing(postgres: Postgres, database: str) -> None:
    """Switches before requests: who waits for a stop keeps no row from those whom the stop waits for."""
    async with world(store=lambda clock: open_store(postgres.url_of(database), clock)) as room:
        asked = await room.agent.asks()
        late = (
            decide(room.core, by(SALMA, "1"), RequestId(asked["id"]), Approve()),
            cancel(room.core, AgentName(AGENT), RequestId(asked["id"]), "found it"),
            _edits(room.core, by(SALMA, "2"), RequestId(asked["id"])),
        )
        async with room.store.write() as before:
            await before.switches.share_stopped()
            stopping = asyncio.create_task(pulls(room.core))
            assert (await asyncio.wait({stopping}, timeout=0.15))[1]
            waiting = [asyncio.ensure_future(each) for each in late]
            assert len((await asyncio.wait(waiting, timeout=0.15))[1]) == len(late)
            found = await before.requests.lock_pending(EVERYTHING, since=START, limit=9)
            assert [each.id for each in found] == [asked["id"]]
        await stopping
        for outcome in await asyncio.gather(*waiting):
            assert isinstance(outcome, Refused)


def _touches(core: Core, request: RequestId, mark: str) -> list[Awaitable[object]]:
    salma, khalid = by(SALMA, f"salma {mark}"), by(KHALID, f"khalid {mark}")
    return [
        decide(core, salma, request, Approve()),
        acknowledge(core, khalid, request),
        _edits(core, by(SALMA, f"edit {mark}"), request),
        cancel(core, AgentName(AGENT), request, "found it"),
    ]


def _claims(granted: dict[str, Any]) -> tuple[GrantId, Claim]:
    command = Claim(agent=AgentName(AGENT), digest=granted["digest"], attempt="one")
    return GrantId(granted["grant"]["id"]), command


async def _stops_and_resumes(core: Core, mark: str) -> None:
    agent = scope(f"agent:{AGENT}")
    for what in (agent, EVERYTHING):
        await stop(core, by(KHALID, f"stop {what} {mark}"), what, "odd")
        await sweeping.module(core).run()
        await resume(core, by(NADIA, f"resume {what} {mark}"), what)
