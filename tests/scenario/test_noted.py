"""The head of the record is noted outside: it counts once Slack took it, and a refusal is an alarm."""

from collections.abc import AsyncIterator

import pytest

from bot.config import Loaded
from escalation.audit import Seal
from tests.harness.fake_faults import Refuses
from tests.scenario.conftest import OpenStore
from tests.scenario.rules import ANDON, Change, changed
from tests.scenario.world import World, world

POST = "chat.postMessage"
AUDIT = "#audit"


def auditing(channel: str = "C04AUDIT") -> Loaded:
    """Return the shipped configuration with an audit channel."""
    return changed(Change(ANDON, "alerts:", f"audit: {{channel: {channel}}}\nalerts:"))


@pytest.fixture
async def audited(any_store: OpenStore) -> AsyncIterator[World]:
    """A bot with an audit channel, over each store."""
    async with world(store=any_store, loaded=auditing()) as made:
        yield made


@pytest.fixture
async def quick() -> AsyncIterator[World]:
    """A bot with an audit channel, in memory."""
    async with world(loaded=auditing()) as made:
        yield made


async def heads(room: World) -> tuple[Seal, Seal | None]:
    """Return the head of the record and the last that was noted."""
    async with room.store.read() as tx:
        head, noted = await tx.record.last_seal(), await tx.record.last_note()
    assert head is not None
    return head, noted


async def test_a_seal_counts_once_slack_took_it(audited: World) -> None:
    """A seal that is only queued is not noted; one waits at most, and what came after it is noted next."""
    room = audited
    room.expected |= {"slack_is_away", "slack_is_back"}
    room.slack.fails(POST, *[Refuses("internal_error")] * 40)
    await room.beats()
    await room.beats()
    assert (await heads(room))[1] is None
    await room.agent.asks()
    for _ in range(12):
        await room.passes(minutes=1)
    assert room.slack.in_channel(AUDIT) == []
    assert (await heads(room))[1] is None
    room.slack._faults[POST].clear()
    await room.passes(minutes=1)
    assert len(room.slack.in_channel(AUDIT)) == 1, "one waits at most"
    for _ in range(6):
        await room.passes(minutes=1)
    head, noted = await heads(room)
    assert noted is not None
    assert (noted.seq, noted.hash) == (head.seq, head.hash)
    assert room.slack.in_channel(AUDIT)[-1].says(f"head {head.hash}")


async def test_a_refused_seal_is_an_alarm(quick: World) -> None:
    """Operators hear once that seals are refused; it stays open, and is noted when the channel is mended."""
    room = quick
    room.expected.add("seal_refused")
    await room.beats()
    for _ in range(3):
        room.slack.fails(POST, Refuses("not_in_channel"))
        await room.passes(minutes=1)
    (alarm,) = room.slack.in_channel("#alerts")
    assert alarm.says("The head of the record is not noted")
    assert alarm.says("<#C04AUDIT>: not_in_channel")
    assert (room.slack.in_channel(AUDIT), (await heads(room))[1]) == ([], None)
    await room.passes(minutes=1)
    await room.passes(minutes=1)
    assert room.slack.in_channel(AUDIT) != []
    assert (await heads(room))[1] is not None
    assert len(room.slack.in_channel("#alerts")) == 1


async def test_a_seal_for_a_channel_of_yesterday_is_dropped() -> None:
    """Once another audit channel is named, what the old one refused is noted there, and tried no more."""
    async with world(loaded=auditing()) as room:
        room.expected.add("seal_refused")
        room.slack.fails(POST, Refuses("is_archived"))
        await room.beats()
        await room.beats()
        await room.rules_become(auditing("C02DIRECT"))
        for _ in range(3):
            await room.passes(minutes=1)
        assert [posted.says("Seal of the record") for posted in room.slack.in_channel("#directors")] == [True]
        assert room.slack.in_channel(AUDIT) == []
        async with room.store.read() as tx:
            assert await tx.outbox.next_due_at() is None
