"""An alarm goes on until it has reached somebody, and says where it was meant to go."""

import pytest

from tests.harness.fake_faults import Refuses
from tests.scenario.rules import ANDON, Change, changed
from tests.scenario.world import World

POST, OPEN = "chat.postMessage", "conversations.open"
GONE = ("not_in_channel", "channel_not_found", "is_archived", "user_disabled", "restricted_action")


async def unknown(room: World) -> dict[str, str]:
    """Let an effect end unknown: its owner and the alerts channel have to hear of it."""
    asked = await room.approved()
    await room.agent.claims(asked)
    await room.beats()
    await room.agent.reports(asked, "unknown")
    return asked


@pytest.mark.parametrize("error", GONE)
async def test_an_alarm_that_its_channel_does_not_take(room: World, error: str) -> None:
    """Whatever is wrong with the alerts channel, the owner is told directly, and reads what was missed."""
    await unknown(room)
    room.slack.fails(POST, Refuses(error))
    await room.beats()
    assert room.slack.in_channel("#alerts") == []
    told = room.slack.in_channel("@nadia")
    assert len(told) == 2
    assert all(each.says("Outcome unknown") for each in told)
    assert [each.says("Meant for <#C03ALERTS>") for each in told].count(True) == 1


async def test_an_alarm_goes_to_the_other_channel_first(room: World) -> None:
    """Operators who named another channel are told there."""
    other = Change(ANDON, "alerts: {channel: C03ALERTS}", "alerts: {channel: C03ALERTS, fallback: C04AUDIT}")
    await room.rules_become(changed(other))
    await unknown(room)
    room.slack.fails(POST, Refuses("is_archived"))
    await room.beats()
    (told,) = room.slack.in_channel("#audit")
    assert told.says("Outcome unknown")
    assert len(room.slack.in_channel("@nadia")) == 1


@pytest.mark.parametrize("error", ["user_disabled", "user_not_found", "account_inactive", "cannot_dm_bot"])
async def test_an_owner_who_cannot_be_told(room: World, error: str) -> None:
    """What the owner had to hear is told to the operators, with their name."""
    await unknown(room)
    room.slack.fails(OPEN, Refuses(error))
    await room.beats()
    told = room.slack.in_channel("#alerts")
    assert len(told) == 2
    assert [each.says("Meant for *Nadia Al Kindi*") for each in told].count(True) == 1


async def test_an_alarm_that_reaches_nobody_stays_open(any_room: World) -> None:
    """Nobody can be told: it is an error in the log, and is tried again until somebody can."""
    room = any_room
    room.expected.add("alarm_reached_nobody")
    await unknown(room)
    room.slack.fails(POST, *[Refuses("not_in_channel")] * 100)
    await room.beats()
    for _ in range(5):
        await room.passes(minutes=1)
    assert [room.slack.in_channel(lane) for lane in ("#alerts", "@nadia")] == [[], []]
    logged = [entry for entry in room.log if entry["event"] == "alarm_reached_nobody"]
    assert sorted(entry["lane"] for entry in logged) == ["@nadia", "C03ALERTS"]
    room.slack._faults[POST].clear()
    await room.passes(minutes=10)
    assert [len(room.slack.in_channel(lane)) for lane in ("#alerts", "@nadia")] == [1, 1]


async def test_an_alarm_that_reaches_nobody_at_a_later_try_is_an_error_too(room: World) -> None:
    """Slack had trouble at first, and then takes it nowhere: the log says so once, whichever try it was."""
    room.expected.add("alarm_reached_nobody")
    await unknown(room)
    room.slack.fails(POST, *[Refuses("fatal_error")] * 2)
    await room.beats()
    room.slack.fails(POST, *[Refuses("not_in_channel")] * 100)
    for _ in range(5):
        await room.passes(minutes=1)
    logged = [entry for entry in room.log if entry["event"] == "alarm_reached_nobody"]
    assert sorted(entry["lane"] for entry in logged) == ["@nadia", "C03ALERTS"]


async def test_an_open_alarm_holds_up_nobody(room: World) -> None:
    """While an alarm waits for somebody to mend its channel, what comes after it is said."""
    room.expected.add("alarm_reached_nobody")
    await unknown(room)
    room.slack.fails(POST, *[Refuses("not_in_channel")] * 8)
    await room.beats()
    room.slack._faults[POST].clear()
    await room.salma.types("/andon stop all odd")
    await room.beats()
    told, ended = room.slack.in_channel("#alerts")
    assert told.says("Stopped")
    assert ended.says("Ended: all")


async def test_a_scope_for_direct_messages_is_missing(room: World) -> None:
    """Who cannot be written to is no sign that Slack is away: the alarm goes to those who can be told."""
    room.slack.fails("conversations.open", *[Refuses("missing_scope")] * 100)
    await unknown(room)
    await room.beats()
    for _ in range(3):
        await room.passes(minutes=1)
    meant = [posted for posted in room.slack.in_channel("#alerts") if posted.says("Meant for")]
    assert [posted.says("Nadia") for posted in meant] == [True]
    assert (await room.agent.gets("/readyz")).json()["degraded"] == []
