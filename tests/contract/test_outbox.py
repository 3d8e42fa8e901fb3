"""The port of the outbox, over every store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from escalation.errors import StoreError
from escalation.ids import OutboxId, RequestId
from escalation.ports import Again, Card, Doubt, Folded, OutboxKind, Outgoing, Store, Turn
from tests.contract import samples
from tests.contract.samples import MINUTE, NOON, TICK

LEASE = timedelta(seconds=30)


async def _add(store: Store, *messages: Outgoing) -> None:
    async with store.write() as tx:
        for each in messages:
            await tx.outbox.add(each)


async def _take(store: Store, after: timedelta = timedelta(0), limit: int = 9) -> list[str]:
    async with store.write() as tx:
        taken = await tx.outbox.take(NOON + after, lease=LEASE, limit=limit)
    return [each.id for each in taken]


async def _next_due_at(store: Store) -> timedelta | None:
    async with store.read() as tx:
        at = await tx.outbox.next_due_at()
    return None if at is None else at - NOON


async def test_a_message_is_taken_as_it_was_written(store: Store) -> None:
    """What is taken is what was written, one attempt on and out of sight for the lease."""
    await _add(store, samples.outgoing())
    async with store.write() as tx:
        taken = await tx.outbox.take(NOON, lease=LEASE, limit=9)
    assert list(taken) == [replace(samples.outgoing(), attempts=1, not_before=NOON + LEASE)]


async def test_what_is_taken_is_hidden_for_its_lease(store: Store) -> None:
    """Until the lease ends nobody else takes it; from then on somebody does, for its taker may be dead."""
    await _add(store, samples.outgoing())
    assert await _take(store) == ["out_1"]
    assert await _next_due_at(store) == LEASE
    assert await _take(store, LEASE - TICK) == []
    assert await _take(store, LEASE) == ["out_1"]


async def test_what_was_said_is_never_said_again(store: Store) -> None:
    """A message that is done leaves the outbox for good, whatever is reported of it later."""
    await _add(store, samples.outgoing())
    [name] = await _take(store)
    async with store.write() as tx:
        await tx.outbox.done(samples.outgoing().id, NOON)
    async with store.write() as tx:
        await tx.outbox.retry(samples.outgoing().id, Again(not_before=NOON, error="late"))
        await tx.outbox.done(samples.outgoing().id, NOON + MINUTE)
    assert name == "out_1"
    assert await _take(store, MINUTE) == []
    assert await _next_due_at(store) is None


async def test_a_failure_is_tried_again_when_told(store: Store) -> None:
    """After a failure it waits for the instant it was given, not for the end of its lease."""
    await _add(store, samples.outgoing())
    await _take(store)
    async with store.write() as tx:
        await tx.outbox.retry(samples.outgoing().id, Again(not_before=NOON + TICK, error="rate limited"))
    assert await _take(store) == []
    async with store.write() as tx:
        [again] = await tx.outbox.take(NOON + TICK, lease=LEASE, limit=9)
    assert again.attempts == 2


async def test_one_lane_is_sent_in_order_one_at_a_time(store: Store) -> None:
    """While a lane's oldest message is under way or waits for its next attempt, the rest of it waits."""
    await _add(store, samples.outgoing("2", at=NOON + TICK), samples.outgoing("1"))
    assert await _take(store, MINUTE) == ["out_1"]
    assert await _take(store, MINUTE) == []
    async with store.write() as tx:
        await tx.outbox.retry(samples.outgoing("1").id, Again(not_before=NOON + 2 * MINUTE, error="later"))
    assert await _take(store, MINUTE) == []
    assert await _next_due_at(store) == 2 * MINUTE
    async with store.write() as tx:
        await tx.outbox.done(samples.outgoing("1").id, NOON + MINUTE)
    assert await _next_due_at(store) == TICK
    assert await _take(store, MINUTE) == ["out_2"]


