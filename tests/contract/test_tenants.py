"""Two tenants in one database: nothing of the one is seen, changed or taken by the other."""

import gc
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import chain, combinations
from typing import Any, TypeAlias

import pytest
from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

import escalation.store
from escalation.audit import Seal, link
from escalation.commitment import Disclosure
from escalation.errors import StoreError
from escalation.ids import EventId, GrantId, KeyId, OutboxId, PersonId, RequestId
from escalation.ladder import Rung
from escalation.ports import (
    Again,
    Aside,
    Card,
    InForce,
    Key,
    Looked,
    OutboxKind,
    Page,
    Pending,
    Place,
    Step,
    Store,
    StoredConfiguration,
    Sweep,
    Transaction,
)
from escalation.store import record, requests
from escalation.store.change import Change, Insertion
from escalation.store.lookup import Lookup
from escalation.store.memory import MemoryDatabase, MemoryStore
from escalation.store.postgres import batch
from escalation.store.statement import Statement
from escalation.store.tables import metadata
from escalation.switch import EVERYTHING, Stop, Switch
from tests.contract import samples
from tests.contract.samples import BANK, MINUTE, NOON, SALMA, TENANT, MovableClock

Probe: TypeAlias = Callable[[Transaction], Awaitable[Any]]

OTHER = "T02OTHER"
_LATER = NOON + 60 * MINUTE
_STOPPED = Switch(scope=EVERYTHING, stop=Stop(by=SALMA, at=NOON, reason="because"), version=2)
_EVERYBODY = ("treasury", "salma")
_REQUEST, _GRANT, _MESSAGE = RequestId("req_1"), GrantId("grt_1"), OutboxId("out_1")
_KEY = Key(id=KeyId("key_1"), agent=BANK, hash="h1", created_at=NOON)
_ASIDE = Aside(kind="grants", id="grt_9", why="state is unknown", at=NOON)
_SUMMARY = OutboxId("out_s")


async def _list(rows: AsyncIterator[Any]) -> list[Any]:
    return [row async for row in rows]


