"""The port of what is removed after its term, over every store."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from escalation import notice
from escalation.audit import SEALING_DELAY, Event, data, link
from escalation.commitment import Written, commit
from escalation.errors import StoreError
from escalation.grant import GrantState
from escalation.ids import EventId, IngressId, OutboxId, RequestId
from escalation.ladder import Rung
from escalation.ports import (
    Aside,
    Card,
    InForce,
    Page,
    Place,
    Step,
    Store,
    StoredConfiguration,
    Turn,
)
from escalation.request import State
from escalation.retention import Kept
from escalation.service import seal
from escalation.store import Database
from escalation.store.postgres import PostgresStore
from escalation.store.statement import Statement
from escalation.store.tables import decisions, metadata
from escalation.verification import Verified
from tests.contract import samples
from tests.contract.samples import NOON, TICK, MovableClock

LATER = NOON + timedelta(days=1)
START = Place()


def ids(*names: str) -> list[RequestId]:
    return [RequestId(f"req_{name}") for name in names]


async def _settle(store: Store, name: str, *, at: datetime = NOON) -> None:
    """Store a decided request with everything that can belong to it, settled at that instant."""
    before = samples.request(name)
    async with store.write() as tx:
        await tx.inbox.add(replace(samples.click(name), at=at))
        await tx.requests.add(before)
        decided = samples.decided(before, samples.decision(name))
        await tx.requests.save(samples.settled(replace(decided, version=1), State.APPROVED, at=at))
        await tx.grants.add(replace(samples.grant(name), state=GrantState.SUCCEEDED, ended_at=at))
        await tx.cards.put(Card(request=before.id, channel="C01FIN", ts=name))
        await tx.steps.add(Step(request=before.id, rung=Rung.NUDGED, planned_at=at, actual_at=at))


async def _message(store: Store, name: str, *, sent: datetime | None, about: str = "1") -> OutboxId:
    async with store.write() as tx:
        await tx.outbox.add(samples.outgoing(name, about=about))
    if sent is not None:
        async with store.write() as tx:
            await tx.outbox.done(OutboxId(f"out_{name}"), sent)
    return OutboxId(f"out_{name}")


async def test_what_settled_first_is_looked_at_first(store: Store) -> None:
    """Settled requests come page by page, oldest first, up to the instant; pending ones never."""
    for name, after in (("c", 2), ("a", 0), ("b", 0), ("d", 3)):
        await _settle(store, name, at=NOON + after * TICK)
    async with store.write() as tx:
        await tx.requests.add(samples.request("pending"))
        first = await tx.requests.lock_settled(NOON + 3 * TICK, behind=START, limit=2)
        second = await tx.requests.lock_settled(NOON + 3 * TICK, behind=first.up_to, limit=2)
        third = await tx.requests.lock_settled(NOON + 3 * TICK, behind=second.up_to, limit=2)
    assert [[request.id for request in page.found] for page in (first, second, third)] == [
        ids("a", "b"), ids("c"), []
    ]  # fmt: skip
    assert (first.count, second.count, third.count) == (2, 1, 0)
    assert third.up_to == second.up_to == Place(at=NOON + 2 * TICK, id="req_c")


async def test_what_is_set_aside_is_not_looked_at(store: Store) -> None:
    """A request that is set aside waits for its repair, however old it is."""
    await _settle(store, "1")
    async with store.write() as tx:
        await tx.set_aside.add(Aside(kind="requests", id="req_1", why="it is odd", at=NOON))
    async with store.write() as tx:
        assert (await tx.requests.lock_settled(LATER, behind=START, limit=9)).found == []


async def test_a_request_goes_with_all_that_belongs_to_it(store: Store) -> None:
    """Decisions, click, grant, card, rungs and key go with it; its neighbour keeps everything."""
    for name in ("1", "2"):
        await _settle(store, name)
    async with store.write() as tx:
        await tx.retention.remove_requests(ids("1"), clicks_before=LATER)
    async with store.write() as tx:
        assert await tx.requests.get(RequestId("req_1")) is None
        assert await tx.requests.by_key(samples.BANK, "key-1") is None
        assert await tx.grants.of(RequestId("req_1")) is None
        assert await tx.cards.get(RequestId("req_1")) is None
        assert len(await tx.steps.of(RequestId("req_1"))) == 0
        assert await tx.inbox.add(replace(samples.click("1"), id=IngressId("ing_anew")))
        assert not await tx.inbox.add(replace(samples.click("2"), id=IngressId("ing_more")))
        assert [request.id for request in await tx.requests.page(Page(limit=9))] == ids("2")
        kept = await tx.requests.get(RequestId("req_2"))
        assert kept is not None
        assert len(kept.decisions) == 1
        assert await tx.grants.of(RequestId("req_2")) is not None
        assert await tx.cards.get(RequestId("req_2")) is not None
        assert len(await tx.steps.of(RequestId("req_2"))) == 1
        # The key is free again.
        assert await tx.requests.add(samples.request("1"))


async def test_a_click_is_kept_for_its_own_term(store: Store) -> None:
    """Where clicks are kept for longer than requests, the one under a removed decision stays till then."""
    await _settle(store, "1")
    async with store.write() as tx:
        await tx.retention.remove_requests(ids("1"), clicks_before=NOON)
    async with store.write() as tx:
        assert not await tx.inbox.add(replace(samples.click("1"), id=IngressId("ing_more")))
    async with store.write() as tx:
        removed = await tx.retention.remove_clicks(LATER, behind=START, limit=9)
    assert (removed.count, removed.looked_at) == (1, 1)


async def test_decisions_go_with_their_request_alone(lasting: Database) -> None:
    """No decision can be deleted beside its request, before or after another one was removed."""
    for name in ("1", "2"):
        await _settle(lasting, name)
    async with lasting.write() as tx:
        await tx.retention.remove_requests(ids("1"), clicks_before=LATER)
    with pytest.raises(StoreError, match="only ever added"):
        await _delete_decisions(lasting)
    assert await _count(lasting, "decisions") == 1
    assert await _count(lasting, "removals") == 0


async def _delete_decisions(store: Database) -> None:
    async with store.write() as tx:
        session: Any = tx
        await session.source.run(Statement(delete(decisions)), {})


async def _count(store: Database, table: str) -> int:
    async with store.read() as tx:
        session: Any = tx
        counted = Statement(select(func.count()).select_from(metadata.tables[table]))
        return int(await session.source.value(counted))


async def test_all_of_it_or_nothing(store: Store) -> None:
    """A removal that does not commit has removed nothing."""
    await _settle(store, "1")
    with suppress(RuntimeError):
        async with store.write() as tx:
            await tx.retention.remove_requests(ids("1"), clicks_before=LATER)
            raise RuntimeError
    async with store.read() as tx:
        found = await tx.requests.get(RequestId("req_1"))
        assert found is not None
        assert len(found.decisions) == 1


async def test_what_is_said_or_not(store: Store) -> None:
    """Of some requests those are named that an unsent message is about, and those that are there."""
    for name in ("1", "2"):
        await _settle(store, name)
    await _message(store, "a", sent=NOON, about="1")
    await _message(store, "b", sent=None, about="2")
    await _message(store, "c", sent=None, about="3")
    async with store.read() as tx:
        assert set(await tx.retention.unsaid(ids("1", "2"))) == set(ids("2"))
        assert set(await tx.retention.stored(ids("2", "3"))) == set(ids("2"))
        assert set(await tx.retention.stored([])) == set()


async def test_old_clicks_go_unless_decided_by(store: Store) -> None:
    """A click that no decision stands on goes; the others are passed by, in pages."""
    await _settle(store, "1")
    async with store.write() as tx:
        for name, at in (("2", NOON + TICK), ("3", NOON + 2 * TICK), ("4", LATER)):
            await tx.inbox.add(replace(samples.click(name), at=at))
    async with store.write() as tx:
        first = await tx.retention.remove_clicks(LATER, behind=START, limit=2)
        second = await tx.retention.remove_clicks(LATER, behind=first.up_to, limit=2)
    assert [(each.count, each.looked_at) for each in (first, second)] == [(1, 2), (1, 1)]
    async with store.write() as tx:
        told = [
            await tx.inbox.add(replace(samples.click(name), id=IngressId(f"ing_again{name}")))
            for name in ("1", "2", "3", "4")
        ]
    assert told == [False, True, True, False]


async def test_sent_messages_go_and_unsent_ones_never(store: Store) -> None:
    """What was said goes, what waits stays, and so does what is set aside; whatever its age."""
    await _message(store, "a", sent=NOON)
    await _message(store, "b", sent=LATER)
    await _message(store, "c", sent=None)
    aside = await _message(store, "d", sent=None)
    async with store.write() as tx:
        await tx.outbox.set_aside(aside, NOON)
        await tx.set_aside.add(Aside(kind="outbox", id=aside, why="it is odd", at=NOON))
    async with store.write() as tx:
        removed = await tx.retention.remove_messages(LATER, behind=START, limit=9)
    assert (removed.count, removed.looked_at) == (1, 1)
    async with store.write() as tx:
        assert await tx.outbox.bring_back(aside, not_before=NOON) is not None
        assert len(await tx.outbox.take(LATER + LATER.resolution, lease=TICK, limit=9)) == 1


async def test_what_a_summary_is_still_to_tell_stays(store: Store) -> None:
    """Rows folded into a summary stay until it was said: it is drawn from them."""
    folded = await _message(store, "a", sent=None)
    summary = replace(
        samples.outgoing("s"), turn=Turn.SUMMARY, request=None, body=notice.body(notice.NeverShown())
    )
    async with store.write() as tx:
        await tx.outbox.add(summary)
        await tx.outbox.fold(folded, into=summary.id, at=NOON)
    async with store.write() as tx:
        assert (await tx.retention.remove_messages(LATER, behind=START, limit=9)).count == 0
        assert (await tx.outbox.folded(summary.id, limit=9)) is not None
        await tx.outbox.done(summary.id, NOON)
    async with store.write() as tx:
        assert (await tx.retention.remove_messages(LATER, behind=START, limit=9)).count == 2


def _spoken(name: str, at: datetime) -> tuple[Event, Sequence[Any]]:
    id_ = EventId(f"evt_{name}")
    values, texts = commit(id_, {"a": Written("yes"), "b": Written("no")}, salt=lambda: "s" * 43)
    return replace(samples.event(name), at=at, data=data(values)), texts


async def test_words_go_and_the_record_stays_whole(store: Store, clock: MovableClock) -> None:
    """The oldest words are erased, up to the instant; the chain still vouches for every event."""
    async with store.write() as tx:
        for name, at in (("1", NOON), ("2", NOON + TICK), ("3", LATER)):
            event, texts = _spoken(name, at)
            await tx.record.add(event, texts)
    async with store.write() as tx:
        links = link(await tx.record.unlinked(9), after=None)
        await tx.record.add_links(links)
    counts = []
    for _ in range(3):
        async with store.write() as tx:
            counts.append(await tx.retention.erase_words(LATER, limit=3))
    assert counts == [3, 1, 0]
    clock.advance(SEALING_DELAY)
    verdict = await seal.verify(store)
    assert isinstance(verdict, Verified)
    assert (verdict.events, verdict.erased) == (3, 4)


async def test_files_go_once_no_request_was_asked_under_them(store: Store) -> None:
    """Emptied is what was replaced long ago, before the oldest request was asked; that it was is kept."""
    async with store.write() as tx:
        for number, version in enumerate(("a", "b", "c", "d")):
            stored = StoredConfiguration(version=version, body=f"files of {version}")
            await tx.configurations.add(stored, at=NOON + number * TICK)
        await tx.fence.lock()
        await tx.fence.save(InForce(version="b", seq=4))
        await tx.requests.add(samples.request("1", asked_at=NOON + 2 * TICK))
    counts = []
    for before in (NOON + TICK, LATER, LATER):
        async with store.write() as tx:
            counts.append(await tx.retention.forget_configurations(before, limit=9))
    async with store.read() as tx:
        stored_ones = [await tx.configurations.get(version) for version in ("a", "b", "c", "d")]
    # a was replaced at +1, b is in force, c was replaced after the request was asked, d never was.
    assert counts == [0, 1, 0]
    assert [stored and stored.body for stored in stored_ones] == ["", *(f"files of {v}" for v in "bcd")]


async def test_since_when_the_oldest_is_kept(store: Store) -> None:
    """The oldest of each kind is found; of what there is none, nothing is said."""
    async with store.read() as tx:
        assert await tx.retention.oldest() == {}
    await _settle(store, "1", at=NOON + TICK)
    await _settle(store, "2", at=NOON + 2 * TICK)
    await _message(store, "a", sent=NOON + 3 * TICK)
    async with store.write() as tx:
        event, texts = _spoken("1", NOON + 4 * TICK)
        await tx.record.add(event, texts)
        await tx.configurations.add(StoredConfiguration(version="a", body=""), at=NOON)
        await tx.configurations.add(StoredConfiguration(version="b", body="{}"), at=NOON + 5 * TICK)
    async with store.read() as tx:
        assert await tx.retention.oldest() == {
            Kept.REQUESTS: NOON + TICK,
            Kept.CLICKS: NOON + TICK,
            Kept.MESSAGES: NOON + 3 * TICK,
            Kept.WORDS: NOON + 4 * TICK,
            Kept.CONFIGURATIONS: NOON + 5 * TICK,
        }


async def test_one_at_a_time_removes(postgresql: PostgresStore) -> None:
    """While one process removes, another does not wait: it is told so; and after it, it may."""
    async with postgresql.write() as tx:
        assert await tx.retention.hold()
        async with postgresql.write() as other:
            assert not await other.retention.hold()
    async with postgresql.write() as tx:
        assert await tx.retention.hold()


async def test_what_somebody_holds_is_passed_by(postgresql: PostgresStore) -> None:
    """A request that another transaction holds is not waited for, and stays this time."""
    for name in ("1", "2"):
        await _settle(postgresql, name)
    async with postgresql.write() as holder:
        await holder.requests.lock(RequestId("req_1"))
        async with postgresql.write() as tx:
            looked = await tx.requests.lock_settled(LATER, behind=START, limit=9)
    assert [request.id for request in looked.found] == ids("2")
