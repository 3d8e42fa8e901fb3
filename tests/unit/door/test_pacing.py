"""Each channel is kept to the pace that Slack allows, and no channel waits for another."""

import asyncio
import time

import pytest

from bot.slack.outgoing.pacing import ChannelPacing


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_few_at_once_then_one_a_second() -> None:
    """Five messages go at once; each one after them waits a second longer than the one before."""
    pacing = ChannelPacing(clock=Clock())
    assert [pacing._reserve("C1") for _ in range(8)] == [0, 0, 0, 0, 0, 1, 2, 3]


def test_a_quiet_channel_may_burst_again() -> None:
    """After three seconds three more may go at once; however long it is quiet, never more than five."""
    clock = Clock()
    pacing = ChannelPacing(clock=clock)
    for _ in range(5):
        pacing._reserve("C1")
    clock.at += 3
    assert [pacing._reserve("C1") for _ in range(4)] == [0, 0, 0, 1]
    clock.at += 1000
    assert [pacing._reserve("C1") for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_channels_do_not_wait_for_each_other() -> None:
    """A busy channel leaves the next one its whole burst."""
    pacing = ChannelPacing(clock=Clock())
    for _ in range(9):
        pacing._reserve("C1")
    assert pacing._reserve("C2") == 0


def test_the_pace_is_a_setting() -> None:
    """Ten a second wait a tenth of a second each."""
    pacing = ChannelPacing(per_second=10, clock=Clock())
    assert [pacing._reserve("C1") for _ in range(7)][5:] == pytest.approx([0.1, 0.2])


def test_channels_that_are_quiet_are_forgotten() -> None:
    """The channels of last week take no memory beyond a thousand; the busy one keeps its place."""
    clock = Clock()
    pacing = ChannelPacing(clock=clock)
    for _ in range(7):
        pacing._reserve("busy")
    for number in range(1001):
        pacing._reserve(f"C{number}")
        pacing._reserve("busy")
    assert len(pacing._buckets) == 1000
    assert pacing._reserve("busy") == 7 + 1001 + 1 - 5


async def test_a_turn_is_really_waited_for() -> None:
    """Whoever is beyond the burst gets the turn only when its time has come."""
    pacing = ChannelPacing(per_second=20)
    begun = time.monotonic()
    for _ in range(5):
        await pacing.turn("C1")
    assert time.monotonic() - begun < 0.04
    await asyncio.gather(pacing.turn("C1"), pacing.turn("C1"))
    assert time.monotonic() - begun >= 0.09