#: Every question that a store answers, and what it says to a tenant who has nothing.
_READS: Mapping[str, tuple[Probe, Any]] = {
    "requests.get": (lambda tx: tx.requests.get(_REQUEST), None),
    "requests.lock": (lambda tx: tx.requests.lock(_REQUEST), None),
    "requests.by_key": (lambda tx: tx.requests.by_key(BANK, "key-1"), None),
    "requests.lock_due": (lambda tx: tx.requests.lock_due(_LATER, 9), []),
    "requests.lock_pending": (lambda tx: tx.requests.lock_pending(EVERYTHING, since=NOON, limit=9), []),
    "requests.any_pending": (lambda tx: tx.requests.any_pending(EVERYTHING), False),
    "requests.next_due_at": (lambda tx: tx.requests.next_due_at(), None),
    "requests.page": (lambda tx: tx.requests.page(Page(limit=9)), []),
    "requests.pending_approvers": (lambda tx: tx.requests.pending_approvers(9), []),
    "requests.most_urgent": (
        lambda tx: tx.requests.most_urgent(_EVERYBODY, not_of=PersonId("x"), after=None, limit=9),
        [],
    ),
    "requests.pending_by_agent": (lambda tx: tx.requests.pending_by_agent(), {}),
    "requests.count_pending": (
        lambda tx: tx.requests.count_pending(BANK, "C01FIN", at_most=9),
        Pending(of_agent=0, in_channel=0),
    ),
    "requests.asked_since": (lambda tx: tx.requests.asked_since(NOON - MINUTE, [_EVERYBODY]), {}),
    "requests.among": (lambda tx: tx.requests.among([_REQUEST]), {}),
    "requests.lock_settled": (
        lambda tx: tx.requests.lock_settled(_LATER, behind=Place(), limit=9),
        Looked(found=[], count=0, up_to=Place()),
    ),
    "requests.decided_by": (lambda tx: tx.requests.decided_by(SALMA, 9), []),
    "grants.get": (lambda tx: tx.grants.get(_GRANT), None),
    "grants.lock": (lambda tx: tx.grants.lock(_GRANT), None),
    "grants.of": (lambda tx: tx.grants.of(_REQUEST), None),
    "grants.among": (lambda tx: tx.grants.among([_REQUEST]), {}),
    "grants.open": (lambda tx: tx.grants.open(9), []),
    "grants.lock_due": (lambda tx: tx.grants.lock_due(_LATER, 9), []),
    "grants.lock_unclaimed": (lambda tx: tx.grants.lock_unclaimed(EVERYTHING, limit=9), []),
    "grants.any_unclaimed": (lambda tx: tx.grants.any_unclaimed(EVERYTHING), False),
    "grants.next_due_at": (lambda tx: tx.grants.next_due_at(), None),
    "switches.share_stopped": (lambda tx: tx.switches.share_stopped(), []),
    "switches.stopped": (lambda tx: tx.switches.stopped(), []),
    "switches.lock": (lambda tx: tx.switches.lock(EVERYTHING), None),
    "sweeps.of": (lambda tx: tx.sweeps.of(_STOPPED), None),
    "sweeps.lock": (lambda tx: tx.sweeps.lock(Sweep(scope=EVERYTHING, version=2)), None),
    "sweeps.unfinished": (lambda tx: tx.sweeps.unfinished(9), []),
    "outbox.summary_of": (lambda tx: tx.outbox.summary_of("C01FIN"), None),
    "outbox.folded": (lambda tx: tx.outbox.folded(_SUMMARY, limit=9), None),
    "outbox.foldable": (lambda tx: tx.outbox.foldable("C01FIN", 9, now=NOON), []),
    "outbox.card_in_doubt": (lambda tx: tx.outbox.card_in_doubt(_REQUEST, now=NOON), None),
    "outbox.count_asks": (lambda tx: tx.outbox.count_asks(), 0),
    "outbox.refused": (lambda tx: tx.outbox.refused(9), []),
    "outbox.waits": (lambda tx: tx.outbox.waits("C01FIN", OutboxKind.CARD), False),
    "outbox.next_due_at": (lambda tx: tx.outbox.next_due_at(), None),
    "cards.get": (lambda tx: tx.cards.get(_REQUEST), None),
    "cards.among": (lambda tx: tx.cards.among([_REQUEST]), {}),
    "steps.of": (lambda tx: tx.steps.of(_REQUEST), []),
    "keys.by_hash": (lambda tx: tx.keys.by_hash("h1"), None),
    "keys.all": (lambda tx: tx.keys.all(), []),
    "record.unlinked": (lambda tx: tx.record.unlinked(9), []),
    "record.get": (lambda tx: tx.record.get(EventId("evt_1")), None),
    "record.last_link": (lambda tx: tx.record.last_link(), None),
    "record.last_seal": (lambda tx: tx.record.last_seal(), None),
    "record.seals": (lambda tx: tx.record.seals(), []),
    "record.last_note": (lambda tx: tx.record.last_note(), None),
    "record.walk": (lambda tx: _list(tx.record.walk()), []),
    "record.walk_beside": (lambda tx: _list(tx.record.walk_beside()), []),
    "record.hash_at": (lambda tx: tx.record.hash_at(1), None),
    "record.count_unlinked": (lambda tx: tx.record.count_unlinked(), 0),
    "record.page": (lambda tx: tx.record.page(agent=None, subject="req_1", limit=9), []),
    "configurations.get": (lambda tx: tx.configurations.get("v1"), None),
    "fence.read": (lambda tx: tx.fence.read(), InForce()),
    "fence.share": (lambda tx: tx.fence.share(), InForce()),
    "retention.oldest": (lambda tx: tx.retention.oldest(), {}),
    "retention.unsaid": (lambda tx: tx.retention.unsaid([_REQUEST]), set()),
    "retention.stored": (lambda tx: tx.retention.stored([_REQUEST]), set()),
    "set_aside.all": (lambda tx: tx.set_aside.all(9), []),
    "set_aside.of": (lambda tx: tx.set_aside.of("grt_9"), []),
}

