"""When Slack is away, whoever looks is told since when, and what waits for it."""

from escalation.ports import OutboxKind
from escalation.service import doctor
from tests.harness.fake_faults import RateLimited, Refuses, ServerError
from tests.scenario.world import World

POST = "chat.postMessage"
LOUD = ("slack_is_away", "slack_is_back")


async def goes_away(room: World, asks: int) -> None:
    room.expected |= set(LOUD)
    room.slack.fails(POST, *[ServerError()] * 500)
    for number in range(asks):
        await room.agent.asks(memo=f"number {number}")
    for _ in range(6):
        await room.passes(seconds=20)


def told(room: World) -> list[str]:
    return [entry["said"] for entry in room.log if entry["event"] in LOUD]


async def test_an_outage_is_said_at_its_beginning_and_its_end(any_room: World) -> None:
    """Readiness and the log name the minute it began and how many wait; both say when it is over."""
    room = any_room
    await goes_away(room, asks=7)
    ready = await room.agent.gets("/readyz")
    line = "Slack away since 12:00 UTC, 7 requests not delivered"
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "trouble": [], "degraded": [line]}
    assert told(room) == [line]
    room.slack._faults[POST].clear()
    for _ in range(4):
        await room.passes(seconds=30)
    assert (await room.agent.gets("/readyz")).json()["degraded"] == []
    assert told(room) == [line, "Slack was away since 12:00 UTC"]


async def test_the_status_says_it(room: World) -> None:
    """Who asks in Slack, where commands still come through, reads it first."""
    await goes_away(room, asks=1)
    room.slack._faults[POST].clear()
    await room.salma.types("/andon status", in_="#finance")
    await room.salma.sees("Slack away since 12:00 UTC, 1 request not delivered", in_="#finance")


async def test_the_doctor_says_it(any_room: World) -> None:
    """At the shell: what waits for its card, what Slack said, and what nobody settled in time."""
    room = any_room
    await goes_away(room, asks=2)
    found = await doctor.findings(room.core, limit=9)
    assert (found.aside, found.asks, found.late_since) == ([], 2, None)
    # Of each lane the first is tried; the others wait for it.
    assert {each.error for each in found.refused} == {"internal_error"}
    assert [each.kind for each in found.refused] == [OutboxKind.CARD]

    room.clock.advance(minutes=20)
    assert (await doctor.findings(room.core, limit=9)).late_since is not None
    room.slack._faults[POST].clear()
    for _ in range(4):
        await room.passes(seconds=30)
    found = await doctor.findings(room.core, limit=9)
    assert (found.asks, found.late_since, found.refused) == (0, None, [])


async def test_a_token_that_slack_takes_no_more_is_an_outage(room: World) -> None:
    """Nothing goes through until an operator mends it: that is said like any other outage."""
    room.expected |= set(LOUD)
    room.slack.fails(POST, *[Refuses("token_revoked")] * 500)
    await room.agent.asks()
    for _ in range(6):
        await room.passes(seconds=20)
    assert told(room) == ["Slack away since 12:00 UTC, 1 request not delivered"]


async def test_a_moment_of_trouble_is_none(room: World) -> None:
    """Three errors in a row, a rate limit, and it works: nobody is woken."""
    room.slack.fails(POST, ServerError(), ServerError(), ServerError(), RateLimited(after=10))
    await room.agent.asks()
    for _ in range(70):
        await room.passes(seconds=1)
    assert room.slack.in_channel("#finance") != []
    assert (await room.agent.gets("/readyz")).json()["degraded"] == []
    assert told(room) == []


async def test_one_channel_that_is_refused_is_no_outage(room: World) -> None:
    """While others get through, Slack is there, whatever one channel suffers from."""
    room.slack.fails(POST, *[RateLimited(after=60)] * 3)
    await room.agent.asks()
    for _ in range(3):
        await room.passes(seconds=60)
    assert told(room) == []
