"""Whoever gets past the database's guards is found; and words are erased while the record stays whole."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from escalation.audit import SEALING_DELAY, Event, Link, Seal, Standing, data, link, standing
from escalation.commitment import Written, commit
from escalation.errors import StoreError
from escalation.ports import Store
from escalation.service import seal
from escalation.store.postgres import PostgresStore
from escalation.store.sqlite import SqliteStore
from escalation.verification import Broken, Verified
from tests.contract import samples
from tests.contract.samples import NOON, TICK, MovableClock

#: Of the triggers those that refuse; the others put events in line.
_GUARDS = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit_%_no_%'"


async def _sql(store: Store, statement: str) -> None:
    """Run *statement* with the database in hand, as anybody may who has a client."""
    if isinstance(store, SqliteStore):
        with closing(sqlite3.connect(store._path, isolation_level=None)) as file:
            file.execute(statement)
        return
    assert isinstance(store, PostgresStore)
    server = await asyncpg.connect(store._url)
    try:
        await server.execute(statement)
    finally:
        await server.close()


async def _past_guards(store: Store, *statements: str) -> None:
    """Run *statements* as whoever owns the database and takes its triggers away."""
    if isinstance(store, SqliteStore):
        with closing(sqlite3.connect(store._path, isolation_level=None)) as file:
            for (trigger,) in file.execute(_GUARDS).fetchall():
                file.execute(f"DROP TRIGGER {trigger}")
            for statement in statements:
                file.execute(statement)
        return
    await _sql(store, ";".join(("SET session_replication_role = replica", *statements)))


def _said(name: str, **words: str) -> tuple[Event, Sequence[Any]]:
    event = samples.event(name)
    salt = f"salt-of-{name}-".ljust(43, "x")
    values, texts = commit(event.id, {k: Written(v) for k, v in words.items()}, salt=lambda: salt)
    return replace(event, data=data(values)), texts


async def _recorded(store: Store, *names: str, linked: bool = True) -> list[Link]:
    async with store.write() as tx:
        for name in names:
            event, texts = _said(name, reason=f"because of {name}", answer="لأن")
            await tx.record.add(event, texts)
    async with store.write() as tx:
        links = link(await tx.record.unlinked(99), after=await tx.record.last_link()) if linked else []
        await tx.record.add_links(links)
        if links:
            await tx.record.add_seal(Seal(seq=links[-1].seq, hash=links[-1].hash, at=NOON))
    return links


async def _broken(store: Store) -> Broken:
    verdict = await seal.verify(store)
    assert isinstance(verdict, Broken), verdict
    return verdict


async def _standings(store: Store) -> list[tuple[str, Standing]]:
    async with store.read() as tx:
        page = await tx.record.page(agent=None, subject=None, limit=99)
    return [(entry.event.id[4:], standing(entry)) for entry in page if entry.event is not None]


async def test_words_are_kept_with_their_event(store: Store) -> None:
    """What an event commits to is read back with it, on a walk and on a page, and with no other."""
    await _recorded(store, "1", "2")
    async with store.read() as tx:
        walked = [entry async for entry in tx.record.walk()]
        paged = await tx.record.page(agent=None, subject="req_1", limit=9)
    for entries in (walked, paged):
        said = [{text.field: text.text for text in entry.texts} for entry in entries]
        assert said == [
            {"reason": "because of 1", "answer": "لأن"},
            {"reason": "because of 2", "answer": "لأن"},
        ]
    assert isinstance(await seal.verify(store), Verified)


async def test_words_go_with_a_transaction_that_fails(store: Store) -> None:
    """Words are committed with their event or not at all."""
    event, texts = _said("1", reason="never said")

    async def fail() -> None:
        async with store.write() as tx:
            await tx.record.add(event, texts)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await fail()
    await _recorded(store, "1")
    async with store.read() as tx:
        [entry] = [entry async for entry in tx.record.walk()]
    assert {text.text for text in entry.texts} == {"because of 1", "لأن"}


async def test_erased_words_leave_the_record_whole(lasting: Store) -> None:
    """Text and salt deleted, the chain and its seals verify as before, and say that words are gone."""
    [*_, head] = await _recorded(lasting, "1", "2", "3")
    noted = Seal(seq=head.seq, hash=head.hash, at=NOON)
    await _sql(lasting, "DELETE FROM audit_texts WHERE event = 'evt_2'")
    assert await seal.verify(lasting, noted=noted) == Verified(events=3, head=noted, erased=2)
    await _sql(lasting, "DELETE FROM audit_texts")
    assert await seal.verify(lasting, noted=noted) == Verified(events=3, head=noted, erased=6)
    assert [how for _, how in await _standings(lasting)] == [Standing.CHAINED] * 3


async def test_words_are_never_changed(lasting: Store) -> None:
    """The database refuses other words; put there past its guards, they are found, with their place."""
    await _recorded(lasting, "1", "2")
    change = "UPDATE audit_texts SET text = 'all is well' WHERE event = 'evt_2' AND field = 'reason'"
    with pytest.raises((sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)):
        await _sql(lasting, change)
    assert isinstance(await seal.verify(lasting), Verified)
    await _past_guards(lasting, change)
    broken = await _broken(lasting)
    assert (broken.seq, broken.event, broken.position) == (2, "evt_2", 2)
    assert broken.why == "its reason is not what was recorded"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM audit_unlinked",
        "UPDATE audit_unlinked SET position = 9",
        "INSERT INTO audit_unlinked (tenant, position) VALUES ('T01ANDON', 1)",
        "INSERT INTO audit_unlinked (tenant, position) VALUES ('T01ANDON', 99)",
    ],
)
async def test_nobody_steps_out_of_line(lasting: Store, change: str) -> None:
    """Of what waits for a link nothing is taken, moved or put: rows come with events and go with links."""
    await _recorded(lasting, "1")
    await _recorded(lasting, "2", linked=False)
    with pytest.raises((sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)):
        await _sql(lasting, change)
    await _recorded(lasting, "3")
    assert await seal.verify(lasting) == replace(await _whole(lasting), events=3, unsealed=0)


async def _whole(store: Store) -> Verified:
    verdict = await seal.verify(store)
    assert isinstance(verdict, Verified), verdict
    return verdict


async def test_the_line_is_not_emptied(postgresql: Store) -> None:
    """PostgreSQL empties neither the line, nor the words, nor the notes at a stroke."""
    for table in ("audit_unlinked", "audit_texts", "audit_notes"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="only ever added"):
            await _sql(postgresql, f"TRUNCATE {table}")


async def test_an_event_taken_out_of_line_is_found(lasting: Store) -> None:
    """An event that nothing would ever link any more is no part of a whole record, and is shown as such."""
    await _recorded(lasting, "1")
    await _recorded(lasting, "2", linked=False)
    await _past_guards(lasting, "DELETE FROM audit_unlinked WHERE position = 2")
    await _recorded(lasting, "3")
    broken = await _broken(lasting)
    assert (broken.seq, broken.event, broken.position) == (None, "evt_2", 2)
    assert await _standings(lasting) == [
        ("1", Standing.CHAINED),
        ("3", Standing.CHAINED),
        ("2", Standing.BESIDE),
    ]


@pytest.mark.parametrize("position", [-7, 2, 4_000_000_000])
async def test_an_event_put_beside_the_chain_is_found(lasting: Store, position: int) -> None:
    """A row of events that was inserted where no trigger saw it is found, wherever it stands."""
    await _recorded(lasting, "1")
    at = "1793000000000000" if isinstance(lasting, SqliteStore) else "'2026-10-26'"
    given = "" if isinstance(lasting, SqliteStore) else "OVERRIDING SYSTEM VALUE"
    await _past_guards(
        lasting,
        f"INSERT INTO audit_events (tenant, position, id, at, name, actor, subject, agent, data) {given}"  # noqa: S608  # ours
        f" VALUES ('{samples.TENANT}', {position}, 'evt_x', {at}, 'request.approved', 'person:salma',"
        " 'req_1', NULL, '{{}}')",
        "DELETE FROM audit_unlinked",
    )
    broken = await _broken(lasting)
    assert (broken.seq, broken.event, broken.position) == (None, "evt_x", position)
    assert await _standings(lasting) == [("1", Standing.CHAINED), ("x", Standing.BESIDE)]


async def test_rows_that_changed_places_are_found(lasting: Store) -> None:
    """Positions say in which order things happened: two that were exchanged are found, not shown as true."""
    await _recorded(lasting, "1", "2", "3")
    pairs = ((2, 99), (3, 2), (99, 3))
    if isinstance(lasting, PostgresStore):
        await _past_guards(lasting, "ALTER TABLE audit_events ALTER COLUMN position DROP IDENTITY")
    await _past_guards(
        lasting,
        *(f"UPDATE audit_events SET position = {new} WHERE position = {old}" for old, new in pairs),  # noqa: S608  # ours
    )
    broken = await _broken(lasting)
    assert (broken.seq, broken.event, broken.position) == (2, "evt_2", 3)
    assert broken.why == "its row was moved: it was linked at position 2"
    assert await _standings(lasting) == [
        ("1", Standing.CHAINED),
        ("2", Standing.CHANGED),
        ("3", Standing.CHANGED),
    ]


async def test_an_event_that_waits_too_long_is_found(store: Store, clock: MovableClock) -> None:
    """Links come in seconds: an event that waits for longer than the delay is named, and since when."""
    await _recorded(store, "1")
    await _recorded(store, "2", linked=False)
    clock.advance(SEALING_DELAY)
    assert (await _whole(store)).unsealed == 1
    clock.advance(TICK)
    broken = await _broken(store)
    assert (broken.event, broken.position) == ("evt_2", 2)
    assert broken.why.startswith("it was never linked, since 2026-11-20T12:00:00.123456Z")


#: Rows that no version of ours wrote, and what is said of them.
_FOREIGN = {
    "name": ("UPDATE audit_events SET name = 'request.frobbed' WHERE position = 2",) * 2,
    "far instant": (
        "UPDATE audit_events SET at = 9000000000000000000 WHERE position = 2",
        "UPDATE audit_events SET at = '90000-01-01' WHERE position = 2",
    ),
    "no instant": (
        "UPDATE audit_events SET at = 'soon' WHERE position = 2",
        "UPDATE audit_events SET at = 'infinity' WHERE position = 2",
    ),
    "early instant": (
        "UPDATE audit_events SET at = -9000000000000000000 WHERE position = 2",
        "UPDATE audit_events SET at = '4000-01-01 BC' WHERE position = 2",
    ),
    "bytes": (
        "UPDATE audit_events SET data = x'00ff' WHERE position = 2",
        "UPDATE audit_events SET data = '[' WHERE position = 2",
    ),
}


@pytest.mark.parametrize("what", _FOREIGN)
async def test_a_row_that_nobody_can_read_is_named(lasting: Store, what: str) -> None:
    """An unknown name, an impossible instant, broken bytes: verify and show name the row, and go on."""
    await _recorded(lasting, "1", "2", "3")
    for_sqlite, for_postgresql = _FOREIGN[what]
    await _past_guards(lasting, for_sqlite if isinstance(lasting, SqliteStore) else for_postgresql)
    broken = await _broken(lasting)
    assert broken.place == "at 2 (event evt_2, position 2)"
    assert await _standings(lasting) == [
        ("1", Standing.CHAINED),
        ("2", Standing.CHANGED),
        ("3", Standing.CHAINED),
    ]


async def test_a_row_that_is_no_event_holds_up_nobody(lasting: Store) -> None:
    """A row that is no event is linked in its turn by what stands in it, and named; the others as ever."""
    await _recorded(lasting, "1", "2", "3", linked=False)
    impossible = "9000000000000000000" if isinstance(lasting, SqliteStore) else "'infinity'"
    await _past_guards(lasting, f"UPDATE audit_events SET at = {impossible} WHERE position = 2")  # noqa: S608  # ours
    async with lasting.write() as tx:
        links = link(await tx.record.unlinked(99), after=None)
        await tx.record.add_links(links)
    assert [each.event for each in links] == ["evt_1", "evt_2", "evt_3"]
    assert (await _whole(lasting)).odd == ("at 2 (event evt_2, position 2): its instant is impossible",)
    another = "-9000000000000000000" if isinstance(lasting, SqliteStore) else "'-infinity'"
    await _past_guards(lasting, f"UPDATE audit_events SET at = {another} WHERE position = 2")  # noqa: S608  # ours
    broken = await _broken(lasting)
    assert broken.place == "at 2 (event evt_2, position 2)"
    assert broken.why == "it was changed: its instant is impossible"


async def test_events_come_in_the_chains_order(store: Store) -> None:
    """Where links are in another order than rows, the chain's order counts; what waits comes last."""
    async with store.write() as tx:
        for name in ("a", "b", "c"):
            await tx.record.add(samples.event(name))
    async with store.write() as tx:
        first, second, third = await tx.record.unlinked(9)
        await tx.record.add_links(link([third, first], after=None))
    assert await _standings(store) == [
        ("c", Standing.CHAINED),
        ("a", Standing.CHAINED),
        ("b", Standing.WAITING),
    ]
    assert second.position == 2


async def test_a_seal_is_noted_once(store: Store) -> None:
    """The last seal that was noted outside is known, with the instant of the note."""
    async with store.read() as tx:
        assert await tx.record.last_note() is None
    links = await _recorded(store, "1", "2")
    notes = [Seal(seq=each.seq, hash=each.hash, at=NOON + each.seq * timedelta(minutes=5)) for each in links]
    for note in notes:
        async with store.write() as tx:
            await tx.record.add_note(note)
    async with store.read() as tx:
        assert await tx.record.last_note() == notes[-1]
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.record.add_note(notes[0])