#: Every change that a store makes, tried by a stranger on what is not theirs. Most change nothing; some fail.
_WRITES: Mapping[str, Probe] = {
    "requests.add": lambda tx: tx.requests.add(samples.request("x")),
    "requests.save": lambda tx: tx.requests.save(_theirs(samples.settled(samples.request()))),
    "grants.add": lambda tx: tx.grants.add(samples.grant("x")),
    "grants.save": lambda tx: tx.grants.save(_theirs(replace(samples.grant(), version=2))),
    "switches.ensure": lambda tx: tx.switches.ensure([EVERYTHING]),
    "switches.share": lambda tx: tx.switches.share([EVERYTHING]),
    "switches.save": lambda tx: tx.switches.save(Switch(scope=EVERYTHING, version=3)),
    "sweeps.add": lambda tx: tx.sweeps.add(Sweep(scope=EVERYTHING, version=2, killed=99)),
    "sweeps.count": lambda tx: tx.sweeps.count(Sweep(scope=EVERYTHING, version=2, killed=9)),
    "sweeps.finish": lambda tx: tx.sweeps.finish(Sweep(scope=EVERYTHING, version=2), NOON),
    "outbox.add": lambda tx: tx.outbox.add(samples.outgoing("card_x", kind=OutboxKind.CARD)),
    "outbox.take": lambda tx: tx.outbox.take(_LATER, lease=MINUTE, limit=9),
    "outbox.done": lambda tx: tx.outbox.done(_MESSAGE, NOON),
    "outbox.retry": lambda tx: tx.outbox.retry(_MESSAGE, Again(not_before=_LATER, error="x", cleared=9)),
    "outbox.fold": lambda tx: tx.outbox.fold(_MESSAGE, into=_SUMMARY, at=NOON),
    "outbox.set_aside": lambda tx: tx.outbox.set_aside(_MESSAGE, NOON),
    "outbox.bring_back": lambda tx: tx.outbox.bring_back(_MESSAGE, not_before=_LATER),
    "cards.put": lambda tx: tx.cards.put(Card(request=_REQUEST, channel="C99", ts="9.9")),
    "inbox.add": lambda tx: tx.inbox.add(samples.click("1")),
    "steps.add": lambda tx: tx.steps.add(
        Step(request=_REQUEST, rung=Rung.NUDGED, planned_at=_LATER, actual_at=_LATER)
    ),
    "keys.add": lambda tx: tx.keys.add(replace(_KEY, id=KeyId("key_x"))),
    "keys.revoke": lambda tx: tx.keys.revoke(_KEY.id, NOON),
    "record.add": lambda tx: tx.record.add(samples.event("x")),
    "record.hold": lambda tx: tx.record.hold(),
    "record.add_links": lambda tx: tx.record.add_links(
        link([samples.stored(samples.event("2"), 2)], after=None)
    ),
    "record.add_seal": lambda tx: tx.record.add_seal(Seal(seq=2, hash=_a_hash(), at=NOON)),
    "record.add_note": lambda tx: tx.record.add_note(Seal(seq=2, hash=_a_hash(), at=NOON)),
    "configurations.add": lambda tx: tx.configurations.add(_stored("theirs"), at=NOON),
    "fence.lock": lambda tx: tx.fence.lock(),
    "fence.save": lambda tx: tx.fence.save(InForce(version="v9", seq=9)),
    "sweeps.reopen": lambda tx: tx.sweeps.reopen(Sweep(scope=EVERYTHING, version=2)),
    "retention.hold": lambda tx: tx.retention.hold(),
    "retention.remove_requests": lambda tx: tx.retention.remove_requests([_REQUEST], clicks_before=_LATER),
    "retention.remove_clicks": lambda tx: tx.retention.remove_clicks(_LATER, behind=Place(), limit=9),
    "retention.remove_messages": lambda tx: tx.retention.remove_messages(_LATER, behind=Place(), limit=9),
    "retention.erase_words": lambda tx: tx.retention.erase_words(_LATER, limit=9),
    "retention.forget_configurations": lambda tx: tx.retention.forget_configurations(_LATER, limit=9),
    "set_aside.add": lambda tx: tx.set_aside.add(_ASIDE),
    "set_aside.remove": lambda tx: tx.set_aside.remove(_ASIDE),
}


