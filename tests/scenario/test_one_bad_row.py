"""One bad row is one bad row: set aside with an alarm, while everything else goes on, until its repair."""

from collections.abc import AsyncIterator

import pytest

from escalation.errors import StoreError, Unreadable
from escalation.ids import RequestId
from escalation.ladder import Rung
from escalation.ports import Step
from escalation.service import deadlines, doctor, seal
from escalation.verification import Verified
from tests.harness.vandal import Vandal
from tests.scenario.agent import problem_of
from tests.scenario.conftest import OpenStore
from tests.scenario.world import World, world

#: Over what keeps rows that can be broken.
ON_DISK = pytest.mark.parametrize("any_store", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
async def bad_room(any_store: OpenStore) -> AsyncIterator[World]:
    """A bot over each store, in which something is expected to be set aside."""
    async with world(store=any_store) as room:
        room.expected |= {"row_set_aside", "row_not_settled"}
        yield room


def alarms(room: World) -> list[str]:
    """Return what the alerts channel was told about rows that are set aside."""
    return [posted.text for posted in room.slack.in_channel("#alerts") if posted.says("Set aside")]


async def set_aside(room: World) -> list[tuple[str, str]]:
    """Return what is set aside: table and key."""
    return [(each.kind, each.id) for each in (await doctor.findings(room.core, limit=100)).aside]


@ON_DISK
async def test_of_fifty_deadlines_one_is_broken(bad_room: World) -> None:
    """49 of 50 requests time out when they are due; the one that cannot be read is one alarm."""
    room, vandal = bad_room, Vandal(bad_room.store)
    asked = [await room.agent.asks(memo=f"Number {number}") for number in range(50)]
    await room.beats()
    bad = asked[7]
    await vandal.sets("requests", "words", "'x' || words", of=bad["id"])
    await room.passes(hours=24)
    states = [await room.agent.state_of(each) for each in asked if each is not bad]
    assert states == ["timed_out"] * 49
    assert await set_aside(room) == [("requests", bad["id"])]
    await room.beats()
    [alarm] = alarms(room)
    assert bad["id"] in alarm
    assert "words is not JSON" in alarm
    # It is in nobody's way: nothing is aimed at, and a beat later there is no second alarm.
    assert (await deadlines.due(room.core)).requests_in is None
    await room.passes(hours=1)
    assert len(alarms(room)) == 1

    with pytest.raises(Unreadable, match="words is not JSON"):
        await doctor.release(room.core, bad["id"])
    assert await set_aside(room) == [("requests", bad["id"])]
    await vandal.sets("requests", "words", "substr(words, 2)", of=bad["id"])
    [released] = await doctor.release(room.core, bad["id"])
    assert (released.kind, released.id) == ("requests", bad["id"])
    await room.passes(minutes=1)
    assert await room.agent.state_of(bad) == "timed_out"
    told = [event.name.value for event in await room.events() if event.subject == bad["id"]]
    assert told[-3:] == ["row.set_aside", "request.timed_out", "row.released"]
    assert told.count("request.timed_out") == 1
    assert (await room.card(bad)).says("Timed out")
    assert await doctor.release(room.core, bad["id"]) == []


@ON_DISK
async def test_nobody_decides_what_cannot_be_read(bad_room: World) -> None:
    """Whoever clicks, asks or cancels is told plainly; it is never a yes, and a stop of everything works."""
    room, vandal = bad_room, Vandal(bad_room.store)
    room.expected |= {"listener_failed"}
    bad, other = await room.agent.asks(), await room.agent.asks(memo="Another")
    card = await room.card(bad)
    await vandal.sets("requests", "state", "'waived'", of=bad["id"])
    assert (await room.salma.clicks("Approve", on=card)).status == 200
    await room.salma.sees("This did not count", in_="#finance")
    assert problem_of(await room.agent.gets(f"/v1/requests/{bad['id']}")) == (500, "unreadable")
    assert problem_of(await room.agent.cancels(bad)) == (500, "unreadable")
    assert [each["id"] for each in (await room.agent.gets("/v1/requests")).json()["items"]] == [other["id"]]
    assert (await room.salma.types("/andon stop all It is odd")).status == 200
    await room.beats()
    assert await room.agent.state_of(other) == "killed"
    await vandal.sets("requests", "state", "'pending'", of=bad["id"])
    # Mended, but not released: nobody looked at it yet.
    assert (await room.salma.clicks("Approve", on=card)).status == 200
    assert problem_of(await room.agent.gets(f"/v1/requests/{bad['id']}")) == (500, "unreadable")
    await doctor.release(room.core, bad["id"])
    # The stop that it slept through ends it now.
    await room.beats()
    assert await room.agent.state_of(bad) == "killed"


@ON_DISK
async def test_a_sweep_does_not_wait_for_what_is_set_aside(bad_room: World) -> None:
    """A stop is finished and let go of although a request under it cannot be read; its release ends that."""
    room, vandal = bad_room, Vandal(bad_room.store)
    bad, other = await room.agent.asks(), await room.agent.asks(memo="Another")
    unused = await room.approved(memo="Unused")
    grant = (await room.agent.grant_of(unused))["id"]
    await room.beats()
    await vandal.sets("requests", "words", "'x' || words", of=bad["id"])
    await vandal.sets("grants", "lease_until", vandal.never, of=grant)
    await room.salma.types("/andon stop all It is odd")
    await room.passes(seconds=2)
    assert await room.agent.state_of(other) == "killed"
    assert set(await set_aside(room)) == {("requests", bad["id"]), ("grants", grant)}
    async with room.store.read() as tx:
        assert await tx.sweeps.unfinished(9) == []
    await room.nadia.types("/andon resume all")
    async with room.store.read() as tx:
        assert await tx.switches.stopped() == []
    await room.salma.types("/andon stop all It is still odd")
    await room.passes(seconds=2)
    await vandal.sets("requests", "words", "substr(words, 2)", of=bad["id"])
    await vandal.sets("grants", "lease_until", "NULL", of=grant)
    for id_ in (bad["id"], grant):
        await doctor.release(room.core, id_)
    assert await room.agent.state_of(bad) == "killed"
    assert (await room.agent.grant_of(unused))["state"] == "revoked"
    told = [event for event in await room.events() if event.subject == bad["id"]]
    assert "request.killed" in {event.name.value for event in told}
    await room.beats()


async def test_what_a_set_aside_switch_covers_stands_still(bad_room: World) -> None:
    """A switch that is set aside is a stop: nothing in it is asked or claimed, until it is released."""
    room = bad_room
    unused = await room.approved()
    await room.beats()
    await _aside(room, ("switches", "action:ledger.post"))
    assert problem_of(await room.agent.claims(unused)) == (423, "stopped")
    await room.salma.types("/andon status")
    await room.salma.sees("Stopped as well:* action:ledger.post", in_="@salma")
    await doctor.release(room.core, "action:ledger.post")
    assert (await room.agent.claims(unused)).status_code == 200
    assert (await room.agent.reports(unused, "succeeded")).status_code == 200


async def test_a_stop_that_was_let_go_of_counts_too(bad_room: World) -> None:
    """A request and a grant that were set aside during a stop do not come back to life after it."""
    room = bad_room
    waiting, unused = await room.agent.asks(), await room.approved()
    grant = (await room.agent.grant_of(unused))["id"]
    await _aside(room, ("requests", waiting["id"]), ("grants", grant))
    await room.salma.types("/andon stop all It is odd")
    await room.nadia.types("/andon resume all")
    room.clock.advance(seconds=1)
    for id_ in (waiting["id"], grant):
        await doctor.release(room.core, id_)
    await room.beats()
    assert await room.agent.state_of(waiting) == "killed"
    assert (await room.agent.grant_of(unused))["state"] == "revoked"


async def test_released_it_goes_on_as_before(bad_room: World) -> None:
    """What is released in time is decided and claimed like any other."""
    room = bad_room
    waiting, unused = await room.agent.asks(), await room.approved()
    grant = await room.agent.grant_of(unused)
    await _aside(room, ("requests", waiting["id"]), ("grants", grant["id"]))
    assert problem_of(await room.agent.claims_grant(grant)) == (500, "unreadable")
    for id_ in (waiting["id"], grant["id"]):
        await doctor.release(room.core, id_)
    assert (await room.agent.claims(unused)).status_code == 200
    assert (await room.agent.reports(unused, "succeeded")).status_code == 200
    await room.salma.clicks("Approve", on=await room.card(waiting))
    assert await room.agent.state_of(waiting) == "approved"


async def _aside(room: World, *named: tuple[str, str]) -> None:
    for kind, id_ in named:
        room.store.unreadable.add(Unreadable(kind, id_, "a test says so"))
    await room.beats()
    assert set(await set_aside(room)) >= set(named)


async def test_what_cannot_be_settled_does_not_stop_its_neighbours(bad_room: World) -> None:
    """A request that fails when it is settled is set aside alone; those of its batch are settled in time."""
    room = bad_room
    asked = [await room.agent.asks(memo=f"Number {number}") for number in range(3)]
    await room.beats()
    await _climbed_already(room, asked[1]["id"])
    await room.passes(hours=24)
    assert await set_aside(room) == [("requests", asked[1]["id"])]
    assert [await room.agent.state_of(asked[number]) for number in (0, 2)] == ["timed_out"] * 2
    await room.beats()
    [alarm] = alarms(room)
    assert "it cannot be settled" in alarm
    with pytest.raises(StoreError):
        await doctor.release(room.core, asked[1]["id"])
    assert len(await set_aside(room)) == 1


async def test_what_fails_for_all_is_not_about_one(bad_room: World) -> None:
    """Where nothing at all can be settled, it is not about a row: nothing is set aside."""
    room = bad_room
    asked = [await room.agent.asks(memo=f"Number {number}") for number in range(2)]
    await room.beats()
    for each in asked:
        await _climbed_already(room, each["id"])
    room.clock.advance(hours=24)
    with pytest.raises(StoreError):
        await deadlines.settle_due(room.core, batch=10)
    assert await set_aside(room) == []
    # As soon as one of them can be settled, the others are what is wrong.
    await room.agent.asks(memo="One more")
    await room.passes(hours=24)
    assert len(await set_aside(room)) == 2


async def test_requests_that_cannot_be_settled_keep_no_grant_from_lapsing(bad_room: World) -> None:
    """Two of them are all that is due: whoever claimed and was not heard of is noticed all the same."""
    room = bad_room
    room.expected |= {"row_set_aside", "row_not_settled", "module_failed"}
    bad = [await room.agent.asks(memo=f"bad {number}") for number in range(2)]
    await room.beats()
    for each in bad:
        await _climbed_already(room, each["id"])
    await room.passes(minutes=20)
    claimed = await room.approved(memo="claimed")
    await room.agent.claims(claimed)
    await room.passes(minutes=11)
    assert (await room.agent.grant_of(claimed))["state"] == "unknown"
    await room.agent.asks(memo="one more that is due")
    await room.passes(minutes=20)


@ON_DISK
async def test_what_slept_through_a_stop_gives_no_permission(bad_room: World) -> None:
    """The sweep could not see whose grant it was: released after the resume, it is taken back."""
    room, vandal = bad_room, Vandal(bad_room.store)
    unused = await room.approved()
    await room.beats()
    await vandal.sets("requests", "action_type", "'newer/' || action_type", of=unused["id"])
    await room.agent.gets(f"/v1/requests/{unused['id']}")
    await room.passes(seconds=1)
    await room.khalid.types("/andon stop action:ledger.post odd")
    await room.passes(seconds=1)
    await room.nadia.types("/andon resume action:ledger.post")
    assert (await room.agent.is_alive())["may_proceed"]
    await vandal.sets("requests", "action_type", "substr(action_type, 7)", of=unused["id"])
    await doctor.release(room.core, unused["id"])
    await room.beats()
    assert problem_of(await room.agent.claims(unused)) == (409, "grant-revoked")


async def _climbed_already(room: World, id_: str) -> None:
    # Its last rung is in the table already: no transaction can write it again.
    at = room.clock.now()
    async with room.store.write() as tx:
        await tx.steps.add(Step(request=RequestId(id_), rung=Rung.DEFAULTED, planned_at=at, actual_at=at))


@ON_DISK
@pytest.mark.parametrize(
    ("column", "value", "mended"),
    [("body", '\'{"note":"Applauded"}\'', '\'{"note":"Nudged"}\''), ("notice", "'fax'", "'thread'")],
)
async def test_a_lane_goes_on(bad_room: World, column: str, value: str, mended: str) -> None:
    """A message of a newer version is set aside; its lane goes on, and it is said once it can be read."""
    room, vandal = bad_room, Vandal(bad_room.store)
    asked = await room.agent.asks()
    await room.beats()
    room.clock.advance(minutes=8)
    assert await deadlines.settle_due(room.core, batch=10) == 1
    # The card before it in its lane stays as it is.
    await vandal.sets("outbox", column, value, of="thread", by="notice")
    room.clock.advance(seconds=1)
    other = await room.agent.asks(memo="Behind it")
    await room.beats()
    assert (await room.card(other)).says("Behind it")
    [(kind, bad)] = await set_aside(room)
    assert kind == "outbox"
    assert len(alarms(room)) == 1
    assert await room.thread(asked) == []
    with pytest.raises(Unreadable):
        await doctor.release(room.core, bad)
    await vandal.sets("outbox", column, mended, of=bad)
    await doctor.release(room.core, bad)
    await room.beats()
    [said] = await room.thread(asked)
    assert said.says("half of the time is over")
    assert await set_aside(room) == []


@ON_DISK
async def test_an_alarm_that_lost_its_request_is_said(bad_room: World) -> None:
    """What people have to hear about a grant is said although its request cannot be read any more."""
    room, vandal = bad_room, Vandal(bad_room.store)
    asked = await room.approved()
    assert (await room.agent.claims(asked)).status_code == 200
    await room.beats()
    await vandal.sets("requests", "approvers", "'x' || approvers", of=asked["id"])
    await room.passes(hours=24)
    await room.omar.sees("Outcome unknown", in_="#alerts")
    assert await set_aside(room) == [("requests", asked["id"])]
    await vandal.sets("requests", "approvers", "substr(approvers, 2)", of=asked["id"])
    await doctor.release(room.core, asked["id"])


@ON_DISK
async def test_a_broken_grant_is_no_permission(bad_room: World) -> None:
    """Nobody claims a grant that cannot be read; other grants lapse, and its card is still drawn."""
    room, vandal = bad_room, Vandal(bad_room.store)
    bad, other = await room.approved(), await room.approved(memo="Another")
    grant = await room.agent.grant_of(bad)
    await vandal.sets("grants", "state", "'lent'", of=grant["id"])
    assert problem_of(await room.agent.claims_grant(grant)) == (500, "unreadable")
    assert problem_of(await room.agent.gets(f"/v1/requests/{bad['id']}")) == (500, "unreadable")
    await room.passes(hours=24)
    assert (await room.agent.grant_of(other))["state"] == "expired"
    assert await set_aside(room) == [("grants", grant["id"])]
    assert (await room.card(bad)).says("Approved")
    await vandal.sets("grants", "state", "'granted'", of=grant["id"])
    await doctor.release(room.core, grant["id"])
    await room.beats()
    assert (await room.agent.grant_of(bad))["state"] == "expired"


@ON_DISK
async def test_a_broken_switch_holds_what_it_covers(bad_room: World) -> None:
    """Where nobody can tell whether a scope is stopped, it is: and that is an alarm, until it is mended."""
    room, vandal = bad_room, Vandal(bad_room.store)
    asked = await room.approved()
    scope = "action:ledger.post"
    await vandal.sets("switches", "version", "-1", of=scope, by="scope")
    await vandal.sets("switches", "stopped_by", "'somebody'", of=scope, by="scope")
    assert problem_of(await room.agent.claims(asked)) == (423, "stopped")
    assert (await room.salma.types("/andon stop agent:bank-reconciliation Odd")).status == 200
    assert (await room.salma.types(f"/andon stop {scope} Odd")).status == 200
    await room.salma.sees("This did not count", in_="@salma")
    await room.beats()
    assert await set_aside(room) == [("switches", scope)]
    # It is met at every claim, and is still one alarm.
    assert problem_of(await room.agent.claims(asked)) == (423, "stopped")
    await room.passes(seconds=5)
    await room.beats()
    assert len(alarms(room)) == 1
    with pytest.raises(Unreadable):
        await doctor.release(room.core, scope)
    await vandal.sets("switches", "stopped_by", "NULL", of=scope, by="scope")
    await doctor.release(room.core, scope)
    assert await set_aside(room) == []


@ON_DISK
async def test_the_record_goes_on(bad_room: World) -> None:
    """An event that cannot be read is linked in its turn and named once; the chain has no gap."""
    room, vandal = bad_room, Vandal(bad_room.store)
    await room.agent.asks()
    await vandal.sets("audit_events", "at", vandal.never, of="configuration.loaded", by="name")
    await room.beats()
    [(kind, bad)] = await set_aside(room)
    assert kind == "audit_events"
    while await seal.seal(room.core, batch=100):
        pass
    verdict = await seal.verify(room.store)
    assert isinstance(verdict, Verified)
    assert verdict.unsealed == 0
    with pytest.raises(Unreadable):
        await doctor.release(room.core, bad)
    await room.passes(minutes=1)
    assert len(alarms(room)) == 1


@ON_DISK
async def test_a_broken_key_opens_nothing(bad_room: World) -> None:
    """A key that cannot be read lets nobody in; other agents' calls are answered."""
    room, vandal = bad_room, Vandal(bad_room.store)
    other = await room.agent_called(room.agent.name)
    await vandal.runs(
        "UPDATE agent_keys SET created_at = NEVER WHERE id = (SELECT min(id) FROM agent_keys)".replace(
            "NEVER", vandal.never
        )
    )
    answers = [(await each.gets("/v1/requests")).status_code for each in (room.agent, other)]
    assert sorted(answers) == [200, 500]
    [(kind, bad)] = await set_aside(room)
    assert kind == "agent_keys"
    with pytest.raises(Unreadable):
        await doctor.release(room.core, bad)
    await vandal.sets("agent_keys", "created_at", "(SELECT max(at) FROM audit_events)", of=bad)
    await doctor.release(room.core, bad)
    assert (await room.agent.gets("/v1/requests")).status_code == 200


async def test_many_at_once_are_ten_alarms(bad_room: World) -> None:
    """Of many rows that are set aside together ten have an alarm each, and the last one counts the others."""
    room = bad_room
    for number in range(25):
        room.store.unreadable.add(Unreadable("requests", f"req_{number:02}", "a test says so"))
    await room.beats()
    await room.beats()
    assert len(await set_aside(room)) == 25
    assert len(alarms(room)) == 10
    assert "And 15 rows more" in alarms(room)[-1]
