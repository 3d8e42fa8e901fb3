"""The port of the audit record, over every store."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from escalation.audit import Entry, Event, Link, Seal, link
from escalation.errors import StoreError
from escalation.ids import EventId, RequestId
from escalation.ports import Store
from escalation.service import seal
from escalation.verification import Broken, Verified
from tests.contract import samples
from tests.contract.samples import LEGAL, NOON


async def _add(store: Store, *events: Event) -> None:
    async with store.write() as tx:
        for each in events:
            await tx.record.add(each)


async def _link_all(store: Store) -> Link:
    async with store.write() as tx:
        assert await tx.record.hold()
        links = link(await tx.record.unlinked(1000), after=await tx.record.last_link())
        await tx.record.add_links(links)
        await tx.record.add_seal(Seal(seq=links[-1].seq, hash=links[-1].hash, at=NOON))
    return links[-1]


async def _verify(store: Store) -> Verified | Broken:
    return await seal.verify(store)


def _ids(entries: Sequence[Entry]) -> list[str]:
    return [entry.event.id[4:] for entry in entries if entry.event is not None]


async def test_events_keep_the_order_they_were_added_in(store: Store) -> None:
    """Events without a link come in the order they were added, whatever their ids, and no more than asked."""
    await _add(store, samples.event("b"), samples.event("c", agent=None), samples.event("a"))
    async with store.read() as tx:
        found = await tx.record.unlinked(9)
        assert [each.event() for each in found] == [
            samples.event("b"),
            samples.event("c", agent=None),
            samples.event("a"),
        ]
        assert [each.position for each in found] == [1, 2, 3]
        assert [event.id for event in await tx.record.unlinked(2)] == ["evt_b", "evt_c"]
        assert await tx.record.count_unlinked() == 3


async def test_the_chain_grows_and_verifies(store: Store) -> None:
    """Linked in batches, the record verifies as a whole, and knows how much is not sealed yet."""
    await _add(store, samples.event("1"), samples.event("2"))
    assert (await _link_all(store)).seq == 2
    await _add(store, samples.event("3"))
    head = await _link_all(store)
    await _add(store, samples.event("4"))
    assert await _verify(store) == Verified(events=3, head=Seal(seq=3, hash=head.hash, at=NOON), unsealed=1)
    async with store.read() as tx:
        assert await tx.record.last_link() == head
        assert [seal.seq for seal in await tx.record.seals()] == [2, 3]


async def test_a_long_record_is_walked_to_its_end(store: Store) -> None:
    """A walk over more links than fit one reading yields each once, in order."""
    await _add(store, *(samples.event(f"{number:04}") for number in range(1001)))
    async with store.write() as tx:
        await tx.record.add_links(link(await tx.record.unlinked(2000), after=None))
    async with store.read() as tx:
        walked = [entry.link.seq async for entry in tx.record.walk() if entry.event and entry.link]
    assert walked == list(range(1, 1002))


async def test_an_empty_record_is_whole(store: Store) -> None:
    """A record without events has no links, no seals, and verifies."""
    assert await _verify(store) == Verified(events=0, head=None, unsealed=0)
    async with store.read() as tx:
        assert await tx.record.last_link() is None


async def test_an_event_is_linked_once(store: Store) -> None:
    """A second link of an event, a second link at a place, and a link of nothing are refused."""
    await _add(store, samples.event("1"), samples.event("2"))
    last = await _link_all(store)
    await _add(store, samples.event("3"))
    for wrong in (
        Link(seq=3, event=EventId("evt_1"), hash=last.hash),
        Link(seq=2, event=EventId("evt_3"), hash=last.hash),
        Link(seq=3, event=EventId("evt_9"), hash=last.hash),
    ):
        with pytest.raises(StoreError):
            async with store.write() as tx:
                await tx.record.add_links([wrong])
    async with store.read() as tx:
        assert await tx.record.last_link() == last
        assert await tx.record.count_unlinked() == 1


async def test_the_same_event_twice_is_an_error(store: Store) -> None:
    """An id is given once: the record cannot hold two events under it."""
    await _add(store, samples.event())
    with pytest.raises(StoreError):
        await _add(store, replace(samples.event(), subject="req_2"))
    async with store.read() as tx:
        assert [each.event() for each in await tx.record.unlinked(9)] == [samples.event()]


async def test_what_is_not_committed_cannot_be_linked(store: Store) -> None:
    """An event of a transaction that was rolled back is not in the record, and leaves no gap."""

    async def fail() -> None:
        async with store.write() as tx:
            await tx.record.add(samples.event("lost"))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await fail()
    await _add(store, samples.event("1"))
    assert (await _link_all(store)).seq == 1
    assert isinstance(await _verify(store), Verified)


async def test_the_newest_events_are_found(store: Store) -> None:
    """Events of an agent, or about a subject: the newest as many as asked for, the oldest of them first."""
    await _add(
        store,
        samples.event("d"),
        samples.event("c", agent=LEGAL, subject="req_2"),
        samples.event("b", subject="req_2"),
        samples.event("a"),
    )
    async with store.read() as tx:
        page = tx.record.page
        found = {
            "all": await page(agent=None, subject=None, limit=9),
            "two": await page(agent=None, subject=None, limit=2),
            "agent": await page(agent="bank-reconciliation", subject=None, limit=9),
            "two of agent": await page(agent="bank-reconciliation", subject=None, limit=2),
            "subject": await page(agent=None, subject="req_2", limit=9),
            "one of subject": await page(agent=None, subject="req_2", limit=1),
            "both": await page(agent="bank-reconciliation", subject="req_2", limit=9),
            "nothing": await page(agent=None, subject="req_3", limit=9),
        }
    assert {name: "".join(_ids(entries)) for name, entries in found.items()} == {
        "all": "dcba",
        "two": "ba",
        "agent": "dba",
        "two of agent": "ba",
        "subject": "cb",
        "one of subject": "b",
        "both": "b",
        "nothing": "",
    }


async def test_about_a_request_is_what_became_of_it(store: Store) -> None:
    """About a request are its grant, and what it was edited or asked again into, with theirs; no more."""
    follows = {"1": RequestId("req_2"), "2": RequestId("req_3"), "3": None, "4": None}
    async with store.write() as tx:
        for name, follow in follows.items():
            request = samples.request(name)
            assert await tx.requests.add(replace(request, follow=follow))
        for name in ("1", "3", "4"):
            await tx.grants.add(samples.grant(name))
    await _add(
        store,
        samples.event("asked"),
        samples.event("other", subject="req_4"),
        samples.event("granted", agent=LEGAL, subject="grt_1"),
        samples.event("also", subject="grt_4"),
        samples.event("edited", subject="req_2"),
        samples.event("again", subject="req_3"),
        samples.event("claimed", subject="grt_3"),
    )
    async with store.read() as tx:
        page = tx.record.page
        found = {
            "request": await page(agent=None, subject="req_1", limit=9),
            "newest": await page(agent=None, subject="req_1", limit=2),
            "of an agent": await page(agent="contract-review", subject="req_1", limit=9),
            "edit": await page(agent=None, subject="req_2", limit=9),
            "other": await page(agent=None, subject="req_4", limit=9),
            "grant": await page(agent=None, subject="grt_1", limit=9),
        }
    assert {name: _ids(entries) for name, entries in found.items()} == {
        "request": ["asked", "granted", "edited", "again", "claimed"],
        "newest": ["again", "claimed"],
        "of an agent": ["granted"],
        "edit": ["edited", "again", "claimed"],
        "other": ["other", "also"],
        "grant": ["granted"],
    }
