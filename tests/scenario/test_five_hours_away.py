"""Slack is away for five hours with two hundred requests pending, and trembles when it comes back."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from tests.chaos.dice import Dice
from tests.chaos.load import offered
from tests.harness.fake_faults import AcceptThenError, Fault, RateLimited, Refuses, ServerError
from tests.scenario.agent import LARGE
from tests.scenario.rules import ANDON, MANIFEST, Change, changed
from tests.scenario.world import World

POST, UPDATE = "chat.postMessage", "chat.update"
_AWAY = ("chat.postMessage", "chat.update", "conversations.open", "views.publish", "chat.postEphemeral")
#: Managers have longer than the outage lasts, directors less.
_TIMES = (Change(ANDON, "sla: 15m", "sla: 20h"), Change(MANIFEST, "sla: 15m", "sla: 2h"))
_FAULTS: tuple[Fault, ...] = (RateLimited(after=30), ServerError(), AcceptThenError())
_SHOWN, _ASKED, _OVERDUE = 10, 150, 40


@pytest.mark.parametrize(("seed", "gone"), [(1, ServerError()), (2, Refuses("token_revoked"))])
async def test_two_hundred_pending(room: World, seed: int, gone: Fault) -> None:
    """Back again: asks first, each card once, one summary of what ended, no button of what is settled."""
    dice = Dice(seed)
    await room.rules_become(changed(*_TIMES))
    room.expected |= {"slack_is_away", "slack_is_back", "courtesy_failed", "courtesy_refused"}
    shown = [await room.agent.asks(memo=f"shown {number}") for number in range(_SHOWN)]
    await room.beats()
    before = len(room.slack.messages)
    for method in _AWAY:
        room.slack.fails(method, *[gone] * 100_000)
    asked = [await room.agent.asks(memo=f"asked {number}") for number in range(_ASKED)]
    overdue = [await room.agent.asks(memo=f"overdue {number}", **LARGE) for number in range(_OVERDUE)]
    # Clicks come through while posts do not: some of what people see is settled, and its card cannot say so.
    for each in shown[:5]:
        assert (await room.salma.clicks("Approve", on=await room.card(each))).status == 200
    taken_back = asked[:30]
    for each in taken_back:
        await room.agent.cancels(each)
    for _ in range(10):
        await room.passes(minutes=30)
    assert len(room.slack.messages) == before
    ready = (await room.agent.gets("/readyz")).json()
    assert ready["ready"]
    assert "requests not delivered" in ready["degraded"][0]

    room.slack._faults.clear()
    for _ in range(60):
        room.slack.fails(dice.one_of((POST, POST, UPDATE)), dice.one_of(_FAULTS))
    for _ in range(60):
        await room.passes(seconds=60)
    assert not room.slack._faults[POST]
    _judge(room, before, asked[30:], [*taken_back, *overdue, *shown[:5]])
    states = Counter([await room.agent.state_of(each) for each in (*shown, *asked, *overdue)])
    assert states == {"approved": 5, "pending": 125, "cancelled": 30, "undeliverable": 40}
    await _can_be_decided(room, asked[-1])


def _judge(room: World, before: int, waiting: list[dict[str, Any]], ended: list[dict[str, Any]]) -> None:
    finance = [posted for posted in room.slack.in_channel("#finance") if posted.thread is None]
    live = Counter(offered(posted) for posted in finance)
    assert {id_: live[id_] for id_ in (each["id"] for each in waiting)} == {each["id"]: 1 for each in waiting}
    assert not [each["id"] for each in ended if live[each["id"]]]
    came = [posted for posted in room.slack.messages[before:] if not posted.says("Superseded")]
    # A card each, and what became of the others in a few messages: not one for each of them.
    told = Counter(posted.channel for posted in came)
    assert told["C01FINANCE"] <= len(waiting) + 30, told
    assert told["C02DIRECT"] <= 3, told
    assert told["C03ALERTS"] <= 3, told
    first = [posted for posted in came if posted.channel == "C01FINANCE"][: len(waiting) - 5]
    assert all(offered(posted) or posted.thread for posted in first)


async def _can_be_decided(room: World, request: Mapping[str, Any]) -> None:
    assert (await room.salma.clicks("Approve", on=await room.card(request))).status == 200
    assert await room.agent.state_of(request) == "approved"
