"""The courier where no scenario reaches: answers that say nothing, and rows about nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.slack.outgoing.courier import SlackCourier
from bot.slack.outgoing.pacing import ChannelPacing
from bot.slack.render.presenter import Presenter
from escalation import notice
from escalation.ids import OutboxId
from escalation.ports import (
    Card,
    Delivered,
    Delivery,
    Dossier,
    Impossible,
    OutboxKind,
    Outgoing,
    TryLater,
    Unposted,
)
from escalation.request import State
from tests.harness.views import NOON, REQUEST, request
from tests.scenario.rules import shipped
from tests.scenario.world import MovableClock
from tests.unit.door.canned import TOKEN, TROUBLE, Canned, slack_saying

CARD = Card(request=REQUEST, channel="C01FINANCE", ts="1.0")


def outgoing(what: OutboxKind, *, lane: str = "C01FINANCE", body: str = "{}") -> Outgoing:
    return Outgoing(
        id=OutboxId("out_1"), kind=what, lane=lane, request=REQUEST, body=body, at=NOON, not_before=NOON
    )


async def carried(canned: Canned, row: Outgoing, about: Dossier | None) -> Delivery:
    """Return what becomes of *row* with a Slack that answers as *canned*."""
    async with slack_saying(canned) as slack:
        presenter = Presenter(lambda: shipped().configuration)
        courier = SlackCourier(slack, presenter, MovableClock(NOON), ChannelPacing(per_second=1000))
        return await courier.carry(row, about)


@pytest.mark.parametrize("trouble", TROUBLE)
async def test_trouble_is_tried_again(trouble: str) -> None:
    """Whatever stands between Slack and us says: the card waits, as long as it was told to."""
    delivery = await carried(
        replace(TROUBLE[trouble], asked=[]), outgoing(OutboxKind.CARD), Dossier(request=request())
    )
    assert isinstance(delivery, TryLater)
    assert delivery.after == (timedelta(seconds=7) if "limit" in trouble else None)


async def test_no_ts_is_no_delivery() -> None:
    """An "ok" without the proof that it was posted is none."""
    delivery = await carried(Canned(), outgoing(OutboxKind.CARD), Dossier(request=request()))
    assert delivery == TryLater(why="Slack confirmed no ts", unsure=True)


async def test_nobody_listens() -> None:
    """A refused connection is tried later; the reason holds no token."""
    from bot.slack.web_api import client

    courier = SlackCourier(
        client(TOKEN, "http://127.0.0.1:9/api/"),
        Presenter(lambda: shipped().configuration),
        MovableClock(NOON),
        ChannelPacing(),
    )
    delivery = await courier.carry(outgoing(OutboxKind.CARD), Dossier(request=request()))
    assert isinstance(delivery, TryLater)
    assert "xoxb" not in delivery.why


@pytest.mark.parametrize("what", [OutboxKind.CARD, OutboxKind.THREAD])
async def test_a_request_that_is_gone_is_given_up(what: OutboxKind) -> None:
    """A row about a request that cannot be read must not hold up its lane for ever."""
    body = notice.body(notice.Nudged())
    assert await carried(Canned(), outgoing(what, body=body), None) == Impossible(why="the request is gone")


@pytest.mark.parametrize(
    ("state", "delivery"),
    [
        (State.PENDING, TryLater(why="the card is not posted yet", alone=True)),
        (State.CANCELLED, Unposted()),
    ],
)
async def test_a_thread_without_a_card(state: State, delivery: Delivery) -> None:
    """It waits for the card of a request that waits, and is summarised with one that was never posted."""
    asked = request(state=state, settled_at=NOON if state.is_settled else None)
    body = notice.body(notice.Nudged())
    assert await carried(Canned(), outgoing(OutboxKind.THREAD, body=body), Dossier(request=asked)) == delivery


async def test_an_alarm_about_a_request_that_is_gone_is_still_an_alarm() -> None:
    """What cannot be read any more does not silence the alarm about it."""
    canned = Canned().says(ok=True, channel="C03ALERTS", ts="2.0")
    body = notice.body(notice.EffectUnknown(grant="grt_1"))
    row = outgoing(OutboxKind.ALERT, lane="C03ALERTS", body=body)
    assert await carried(canned, row, None) == Delivered(channel="C03ALERTS", ts="2.0")


async def test_a_person_nobody_knows_is_not_written_to() -> None:
    """A direct message to somebody without an account is given up before Slack is asked."""
    canned = Canned()
    row = outgoing(OutboxKind.DIRECT, lane="@somebody", body=notice.body(notice.EffectUnknown(grant="grt_1")))
    assert await carried(canned, row, None) == Impossible(why="this person has no account in Slack")
    assert canned.asked == []


async def test_a_card_that_cannot_be_updated_for_another_reason() -> None:
    """Only a card that is gone is posted anew; any other refusal of an update is one."""
    canned = Canned().says(ok=False, error="is_archived")
    about = Dossier(request=request(), card=CARD)
    assert await carried(canned, outgoing(OutboxKind.CARD), about) == Impossible(why="is_archived")
    assert canned.asked == ["chat.update"]


@pytest.mark.parametrize("gone", ["message_not_found", "cant_update_message"])
async def test_a_card_that_is_gone_is_posted_anew(gone: str) -> None:
    """Then it is posted again where the request is asked."""
    canned = Canned().says(ok=False, error=gone)
    about = Dossier(request=request(), card=CARD)
    assert await carried(canned, outgoing(OutboxKind.CARD), about) == Impossible(why=gone)
    assert canned.asked == ["chat.update", "chat.postMessage"]