async def test_lanes_do_not_wait_for_each_other(store: Store) -> None:
    """The heads of all lanes are taken together, oldest first, as many as asked for."""
    await _add(
        store,
        samples.outgoing("c", lane="@omar", at=NOON + 2 * TICK),
        samples.outgoing("a", lane="C02"),
        samples.outgoing("b", lane="C01", at=NOON + TICK),
        samples.outgoing("d", lane="C02", at=NOON + TICK),
        samples.outgoing("late", lane="C03", at=NOON + MINUTE),
    )
    assert await _take(store, 2 * TICK, limit=2) == ["out_a", "out_b"]
    assert await _take(store, 2 * TICK) == ["out_c"]


async def test_of_one_instant_the_first_id_goes_first(store: Store) -> None:
    """Messages of one transaction are said in the order of their ids, which is the order they were made."""
    await _add(store, samples.outgoing("2"), samples.outgoing("1"))
    assert await _take(store) == ["out_1"]


async def test_one_card_waits_at_most(store: Store) -> None:
    """A second change of a card that still waits needs no second message; each request has its own."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    await _add(store, card, replace(card, id=samples.outgoing("2").id))
    await _add(store, replace(card, id=samples.outgoing("3").id))
    await _add(store, samples.outgoing("4", kind=OutboxKind.CARD, about="2", lane="C02"))
    assert await _take(store) == ["out_1", "out_4"]
    async with store.write() as tx:
        await tx.outbox.done(card.id, NOON)
    assert await _take(store) == []


async def test_a_change_after_the_card_was_taken_is_not_lost(store: Store) -> None:
    """A card that is being drawn may miss the newest change, so that change waits as a card of its own."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    await _add(store, card)
    assert await _take(store) == ["out_1"]
    await _add(store, replace(card, id=samples.outgoing("2").id, at=NOON + TICK))
    await _add(store, replace(card, id=samples.outgoing("3").id, at=NOON + TICK))
    assert await _take(store, TICK) == []
    async with store.write() as tx:
        await tx.outbox.done(card.id, NOON)
    assert await _take(store, TICK) == ["out_2"]