def _theirs(row: Any) -> Any:
    return replace(row, tenant=OTHER)


def _a_hash() -> Any:
    [first] = link([samples.stored(samples.event(), 1)], after=None)
    return first.hash


def _stored(body: str) -> StoredConfiguration:
    return StoredConfiguration(version="v1", body=body)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def both(request: pytest.FixtureRequest, clock: MovableClock) -> tuple[Store, Store]:
    """Two stores on one database, ours and theirs."""
    if request.param == "memory":
        database = MemoryDatabase()
        ours, theirs = MemoryStore(clock, database), MemoryStore(clock, database)
        ours.open_for(TENANT)
        theirs.open_for(OTHER)
        return ours, theirs
    url = f"sqlite+aiosqlite:///{request.getfixturevalue('file')}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").url_of(request.getfixturevalue("database"))
    return samples.opened(url, clock), samples.opened(url, clock, tenant=OTHER)


@pytest.fixture
async def two(both: tuple[Store, Store]) -> AsyncIterator[tuple[Store, Store]]:
    """The same, with something of ours in every table."""
    ours, theirs = both
    await _fill(ours, "")
    yield ours, theirs
    for store in both:
        await store.close()


async def _fill(store: Store, suffix: str) -> None:
    # Ids are drawn, and never drawn twice; everything else both tenants may choose alike.
    def own(row: Any) -> Any:
        return _theirs(row) if suffix else row

    request = own(replace(samples.request(f"1{suffix}"), key="key-1"))
    async with store.write() as tx:
        await tx.fence.lock()
        await tx.fence.save(InForce(version="v1", seq=1))
        await tx.configurations.add(_stored(f"files{suffix}"), at=NOON)
        assert await tx.requests.add(request)
        assert await tx.inbox.add(samples.click(f"1{suffix}", fingerprint="print"))
        assert await tx.requests.save(samples.decided(request, samples.decision(f"1{suffix}")))
        await tx.grants.add(own(samples.grant(f"1{suffix}")))
        await tx.steps.add(Step(request=request.id, rung=Rung.NUDGED, planned_at=NOON, actual_at=NOON))
        await tx.cards.put(Card(request=request.id, channel="C01FIN", ts="1.1"))
        await tx.keys.add(replace(_KEY, id=KeyId(f"key_1{suffix}"), hash=f"h1{suffix}"))
        await tx.switches.ensure([EVERYTHING])
        assert await tx.switches.save(_STOPPED)
        await tx.sweeps.add(Sweep(scope=EVERYTHING, version=2, killed=1))
        assert await tx.set_aside.add(_ASIDE)
        await tx.outbox.add(samples.outgoing(f"1{suffix}", about=f"1{suffix}"))
        await tx.outbox.add(samples.outgoing(f"c{suffix}", kind=OutboxKind.CARD, about=f"1{suffix}"))
        for name in "12":
            event = samples.event(f"{name}{suffix}")
            await tx.record.add(event, [Disclosure(event=event.id, field="why", salt="s", text="words")])
    async with store.write() as tx:
        [first] = link(await tx.record.unlinked(1), after=None)
        await tx.record.add_links([first])
        await tx.record.add_seal(Seal(seq=1, hash=first.hash, at=NOON))
        await tx.record.add_note(Seal(seq=1, hash=first.hash, at=NOON))


async def _everything(store: Store) -> dict[str, Any]:
    found = {}
    async with store.write() as tx:
        for name, (probe, _) in _READS.items():
            answer = await probe(tx)
            found[name] = list(answer) if isinstance(answer, tuple) else answer
    return found


