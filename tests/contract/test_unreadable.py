"""One row that cannot be read is one row: whoever asks for it is told, and nobody else is harmed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from escalation import notice
from escalation.audit import link
from escalation.errors import Unreadable
from escalation.ids import EventId, GrantId, OutboxId, PersonId, RequestId
from escalation.ports import Aside, Page, Pending, Sweep, Transaction
from escalation.request import Request
from escalation.service import seal
from escalation.store import Database
from escalation.switch import EVERYTHING, Scope, ScopeKind, Stop, Switch
from escalation.verification import Broken, Verified
from tests.contract import samples
from tests.contract.samples import MINUTE, NOON, SALMA
from tests.harness.vandal import Vandal

LATER = NOON + timedelta(hours=1)
BROKEN = RequestId("req_2")
#: A column of a request, what is put there, and what is said about it.
BREAKS = [
    ("words", "'{\"summary\": '", "words is not JSON"),
    ("words", "'[]'", "words is not what this version writes there"),
    ("words", '\'{"confidence": "1"}\'', "words has a confidence that this version cannot read"),
    ("subject", '\'{"amount":"4990.00"}\'', "subject does not have its digest"),
    ("approvers", "'{\"anybody\": true}'", "approvers is not what this version writes there"),
    ("approvers", "'[1]'", "approvers has a name that is no text"),
    ("state", "'waived'", "state is none that this version knows"),
    ("rung", "7", "rung is none that this version knows"),
    ("editing", "'anybody-may'", "editing is none that this version knows"),
    ("deadline", "NEVER", "deadline is no instant that this version can tell"),
    ("next_due_at", "nudge_at", "next_due_at is not when its next rung is due"),
    ("decided", "3", "decided counts more decisions than there are"),
]


@pytest.fixture
async def vandal(lasting: Database) -> Vandal:
    """Somebody with a shell on the database."""
    return Vandal(lasting)


async def _three(store: Database) -> list[Request]:
    async with store.write() as tx:
        return await samples.add_requests(tx, "1", "2", "3")


async def _urgent(tx: Transaction, like: Request) -> Sequence[Request]:
    return await tx.requests.most_urgent(like.terms.approvers, not_of=PersonId("nobody"), after=None, limit=9)


def _names(rows: list[Unreadable]) -> list[tuple[str, str, str]]:
    return [(row.kind, row.id, row.why) for row in rows]


@pytest.mark.parametrize(("column", "value", "why"), BREAKS, ids=lambda part: str(part)[:24])
async def test_its_neighbours_are_read(
    lasting: Database, vandal: Vandal, column: str, value: str, why: str
) -> None:
    """Of three requests that are due, a broken one is left out and named; asked for alone, it is an error."""
    first, _, third = await _three(lasting)
    await vandal.runs("UPDATE requests SET rung = 1, next_due_at = backup_at")
    first, third = (replace(each, rung=samples.nudged(each).rung) for each in (first, third))
    await vandal.sets("requests", column, value.replace("NEVER", vandal.never), of=BROKEN)
    async with lasting.write() as tx:
        assert await tx.requests.lock_due(LATER, 10) == [first, third]
        assert {each.id for each in await tx.requests.lock_pending(EVERYTHING, since=NOON, limit=9)} == {
            first.id,
            third.id,
        }
        assert await _urgent(tx, first) == [first, third]
        assert await tx.requests.page(Page(limit=10)) == [third, first]
    assert _names(lasting.unreadable.taken()) == [("requests", BROKEN, why)]
    for method in ("get", "lock"):
        async with lasting.write() as tx:
            with pytest.raises(Unreadable, match=f"requests req_2 cannot be read: {why}"):
                await getattr(tx.requests, method)(BROKEN)


async def test_text_that_is_no_text_harms_no_other(sqlite: Database) -> None:
    """In SQLite, one text that is no UTF-8 costs its own row and no other, read or leased."""
    first, _, third = await _three(sqlite)
    async with sqlite.write() as tx:
        for name in "123":
            await tx.outbox.add(samples.outgoing(name, lane=f"C{name}"))
    await Vandal(sqlite).sets("requests", "words", "CAST(x'ff' AS TEXT)", of=BROKEN)
    await Vandal(sqlite).sets("outbox", "body", "CAST(x'ff' AS TEXT)", of="out_2")
    async with sqlite.write() as tx:
        assert await tx.requests.lock_due(LATER, 10) == [first, third]
        taken = await tx.outbox.take(NOON, lease=MINUTE, limit=10)
    assert [each.id for each in taken] == ["out_1", "out_3"]
    assert _names(sqlite.unreadable.taken()) == [
        ("requests", BROKEN, "words is no text"),
        ("outbox", "out_2", "body is no text"),
    ]


async def test_more_than_we_know_is_ignored_where_it_decides_nothing(
    lasting: Database, vandal: Vandal
) -> None:
    """A newer version's key among the agent's words, or beside a question it is no part of, is ignored."""
    asked = replace(samples.request("1"), subject=samples.ASK, digest=samples.ASK.digest)
    async with lasting.write() as tx:
        await tx.requests.add(asked)
    more = 'replace({column}, \'"{known}":\', \'"mood": "grim", "{known}":\')'
    for column, known in (("words", "summary"), ("subject", "text")):
        await vandal.sets("requests", column, more.format(column=column, known=known), of=asked.id)
    async with lasting.read() as tx:
        assert await tx.requests.get(asked.id) == asked
    # Had the newer version asked something else by it, the digest would tell.
    await vandal.sets("requests", "digest", "'sha256:bb'", of=asked.id)
    async with lasting.read() as tx:
        with pytest.raises(Unreadable, match="subject does not have its digest"):
            await tx.requests.get(asked.id)


async def test_an_unknown_verdict_makes_its_request_unreadable(lasting: Database, vandal: Vandal) -> None:
    """A decision that cannot be read is not left out: nobody knows what the request came to."""
    async with lasting.write() as tx:
        await tx.inbox.add(samples.click())
        await tx.requests.add(samples.decided(samples.request(), samples.decision()))
    await vandal.sets("decisions", "verdict", "'abstain'", of="dec_1")
    async with lasting.read() as tx:
        with pytest.raises(Unreadable, match=r"requests req_1 .*verdict is none that this version knows"):
            await tx.requests.get(RequestId("req_1"))


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("state", "'lent'", "state is none that this version knows"),
        ("expires_at", "NEVER", "expires_at is no instant that this version can tell"),
        ("report_within", "9223372036854775807", "it makes no sense (OverflowError)"),
        ("next_due_at", "granted_at", "next_due_at is not when its time is over"),
        ("lease_until", "NEVER", "lease_until is no instant that this version can tell"),
        ("lease_until", "granted_at", "lease_until is of a claim that nobody made"),
        ("late_at", "granted_at", "late_report does not fit to the rest of the late report"),
        ("late_report", "'succeeded'", "late_report does not fit to the rest of the late report"),
        ("late_result", "'{}'", "late_report does not fit to the rest of the late report"),
    ],
)
async def test_a_broken_grant_is_one_grant(
    lasting: Database, vandal: Vandal, column: str, value: str, why: str
) -> None:
    """Grants that are due or unclaimed are found although one of them is broken; that one is no grant."""
    await _three(lasting)
    async with lasting.write() as tx:
        for name in "123":
            await tx.grants.add(samples.grant(name))
    await vandal.sets("grants", column, value.replace("NEVER", vandal.never), of="grt_2")
    async with lasting.write() as tx:
        assert [each.id for each in await tx.grants.lock_due(LATER, 10)] == ["grt_1", "grt_3"]
        assert {each.id for each in await tx.grants.lock_unclaimed(EVERYTHING, limit=9)} == {"grt_1", "grt_3"}
    assert _names(lasting.unreadable.taken()) == [("grants", "grt_2", why)]
    async with lasting.write() as tx:
        for asked in (tx.grants.lock(GrantId("grt_2")), tx.grants.of(BROKEN)):
            with pytest.raises(Unreadable):
                await asked


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("notice", "'fax'", "notice is none that this version knows"),
        ("body", '\'{"note":"Applauded"}\'', "body is no notice that this version knows"),
        ("body", "'{'", "body is no notice that this version knows"),
        ("turn", "-1", "turn is none that this version knows"),
    ],
)
async def test_a_broken_message_does_not_hold_up_the_others(
    lasting: Database, vandal: Vandal, column: str, value: str, why: str
) -> None:
    """A message that cannot be read is named; set aside, it is out of its lane until it is brought back."""
    async with lasting.write() as tx:
        for name in "123":
            await tx.outbox.add(samples.outgoing(name, lane="C1" if name == "3" else f"C{name}"))
    await vandal.sets("outbox", column, value, of="out_1")
    async with lasting.write() as tx:
        assert [each.id for each in await tx.outbox.take(NOON, lease=MINUTE, limit=10)] == ["out_2"]
    assert _names(lasting.unreadable.taken()) == [("outbox", "out_1", why)]
    async with lasting.write() as tx:
        await tx.outbox.set_aside(OutboxId("out_1"), NOON)
    async with lasting.write() as tx:
        assert [each.id for each in await tx.outbox.take(NOON, lease=MINUTE, limit=10)] == ["out_3"]
    with pytest.raises(Unreadable):
        async with lasting.write() as tx:
            await tx.outbox.bring_back(OutboxId("out_1"), not_before=NOON)


async def test_a_message_of_no_time_is_named(lasting: Database, vandal: Vandal) -> None:
    """A message written at an impossible instant is the last of its lane, and named when its turn comes."""
    async with lasting.write() as tx:
        for name in "12":
            await tx.outbox.add(samples.outgoing(name))
    await vandal.sets("outbox", "at", vandal.never, of="out_1")
    async with lasting.write() as tx:
        assert [each.id for each in await tx.outbox.take(NOON, lease=MINUTE, limit=10)] == ["out_2"]
        await tx.outbox.done(OutboxId("out_2"), NOON)
    async with lasting.write() as tx:
        assert await tx.outbox.take(NOON, lease=MINUTE, limit=10) == []
    assert [row.id for row in lasting.unreadable.taken()] == ["out_1"]


async def test_a_message_that_was_brought_back_is_said(store: Database) -> None:
    """What was set aside leaves its lane, and is in it again once it is brought back."""
    async with store.write() as tx:
        await tx.outbox.add(samples.outgoing())
        [taken] = await tx.outbox.take(NOON, lease=MINUTE, limit=10)
        await tx.outbox.set_aside(taken.id, NOON)
    async with store.write() as tx:
        assert await tx.outbox.take(LATER, lease=MINUTE, limit=10) == []
        back = await tx.outbox.bring_back(taken.id, not_before=LATER)
        assert back is not None
        assert back.body == notice.body(notice.Settled(state="rejected", text="Füße"))
    async with store.write() as tx:
        assert [each.id for each in await tx.outbox.take(LATER, lease=MINUTE, limit=10)] == [taken.id]
        assert await tx.outbox.bring_back(OutboxId("out_none"), not_before=LATER) is None


@pytest.mark.parametrize("column", ["stopped_at", "stopped_by"])
async def test_a_broken_switch_counts_as_stopped(lasting: Database, vandal: Vandal, column: str) -> None:
    """Nobody can tell whether a broken switch runs: what it covers stands still, and the others move."""
    agent, action = Scope(ScopeKind.AGENT, "bank"), Scope(ScopeKind.ACTION, "ledger.post")
    async with lasting.write() as tx:
        await tx.switches.share([agent, action])
        stopped = replace(Switch(scope=agent), stop=Stop(by=SALMA, at=NOON, reason="odd"), version=2)
        await tx.switches.save(stopped)
    value = vandal.never if column == "stopped_at" else "NULL"
    await vandal.sets("switches", column, value, of=str(agent), by="scope")
    async with lasting.write() as tx:
        found = {switch.scope: switch.stop for switch in await tx.switches.share([agent, action])}
        assert found[action] is None
        assert found[agent] is not None
        assert [switch.scope for switch in await tx.switches.stopped()] == [agent]
        assert (await tx.switches.lock(action)) == Switch(scope=action)
        with pytest.raises(Unreadable):
            await tx.switches.lock(agent)
    assert [row.id for row in lasting.unreadable.taken()] == [str(agent)]


async def test_a_switch_that_is_set_aside_counts_as_stopped(store: Database) -> None:
    """Whatever its row says, nothing in it goes on and nobody moves it, until it is released."""
    agent, action = Scope(ScopeKind.AGENT, "bank"), Scope(ScopeKind.ACTION, "ledger.post")
    aside = Aside(kind="switches", id=str(agent), why="it is odd", at=NOON)
    async with store.write() as tx:
        await tx.switches.share([agent, action])
        await tx.set_aside.add(aside)
    async with store.write() as tx:
        found = {switch.scope: switch.stop for switch in await tx.switches.share([agent, action])}
        assert (found[agent] is None, found[action]) == (False, None)
        for stopped in (await tx.switches.stopped(), await tx.switches.share_stopped()):
            assert [(each.scope, each.stop is None) for each in stopped] == [(agent, False)]
        with pytest.raises(Unreadable, match="it is odd"):
            await tx.switches.lock(agent)
        await tx.set_aside.remove(aside)
    async with store.write() as tx:
        assert await tx.switches.stopped() == await tx.switches.share_stopped() == []
        assert await tx.switches.lock(agent) == Switch(scope=agent)
    assert store.unreadable.taken() == []


async def test_half_a_stop_is_a_stop(lasting: Database, vandal: Vandal) -> None:
    """A switch that says who stopped it and not when is among what is stopped."""
    agent = Scope(ScopeKind.AGENT, "bank")
    async with lasting.write() as tx:
        await tx.switches.share([agent])
    await vandal.sets("switches", "stopped_by", "'salma'", of=str(agent), by="scope")
    async with lasting.write() as tx:
        for stopped in (await tx.switches.stopped(), await tx.switches.share_stopped()):
            assert [each.scope for each in stopped] == [agent]


async def test_a_sweep_of_an_unknown_scope_holds_up_no_other(lasting: Database, vandal: Vandal) -> None:
    """A stop that only a newer version knows is named, and the other stops are swept."""
    async with lasting.write() as tx:
        await tx.sweeps.add(Sweep(scope=EVERYTHING, version=2))
    new = "INSERT INTO sweeps (tenant, scope, version, killed, late, revoked) VALUES"
    await vandal.runs(f"{new} ('{samples.TENANT}', 'team:treasury', 2, 0, 0, 0)")
    async with lasting.read() as tx:
        assert await tx.sweeps.unfinished(9) == [Sweep(scope=EVERYTHING, version=2)]
    assert [(row.kind, row.id) for row in lasting.unreadable.taken()] == [("sweeps", "team:treasury")]


async def test_a_list_that_cannot_be_read_hides_no_other(lasting: Database, vandal: Vandal) -> None:
    """Lists of approvers are found although one is broken, and what is behind a broken request as well."""
    first, _, third = await _three(lasting)
    await vandal.sets("requests", "words", "'{'", of=BROKEN)
    async with lasting.read() as tx:
        everybody = first.terms.approvers
        found = await tx.requests.most_urgent(everybody, not_of=PersonId("nobody"), after=None, limit=2)
        assert found == [first, third]
    await vandal.sets("requests", "approvers", "'{'", of=BROKEN)
    async with lasting.read() as tx:
        assert await tx.requests.pending_approvers(9) == [everybody]


async def test_a_switch_of_an_unknown_kind_is_named(lasting: Database, vandal: Vandal) -> None:
    """A scope that a newer version stopped is left out of the list of stops, and named."""
    new = "INSERT INTO switches (tenant, scope, stopped_by, stopped_at, reason, version) VALUES"
    await vandal.runs(f"{new} ('{samples.TENANT}', 'team:treasury', 'salma', {vandal.never}, 'new', 2)")
    async with lasting.read() as tx:
        assert await tx.switches.stopped() == []
    assert [row.id for row in lasting.unreadable.taken()] == ["team:treasury"]


async def _record_four(store: Database) -> None:
    async with store.write() as tx:
        for name in "1234":
            await tx.record.add(samples.event(name))


async def _seal_all(tx: Transaction) -> None:
    events = await tx.record.unlinked(10)
    assert [event.id for event in events] == ["evt_1", "evt_2", "evt_3", "evt_4"]
    await tx.record.add_links(link(events, after=None))


async def test_every_event_is_linked_read_or_not(lasting: Database, vandal: Vandal) -> None:
    """An event of an unknown name or an impossible instant is linked in its turn, and shows any change."""
    await _record_four(lasting)
    await vandal.sets("audit_events", "name", "'request.applauded'", of="evt_2")
    await vandal.sets("audit_events", "at", vandal.never, of="evt_3")
    async with lasting.write() as tx:
        shown = await tx.record.page(agent=None, subject=None, limit=9)
        assert [entry.event.id for entry in shown if entry.event is not None] == [
            *("evt_1", "evt_2", "evt_3", "evt_4")
        ]
        await _seal_all(tx)
    assert _names(lasting.unreadable.taken()) == [("audit_events", "evt_3", "its instant is impossible")]
    async with lasting.read() as tx:
        assert await tx.record.get(EventId("evt_2")) is not None
        with pytest.raises(Unreadable, match="its instant is impossible"):
            await tx.record.get(EventId("evt_3"))
    verdict = await seal.verify(lasting)
    assert isinstance(verdict, Verified)
    assert (verdict.events, verdict.unsealed) == (4, 0)
    assert verdict.unknown == ("request.applauded at 2 (event evt_2, position 2)",)
    assert verdict.odd == ("at 3 (event evt_3, position 3): its instant is impossible",)
    await vandal.sets("audit_events", "actor", "'person:mallory'", of="evt_3")
    broken = await seal.verify(lasting)
    assert isinstance(broken, Broken)
    assert broken.place == "at 3 (event evt_3, position 3)"


async def test_an_event_without_a_text_is_linked_too(lasting: Database, vandal: Vandal) -> None:
    """An event that is too long to be linked as others are does not hold up those that follow it."""
    await _record_four(lasting)
    long = "hex(zeroblob(1500000))" if "Sqlite" in type(lasting).__name__ else "repeat('0', 3000000)"
    await vandal.sets("audit_events", "data", long, of="evt_2")
    async with lasting.write() as tx:
        await _seal_all(tx)
    assert isinstance(await seal.verify(lasting), Verified)


async def test_what_is_set_aside_is_met_by_nobody(store: Database) -> None:
    """A request and a grant that are set aside are in no list and due never; asked for, they are an error."""
    async with store.write() as tx:
        _, second, _ = await samples.add_requests(tx, "1", "2", "3")
        for name in "123":
            await tx.grants.add(samples.grant(name))
        for kind, id_ in (("requests", second.id), ("grants", "grt_2")):
            aside = Aside(kind=kind, id=id_, why="it is odd", at=NOON)
            assert await tx.set_aside.add(aside)
            assert not await tx.set_aside.add(aside)
    async with store.write() as tx:
        assert [each.id for each in await tx.requests.lock_due(LATER, 10)] == ["req_1", "req_3"]
        assert [each.id for each in await tx.requests.lock_pending(EVERYTHING, since=NOON, limit=9)] == [
            "req_1",
            "req_3",
        ]
        assert [each.id for each in await tx.requests.page(Page(limit=9))] == ["req_3", "req_1"]
        assert [each.id for each in await _urgent(tx, second)] == ["req_1", "req_3"]
        assert [each.id for each in await tx.grants.lock_due(LATER, 10)] == ["grt_1", "grt_3"]
        assert [each.id for each in await tx.grants.lock_unclaimed(EVERYTHING, limit=9)] == ["grt_1", "grt_3"]
        assert list(await tx.grants.among([RequestId(f"req_{name}") for name in "123"])) == ["req_1", "req_3"]
        assert dict(await tx.requests.pending_by_agent()) == {second.agent: 2}
        assert await tx.requests.count_pending(second.agent, second.channel, at_most=9) == Pending(
            of_agent=2, in_channel=2
        )
    async with store.read() as tx:
        for asked in (
            tx.requests.get(second.id),
            tx.requests.lock(second.id),
            tx.requests.by_key(second.agent, "key-2"),
            tx.grants.get(GrantId("grt_2")),
            tx.grants.lock(GrantId("grt_2")),
            tx.grants.of(second.id),
        ):
            with pytest.raises(Unreadable, match="it is odd"):
                await asked
    assert store.unreadable.taken() == []
    async with store.write() as tx:
        [grant, request] = await tx.set_aside.all(10)
        assert (grant.id, request.id) == ("grt_2", "req_2")
        assert await tx.set_aside.remove(request)
        assert not await tx.set_aside.remove(request)
    async with store.read() as tx:
        assert await tx.requests.get(second.id) == second
        assert await tx.set_aside.all(10) == await tx.set_aside.of("grt_2") == [grant]
        assert await tx.set_aside.of("req_2") == []


async def test_what_is_set_aside_is_never_due(store: Database) -> None:
    """Nothing is aimed at for a row that is set aside: the next to be due is the next that can be settled."""
    async with store.write() as tx:
        await tx.requests.add(samples.request("1"))
        await tx.grants.add(samples.grant("1"))
        for kind, id_ in (("requests", "req_1"), ("grants", "grt_1")):
            await tx.set_aside.add(Aside(kind=kind, id=id_, why="it is odd", at=NOON))
    async with store.read() as tx:
        assert (await tx.requests.next_due_at(), await tx.grants.next_due_at()) == (None, None)
        assert not await tx.requests.any_pending(EVERYTHING)
        assert not await tx.grants.any_unclaimed(EVERYTHING)
        assert await tx.requests.pending_approvers(9) == []


async def test_what_is_set_aside_is_in_no_summary(store: Database) -> None:
    """Nobody is told that a request ended which nobody can read."""
    ended = samples.settled(samples.request("1"))
    async with store.write() as tx:
        await tx.requests.add(ended)
        await tx.outbox.add(samples.outgoing("1", lane="C1", about="1"))
        assert await tx.outbox.foldable("C1", 9, now=NOON) == ["out_1"]
        await tx.set_aside.add(Aside(kind="requests", id=ended.id, why="it is odd", at=NOON))
    async with store.write() as tx:
        assert await tx.outbox.foldable("C1", 9, now=NOON) == []


async def test_an_impossible_aim_is_named(
    lasting: Database, vandal: Vandal, clock: samples.MovableClock
) -> None:
    """A row whose next instant cannot be told is due at once, and named: it is no reason not to aim."""
    async with lasting.write() as tx:
        await tx.requests.add(samples.request("1"))
        await tx.grants.add(samples.grant("1"))
    for table, id_ in (("requests", "req_1"), ("grants", "grt_1")):
        await vandal.sets(table, "next_due_at", vandal.never, of=id_)
    async with lasting.read() as tx:
        assert await tx.requests.next_due_at() == tx.now
        assert await tx.grants.next_due_at() == tx.now
    assert [row.id for row in lasting.unreadable.taken()] == ["req_1", "grt_1"]


async def test_an_unknown_rung_is_left_out(lasting: Database, vandal: Vandal) -> None:
    """A rung that a newer version climbed is left out of what is shown, and nothing else."""
    async with lasting.write() as tx:
        await tx.requests.add(samples.request("1"))
    await vandal.runs(
        "INSERT INTO rungs (tenant, request, rung, planned_at, actual_at)"
        " SELECT tenant, id, 7, asked_at, asked_at FROM requests"
    )
    async with lasting.read() as tx:
        assert await tx.steps.of(RequestId("req_1")) == []
    assert lasting.unreadable.taken() == []