async def test_a_failed_card_and_a_newer_one_both_find_their_way(store: Store) -> None:
    """A card that failed is tried again although a newer one waits behind it."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    await _add(store, card)
    await _take(store)
    await _add(store, replace(card, id=samples.outgoing("2").id, at=NOON + TICK))
    async with store.write() as tx:
        await tx.outbox.retry(card.id, Again(not_before=NOON, error="away"))
    assert await _take(store, TICK) == ["out_1"]


async def test_a_card_is_done_and_asked_for_in_one_step(store: Store) -> None:
    """Noting a card as said and asking for it anew in one transaction leaves one to be said."""
    card = samples.outgoing("1", kind=OutboxKind.CARD)
    await _add(store, card)
    await _take(store)
    async with store.write() as tx:
        await tx.outbox.done(card.id, NOON)
        await tx.outbox.add(replace(card, id=samples.outgoing("2").id))
    assert await _take(store) == ["out_2"]


async def test_other_notices_never_coalesce(store: Store) -> None:
    """Two notes in one thread are two messages, and a note about nothing in particular is one."""
    await _add(
        store,
        samples.outgoing("1"),
        samples.outgoing("2", lane="C02"),
        replace(samples.outgoing("3", lane="C03", kind=OutboxKind.SEAL), request=None),
    )
    assert await _take(store) == ["out_1", "out_2", "out_3"]


async def test_the_same_message_twice_is_an_error(store: Store) -> None:
    """An id is given once; a second message under it is a fault of ours."""
    await _add(store, samples.outgoing())
    with pytest.raises(StoreError):
        await _add(store, samples.outgoing())


async def test_an_empty_outbox_waits_for_nothing(store: Store) -> None:
    """Without messages there is no next instant and nothing to take."""
    assert await _next_due_at(store) is None
    assert await _take(store) == []


async def test_asks_go_first_and_summaries_last(store: Store) -> None:
    """Whoever came first: an ask goes before an alarm, that before news, and a summary comes last."""
    turns = (Turn.SUMMARY, Turn.NEWS, Turn.ALARM, Turn.ASK)
    rows = [
        replace(samples.outgoing(turn.name), turn=turn, at=NOON + n * TICK) for n, turn in enumerate(turns)
    ]
    await _add(store, *rows)
    said = []
    for _ in turns:
        said += await _take(store, MINUTE)
        async with store.write() as tx:
            await tx.outbox.done(OutboxId(said[-1]), NOON)
    assert said == ["out_ASK", "out_ALARM", "out_NEWS", "out_SUMMARY"]


async def test_of_two_lanes_the_one_that_asks_goes_first(store: Store) -> None:
    """Where not all lanes can be taken at once, those with an ask are."""
    await _add(store, samples.outgoing("old", lane="C01"))
    await _add(store, replace(samples.outgoing("ask", lane="C02", at=NOON + TICK), turn=Turn.ASK))
    assert await _take(store, TICK, limit=1) == ["out_ask"]


async def test_an_ask_waits_for_what_is_under_way_in_its_lane(store: Store) -> None:
    """What is first in turn is not sent beside a message that its lane has under way, or must wait for."""
    await _add(store, samples.outgoing("1"))
    assert await _take(store) == ["out_1"]
    await _add(store, replace(samples.outgoing("ask"), turn=Turn.ASK))
    assert await _take(store) == []
    async with store.write() as tx:
        again = Again(not_before=NOON + MINUTE, error="rate limited")
        await tx.outbox.retry(samples.outgoing("1").id, again)
    assert await _take(store, MINUTE - TICK) == []
    assert await _next_due_at(store) == MINUTE
    assert await _take(store, MINUTE) == ["out_ask"]


async def test_what_waits_alone_holds_up_nobody(store: Store) -> None:
    """A message that cannot be said, for a reason of its own, lets the rest of its lane pass."""
    await _add(store, samples.outgoing("1"), samples.outgoing("2", at=NOON + TICK))
    assert await _take(store, TICK) == ["out_1"]
    async with store.write() as tx:
        again = Again(not_before=NOON + MINUTE, error="cannot be drawn", alone=True)
        await tx.outbox.retry(samples.outgoing("1").id, again)
    assert await _take(store, TICK) == ["out_2"]
    async with store.write() as tx:
        await tx.outbox.done(samples.outgoing("2").id, NOON)
    assert await _next_due_at(store) == MINUTE
    assert await _take(store, MINUTE) == ["out_1"]


async def test_it_is_known_which_attempts_may_stand(store: Store) -> None:
    """An attempt of which nothing was heard may have been posted; one that was refused was not."""
    await _add(store, samples.outgoing())

    async def taken(after: timedelta) -> Outgoing:
        async with store.write() as tx:
            [found] = await tx.outbox.take(NOON + after, lease=LEASE, limit=9)
        return found

    assert not (await taken(timedelta(0))).may_stand
    async with store.write() as tx:
        again = Again(not_before=NOON, error="refused", cleared=1)
        await tx.outbox.retry(samples.outgoing().id, again)
    assert not (await taken(timedelta(0))).may_stand
    assert (await taken(LEASE)).may_stand


async def _end(store: Store, *names: str) -> None:
    async with store.write() as tx:
        for request in await samples.add_requests(tx, *names):
            await tx.requests.save(samples.settled(request))


async def test_what_ended_before_it_was_posted_can_be_folded(store: Store) -> None:
    """Of a lane: cards and news of settled requests without a card, in turn; no alarm, nothing doubtful."""
    await _end(store, "1", "2", "posted")
    async with store.write() as tx:
        await samples.add_requests(tx, "pending")
        await tx.cards.put(Card(request=RequestId("req_posted"), channel="C01FIN", ts="1.0"))
    await _add(
        store,
        samples.outgoing("doubt", about="1"),
        samples.outgoing("thread", about="2", at=NOON + TICK),
        samples.outgoing("card", about="1", kind=OutboxKind.CARD, at=NOON + TICK),
        replace(samples.outgoing("alarm", about="1"), turn=Turn.ALARM),
        samples.outgoing("posted", about="posted"),
        samples.outgoing("pending", about="pending"),
        samples.outgoing("elsewhere", about="1", lane="C02"),
        replace(samples.outgoing("seal"), request=None),
    )
    async with store.write() as tx:
        assert list(await tx.outbox.foldable("C01FIN", 9, now=NOON)) == [
            "out_doubt",
            "out_card",
            "out_thread",
        ]
    async with store.write() as tx:
        await tx.outbox.done(OutboxId("out_alarm"), NOON)
    assert await _take(store, limit=1) == ["out_doubt"]
    async with store.write() as tx:
        assert list(await tx.outbox.foldable("C01FIN", 1, now=NOON)) == ["out_card"]


async def test_of_a_card_in_doubt_nothing_is_folded(store: Store) -> None:
    """While a card may stand, nobody is told that it was never shown; in its first attempt it does not."""
    await _end(store, "1")
    card = samples.outgoing("card", about="1", kind=OutboxKind.CARD)
    await _add(store, card, samples.outgoing("direct", about="1", lane="@nadia", at=NOON + TICK))

    async def found(after: timedelta) -> tuple[Doubt | None, list[OutboxId]]:
        async with store.write() as tx:
            doubt = await tx.outbox.card_in_doubt(RequestId("req_1"), now=NOON + after)
            return doubt, list(await tx.outbox.foldable("@nadia", 9, now=NOON + after))

    assert await found(timedelta(0)) == (None, ["out_direct"])
    assert await _take(store) == ["out_card"]
    assert await found(LEASE - TICK) == (Doubt(since=NOON, under_way=True), ["out_direct"])
    assert await found(LEASE) == (Doubt(since=NOON, under_way=False), [])
    async with store.write() as tx:
        assert await tx.outbox.card_in_doubt(RequestId("req_1"), now=NOON + LEASE, beside=card.id) is None
        await tx.outbox.retry(card.id, Again(not_before=NOON + MINUTE, error="unsure"))
    assert await found(timedelta(0)) == (Doubt(since=NOON, under_way=False), [])
    async with store.write() as tx:
        await tx.outbox.retry(card.id, Again(not_before=NOON + MINUTE, error="refused", cleared=1))
    assert await found(timedelta(0)) == (None, ["out_direct"])


async def test_a_summary_tells_of_what_was_folded(store: Store) -> None:
    """What was folded is never taken again; its summary knows how many requests, since when, and which."""
    await _end(store, "1", "2")
    rows = [
        samples.outgoing("a", about="2", at=NOON + MINUTE),
        samples.outgoing("b", about="1", kind=OutboxKind.CARD),
        samples.outgoing("c", about="2", at=NOON + 2 * MINUTE),
    ]
    summary = replace(samples.outgoing("s"), turn=Turn.SUMMARY, request=None)
    await _add(store, *rows, summary)
    async with store.read() as tx:
        assert await tx.outbox.folded(summary.id, limit=9) is None
    async with store.write() as tx:
        assert await tx.outbox.summary_of("C01FIN") == summary.id
        assert await tx.outbox.summary_of("C02") is None
        for row in rows:
            await tx.outbox.fold(row.id, into=summary.id, at=NOON)
        told = await tx.outbox.folded(summary.id, limit=1)
    first, second = RequestId("req_1"), RequestId("req_2")
    whole = Folded(count=2, first_at=NOON, last_at=NOON + 2 * MINUTE, requests=(first, second))
    assert told == replace(whole, requests=(first,))
    async with store.read() as tx:
        assert await tx.outbox.folded(summary.id, limit=9) == whole
    assert await _take(store, 2 * MINUTE) == ["out_s"]
    async with store.write() as tx:
        assert await tx.outbox.summary_of("C01FIN") == summary.id
        await tx.outbox.done(summary.id, NOON)
    async with store.write() as tx:
        assert await tx.outbox.summary_of("C01FIN") is None
    assert await _take(store, 2 * MINUTE) == []


async def test_of_two_summaries_of_a_lane_one_waits(store: Store) -> None:
    """A summary that is brought back while another waits hands over what it told of; the other says it."""
    await _end(store, "1", "2")
    rows = [samples.outgoing(name, about=name, at=NOON + int(name) * MINUTE) for name in "12"]
    summaries = [replace(samples.outgoing(each), turn=Turn.SUMMARY, request=None) for each in ("old", "new")]
    for row, summary in zip(rows, summaries, strict=True):
        await _add(store, row, summary)
        async with store.write() as tx:
            await tx.outbox.fold(row.id, into=summary.id, at=NOON)
            if summary.id == "out_old":
                await tx.outbox.set_aside(summary.id, NOON)
    async with store.write() as tx:
        back = await tx.outbox.bring_back(OutboxId("out_old"), not_before=NOON)
    assert back is not None
    assert (back.id, back.turn) == ("out_old", Turn.SUMMARY)
    async with store.read() as tx:
        assert await tx.outbox.folded(OutboxId("out_old"), limit=9) is None
        told = await tx.outbox.folded(OutboxId("out_new"), limit=9)
    requests = (RequestId("req_1"), RequestId("req_2"))
    assert told == Folded(count=2, first_at=NOON + MINUTE, last_at=NOON + 2 * MINUTE, requests=requests)
    assert await _take(store, MINUTE) == ["out_new"]
    async with store.write() as tx:
        await tx.outbox.done(OutboxId("out_new"), NOON)
    assert await _take(store, MINUTE) == []


async def test_a_summary_alone_in_its_lane_is_brought_back(store: Store) -> None:
    """A summary that is brought back where no other waits is said itself, with what was folded into it."""
    summary = replace(samples.outgoing("s"), turn=Turn.SUMMARY, request=None)
    await _add(store, samples.outgoing("1"), summary, replace(summary, id=OutboxId("out_else"), lane="C02"))
    async with store.write() as tx:
        await tx.outbox.fold(OutboxId("out_1"), into=summary.id, at=NOON)
        await tx.outbox.set_aside(summary.id, NOON)
    async with store.write() as tx:
        assert await tx.outbox.bring_back(summary.id, not_before=NOON) is not None
    assert await _take(store) == ["out_else", "out_s"]
    async with store.read() as tx:
        told = await tx.outbox.folded(summary.id, limit=9)
    assert told == Folded(count=1, first_at=NOON, last_at=NOON, requests=(RequestId("req_1"),))


async def test_a_card_that_waits_takes_its_new_turn(store: Store) -> None:
    """The card of a request that ends while it waits to be asked asks no more, and lets asks pass."""
    card = replace(samples.outgoing("1", kind=OutboxKind.CARD), turn=Turn.ASK)
    later = samples.outgoing("2", kind=OutboxKind.CARD, about="2", at=NOON + TICK)
    await _add(store, card, replace(later, turn=Turn.ASK))
    async with store.read() as tx:
        assert await tx.outbox.count_asks() == 2
    await _add(store, replace(card, id=OutboxId("out_3"), turn=Turn.NEWS, at=NOON + 2 * TICK))
    async with store.read() as tx:
        assert await tx.outbox.count_asks() == 1
    assert await _take(store, 2 * TICK) == ["out_2"]


async def test_what_waits_of_a_kind_is_known(store: Store) -> None:
    """Something waits in a lane from its writing until it was said, tried or not, and nowhere else."""
    seal = replace(samples.outgoing(), kind=OutboxKind.SEAL, request=None, body='{"note":"Asked"}')
    await _add(store, seal)
    await _take(store)
    async with store.write() as tx:
        again = Again(not_before=NOON, error="not_in_channel", cleared=1)
        await tx.outbox.retry(seal.id, again)
        [taken] = await tx.outbox.take(NOON, lease=LEASE, limit=9)
    assert taken.error == "not_in_channel"
    async with store.write() as tx:
        assert await tx.outbox.waits(seal.lane, OutboxKind.SEAL)
        assert not await tx.outbox.waits(seal.lane, OutboxKind.ALERT)
        assert not await tx.outbox.waits("elsewhere", OutboxKind.SEAL)
        await tx.outbox.done(seal.id, NOON)
        assert not await tx.outbox.waits(seal.lane, OutboxKind.SEAL)