async def test_a_stranger_sees_nothing(two: tuple[Store, Store]) -> None:
    """Each question that is asked for another tenant is answered as in an empty database."""
    ours, theirs = two
    empty = {name: nothing for name, (_, nothing) in _READS.items()}
    assert await _everything(theirs) == empty
    async with theirs.read() as tx:
        for name, (probe, nothing) in _READS.items():
            if ".lock" not in name and ".share" not in name:
                answer = await probe(tx)
                assert (answer or nothing) == nothing, name
    # A question whose answer is empty for everybody would prove nothing.
    seen = await _everything(ours)
    silent = {"outbox.summary_of", "outbox.folded", "outbox.foldable", "outbox.count_asks"}
    silent |= {"outbox.card_in_doubt", "outbox.refused", "requests.lock_settled"}
    assert {name for name, found in seen.items() if found == empty[name]} == silent


async def test_a_stranger_changes_nothing(two: tuple[Store, Store]) -> None:
    """Whatever is tried under another tenant with our ids and keys, everything of ours stays as it is."""
    ours, theirs = two
    before = await _everything(ours)
    for name, write in _WRITES.items():
        with suppress(StoreError):
            async with theirs.write() as tx:
                await write(tx)
        assert await _everything(ours) == before, name


async def test_both_may_choose_the_same(two: tuple[Store, Store]) -> None:
    """Idempotency keys, clicks, versions, scopes and places in the chain are each tenant's own."""
    ours, theirs = two
    before = await _everything(ours)
    await _fill(theirs, "_t")
    assert await _everything(ours) == before
    async with theirs.write() as tx:
        again = await tx.requests.by_key(BANK, "key-1")
        assert again is not None
        assert (again.id, again.tenant) == ("req_1_t", OTHER)
        assert await tx.configurations.get("v1") == _stored("files_t")
        assert [entry.event.id for entry in await _list(tx.record.walk())] == ["evt_1_t"]
        assert not await tx.inbox.add(samples.click("2_t", fingerprint="print"))
        assert [each.id for each in await tx.outbox.take(_LATER, lease=MINUTE, limit=9)] == ["out_1_t"]


async def test_a_row_of_another_tenant_is_refused(store: Store) -> None:
    """A store takes no request and no grant that says it is somebody else's."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        with pytest.raises(StoreError, match="another tenant"):
            await tx.requests.add(_theirs(samples.request("2")))
        with pytest.raises(StoreError, match="another tenant"):
            await tx.grants.add(_theirs(samples.grant()))


async def test_who_is_new_hears_of_the_others(two: tuple[Store, Store]) -> None:
    """That a database serves somebody else is told by name, and to nobody else is it news."""
    ours, theirs = two
    told = []
    for store in (ours, theirs):
        async with store.read() as tx:
            told.append(list(await tx.fence.others()))
    assert told == [[], [TENANT]]


async def test_without_a_tenant_nothing_is_read(two: tuple[Store, Store], clock: MovableClock) -> None:
    """A store that was opened for nobody neither reads nor writes, and one that is somebody's stays so."""
    nobody = MemoryStore(clock)
    for opened in (nobody.read, nobody.write):
        with pytest.raises(StoreError, match="for no tenant"):
            async with opened() as tx:
                await tx.requests.get(_REQUEST)
    with pytest.raises(StoreError, match="no name"):
        nobody.open_for("")
    ours, _ = two
    ours.open_for(TENANT)
    with pytest.raises(StoreError, match="another tenant"):
        ours.open_for(OTHER)


def test_every_method_of_a_store_is_tried() -> None:
    """What is added to a port is added here: what nobody tried is not known to keep tenants apart."""
    ports = {
        name: found.fget.__annotations__["return"]
        for name, found in vars(Transaction).items()
        if isinstance(found, property) and name != "now" and found.fget is not None
    }
    methods = {
        f"{name}.{method}"
        for name, port in ports.items()
        for method in vars(port)
        if not method.startswith("_")
    }
    # Whoever serves a new workspace is told of those that are there, and of nothing else of theirs.
    assert methods == set(_READS) | set(_WRITES) | {"fence.others"}


# --- the statements themselves ---------------------------------------------------------------------------


def _statements() -> list[Statement]:
    for module in pkgutil.walk_packages(escalation.store.__path__, "escalation.store."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
    for page, filters in ((requests._page, ("agent", "states")), (record._page, ("agent", "subject"))):
        for some in chain.from_iterable(combinations(filters, count) for count in range(len(filters) + 1)):
            page(frozenset(some))
    return [found for found in gc.get_objects() if isinstance(found, Statement) and _is_of_the_store(found)]


def _is_of_the_store(statement: Statement) -> bool:
    return statement.tables <= set(metadata.tables)


def _sql_of(statement: Statement) -> list[str]:
    found = [statement.prepared(dialect).sql for dialect in ("sqlite", "postgresql")]
    match statement:
        case Lookup():
            if len(statement.by) == 1:
                found.append(statement.many.prepared("sqlite").sql)
            found.append(statement.many.prepared("postgresql").sql)
        case Insertion():
            found += [statement.asking_one.sql, statement.asking_many.sql]
        case _:
            pass
    if isinstance(statement, Change):
        found += [batch._few_rows(((statement, 2),)).sql, batch._many_rows((statement,)).sql]
    return found


_NAMED = re.compile(r"""\b(FROM|JOIN|UPDATE|INTO|,)\s+(\w+)(?![\w.])(?:\s+AS\s+"?(\w+)"?)?(\s*\([^)]*\))?""")


def _left_open(sql: str) -> list[str]:
    """Return the tables that *sql* names without their tenant."""
    named: Counter[str] = Counter()
    for how, table, alias, columns in _NAMED.findall(sql):
        if table not in metadata.tables:
            continue
        if how == "INTO":
            if not re.search(r"\btenant\b", columns):
                return [table]
        else:
            named[alias or table] += 1
    return [
        name
        for name, count in named.items()
        if len(re.findall(rf'\b{name}"?\.tenant (?:=|!=) ', sql)) < count
    ]


def test_every_statement_says_whose_rows() -> None:
    """No statement of the store names a table without the tenant; each of them is walked."""
    found = _statements()
    assert len(found) > 70
    open_ = {sql: _left_open(sql) for statement in found for sql in _sql_of(statement)}
    assert {sql: names for sql, names in open_.items() if names} == {}
    tables = frozenset[str]().union(*(statement.tables for statement in found))
    assert tables == set(metadata.tables)


def test_the_walk_knows_a_statement_without_a_tenant() -> None:
    """What says the tenant of one of two tables, or of one of two mentions of a table, is found."""
    assert _left_open("SELECT 1 FROM requests WHERE requests.id = ?") == ["requests"]
    assert _left_open("SELECT 1 FROM requests WHERE requests.tenant = ?") == []
    both = "SELECT 1 FROM grants JOIN requests ON requests.id = grants.request WHERE grants.tenant = ?"
    assert _left_open(both) == ["requests"]
    twice = "UPDATE outbox SET x = 1 WHERE id IN (SELECT id FROM outbox WHERE outbox.tenant = ?)"
    assert _left_open(twice) == ["outbox"]
    assert _left_open("SELECT 1 FROM audit_links AS before WHERE audit_links.tenant = ?") == ["before"]
    assert _left_open("INSERT INTO cards (request, ts) VALUES (?, ?)") == ["cards"]
    assert _left_open("DELETE FROM cards WHERE request = ?") == ["cards"]


#: Drawn by ``escalation.ids``, counted by the database, or the hash of something drawn.
_DRAWN = {"id", "request", "event", "position", "ingress", "hash"}


def test_every_key_that_can_be_chosen_is_a_tenants_own() -> None:
    """A unique key of a table has the tenant in it, unless it holds something that is never drawn twice."""
    for table in metadata.tables.values():
        assert not table.c.tenant.nullable
        keys: list[Any] = [
            *(
                each
                for each in table.constraints
                if isinstance(each, UniqueConstraint | PrimaryKeyConstraint)
            ),
            *(each for each in table.indexes if each.unique),
        ]
        for key in keys:
            names = {column.name for column in key.columns}
            assert "tenant" in names or names & _DRAWN, f"{table.name}: {sorted(names)}"
