"""The port of the requests, over every store."""

from dataclasses import replace
from datetime import datetime

import pytest

from escalation.authority import Terms
from escalation.errors import StoreError
from escalation.ids import AgentName, PersonId, RequestId
from escalation.ladder import Rung
from escalation.ports import Asked, Page, Pending, Store
from escalation.request import Request, State, Verdict
from escalation.switch import EVERYTHING, Scope, ScopeKind
from tests.contract import samples
from tests.contract.samples import ASK, BANK, KHALID, LEGAL, MINUTE, NOON, SALMA, TICK


async def _get(store: Store, name: str = "1") -> Request | None:
    async with store.read() as tx:
        return await tx.requests.get(RequestId(f"req_{name}"))


async def test_a_proposal_comes_back_as_it_was_stored(store: Store) -> None:
    """Every field of a proposal survives, to the microsecond and the last character."""
    async with store.write() as tx:
        assert await tx.requests.add(samples.request())
    assert await _get(store) == samples.request()


async def test_a_question_comes_back_as_it_was_stored(store: Store) -> None:
    """A question keeps its options in order, and whether free text is allowed."""
    question = replace(samples.request(), subject=ASK, key=None, edits=RequestId("req_0"))
    async with store.write() as tx:
        await tx.requests.add(question)
    assert await _get(store) == question


async def test_what_is_not_there_is_nothing(store: Store) -> None:
    """An unknown id or key finds nothing, and nothing can be saved over it."""
    async with store.write() as tx:
        assert await tx.requests.get(RequestId("req_9")) is None
        assert await tx.requests.lock(RequestId("req_9")) is None
        assert await tx.requests.by_key(BANK, "key-9") is None
        assert not await tx.requests.save(samples.nudged(samples.request("9")))


async def test_a_key_is_taken_once(store: Store) -> None:
    """A second request of the same agent under the same key is refused and changes nothing."""
    async with store.write() as tx:
        assert await tx.requests.add(samples.request("1"))
    async with store.write() as tx:
        assert not await tx.requests.add(replace(samples.request("2"), key="key-1"))
    assert await _get(store, "2") is None
    async with store.read() as tx:
        assert await tx.requests.by_key(BANK, "key-1") == samples.request("1")


async def test_a_key_belongs_to_its_agent(store: Store) -> None:
    """Two agents may use the same key, and requests without a key never meet."""
    async with store.write() as tx:
        assert await tx.requests.add(samples.request("1"))
        assert await tx.requests.add(replace(samples.request("2", agent=LEGAL), key="key-1"))
        assert await tx.requests.add(replace(samples.request("3"), key=None))
        assert await tx.requests.add(replace(samples.request("4"), key=None))


async def test_the_same_id_twice_is_an_error(store: Store) -> None:
    """An id is given once; a second request under it is a fault of ours."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.requests.add(replace(samples.request(), key=None))


async def test_a_stale_writer_loses(store: Store) -> None:
    """Of two changes to the same version the first is stored, and the second is told so."""
    first = samples.nudged(samples.request())
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        assert await tx.requests.save(first)
        assert not await tx.requests.save(samples.settled(samples.request()))
    assert await _get(store) == first


async def test_a_version_is_not_skipped(store: Store) -> None:
    """A change that was made on a version nobody stored is refused."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        assert not await tx.requests.save(replace(samples.request(), version=3))


async def test_holding_a_request_does_not_help_a_stale_writer(store: Store) -> None:
    """Even whoever holds a request locked writes over the version that is there, and over no other."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.requests.save(samples.nudged(samples.request()))
    for version in (1, 2, 4):
        async with store.write() as tx:
            held = await tx.requests.lock(RequestId("req_1"))
            assert held == samples.nudged(samples.request())
            assert not await tx.requests.save(replace(samples.settled(samples.request()), version=version))
    async with store.write() as tx:
        held = await tx.requests.lock(RequestId("req_1"))
        assert held is not None
        assert await tx.requests.save(samples.settled(held))
        assert not await tx.requests.save(samples.settled(held))
    assert await _get(store) == samples.settled(samples.nudged(samples.request()))


async def test_what_was_asked_never_changes(store: Store) -> None:
    """Saving writes what a command may change, and nothing of what was asked."""
    forged = replace(samples.nudged(samples.request()), owner=SALMA, subject=ASK, channel="C99")
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        assert await tx.requests.save(forged)
    assert await _get(store) == samples.nudged(samples.request())


async def test_a_settled_request_stays_settled(store: Store) -> None:
    """Nothing reopens or re-settles what is settled, whatever version it claims."""
    rejected = samples.settled(samples.request())
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        assert await tx.requests.save(rejected)
        again = replace(rejected, version=3)
        assert not await tx.requests.save(replace(again, state=State.PENDING, settled_at=None))
        assert not await tx.requests.save(replace(again, state=State.APPROVED))
        assert not await tx.requests.save(replace(again, reason="other"))
        assert not await tx.requests.save(replace(again, follow=RequestId("req_2")))
    assert await _get(store) == rejected


@pytest.mark.parametrize("state", [State.TIMED_OUT, State.UNDELIVERABLE])
async def test_an_unanswered_request_learns_once_where_it_went_on(store: Store, state: State) -> None:
    """Asked again, a request that nobody answered names its successor; nothing else moves, and only once."""
    silent = samples.settled(samples.request(), state)
    follow = replace(silent, follow=RequestId("req_2"), version=3)
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.requests.save(silent)
        assert await tx.requests.save(replace(follow, reason="forged", rung=Rung.BACKUP))
        assert not await tx.requests.save(replace(follow, follow=RequestId("req_3"), version=4))
    assert await _get(store) == follow


async def test_a_pending_request_is_not_followed(store: Store) -> None:
    """A writer that believes a request timed out cannot point it elsewhere while it is pending."""
    early = replace(samples.settled(samples.request(), State.TIMED_OUT), follow=RequestId("req_2"))
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        assert not await tx.requests.save(early)
    assert await _get(store) == samples.request()


async def test_decisions_are_kept_in_order(store: Store) -> None:
    """Each save adds the new decision; earlier ones stay, and order and words with them."""
    one = samples.decided(samples.request(), samples.decision("1"))
    two = samples.decided(samples.nudged(one), samples.decision("2", person=KHALID, verdict=Verdict.REJECT))
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.inbox.add(samples.click("1"))
        assert await tx.requests.save(one)
    async with store.write() as tx:
        assert await tx.requests.save(samples.nudged(one))
        await tx.inbox.add(samples.click("2"))
        assert await tx.requests.save(two)
        assert await tx.requests.get(two.id) == two
    assert await _get(store) == two
    async with store.read() as tx:
        assert list(await tx.requests.page(Page(limit=9))) == [two]


async def test_no_decision_without_its_click(store: Store) -> None:
    """A decision that stands on no stored click cannot be stored."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.requests.save(samples.decided(samples.request(), samples.decision("1")))
    assert await _get(store) == samples.request()


async def test_nobody_approves_twice(store: Store) -> None:
    """The second approval of one person cannot be stored: a quorum counts people."""
    one = samples.decided(samples.request(), samples.decision("1"))
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.inbox.add(samples.click("1"))
        await tx.inbox.add(samples.click("2"))
        await tx.requests.save(one)
    with pytest.raises(StoreError):
        async with store.write() as tx:
            await tx.requests.save(samples.decided(one, samples.decision("2")))
    assert await _get(store) == one


async def test_settled_means_settled_at_some_moment(store: Store) -> None:
    """A settled request has the moment at which it was settled, a pending one has none."""
    for wrong in (
        replace(samples.request(), settled_at=NOON),
        replace(samples.request(), state=State.APPROVED),
    ):
        with pytest.raises(StoreError):
            async with store.write() as tx:
                await tx.requests.add(wrong)


async def test_due_requests_come_oldest_first(store: Store) -> None:
    """At an instant exactly those are due whose next instant has come, oldest first, as many as asked for."""
    early, late = samples.request("late"), replace(samples.request("early"), asked_at=NOON)
    early = replace(early, ladder=replace(early.ladder, nudge_at=NOON + 3 * MINUTE))
    async with store.write() as tx:
        for each in (late, early, samples.request("third")):
            await tx.requests.add(each)
        await tx.requests.add(samples.settled(samples.request("over")))
        assert await tx.requests.next_due_at() == NOON + 3 * MINUTE
        assert list(await tx.requests.lock_due(NOON + 3 * MINUTE - TICK, 9)) == []
        assert list(await tx.requests.lock_due(NOON + 3 * MINUTE, 9)) == [early]
        assert [due.id for due in await tx.requests.lock_due(NOON + 5 * MINUTE, 9)] == [
            "req_late",
            "req_early",
            "req_third",
        ]
        assert len(await tx.requests.lock_due(NOON + 5 * MINUTE, 2)) == 2


async def test_nothing_is_due_once_all_is_settled(store: Store) -> None:
    """A settled request is never due again, and without pending ones there is no next instant."""
    async with store.write() as tx:
        await tx.requests.add(samples.request())
        await tx.requests.save(samples.settled(samples.request()))
    async with store.write() as tx:
        assert await tx.requests.next_due_at() is None
        assert list(await tx.requests.lock_due(datetime.max.replace(tzinfo=NOON.tzinfo), 9)) == []


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (EVERYTHING, ["req_a", "req_b", "req_c"]),
        (Scope(ScopeKind.AGENT, BANK), ["req_a", "req_b"]),
        (Scope(ScopeKind.FUNCTION, "legal"), ["req_c"]),
        (Scope(ScopeKind.ACTION, "ledger.post"), ["req_a", "req_c"]),
        (Scope(ScopeKind.ACTION, "ledger"), []),
    ],
)
async def test_a_stop_finds_what_it_covers(store: Store, scope: Scope, covered: list[str]) -> None:
    """A stop finds every pending request of its scope, and no other."""
    async with store.write() as tx:
        await tx.requests.add(replace(samples.request("c", agent=LEGAL), function="legal"))
        await tx.requests.add(samples.request("a"))
        await tx.requests.add(replace(samples.request("b"), subject=ASK))
        await tx.requests.add(samples.settled(samples.request("d")))
    async with store.write() as tx:
        found = await tx.requests.lock_pending(scope, since=NOON, limit=9)
        assert [each.id for each in found] == covered
        assert await tx.requests.any_pending(scope) is bool(covered)


async def test_a_stop_goes_on_where_it_was(store: Store) -> None:
    """Batch after batch in the order in which they are due, from the instant of the last one on."""
    async with store.write() as tx:
        for number in range(5):
            await tx.requests.add(samples.request(str(number), asked_at=NOON + (5 - number) * MINUTE))
        first = await tx.requests.lock_pending(EVERYTHING, since=NOON, limit=2)
        since = first[-1].next_due_at
        assert since is not None
        rest = await tx.requests.lock_pending(EVERYTHING, since=since, limit=9)
        later = await tx.requests.lock_pending(EVERYTHING, since=since + TICK, limit=9)
    assert [found.id for found in first] == ["req_4", "req_3"]
    assert [found.id for found in rest] == ["req_3", "req_2", "req_1", "req_0"]
    assert [found.id for found in later] == ["req_2", "req_1", "req_0"]


async def test_pages_follow_each_other_newest_first(store: Store) -> None:
    """Page after page lists every request once, newest first."""
    async with store.write() as tx:
        await samples.add_requests(tx, "01", "03", "02")
    async with store.read() as tx:
        first = await tx.requests.page(Page(limit=2))
        rest = await tx.requests.page(Page(limit=2, after=first[-1].id))
    assert [found.id for found in (*first, *rest)] == ["req_03", "req_02", "req_01"]


async def test_pages_know_agents_and_states(store: Store) -> None:
    """A page holds only the agent and the states that were asked for."""
    async with store.write() as tx:
        await tx.requests.add(samples.request("1"))
        await tx.requests.add(samples.settled(samples.request("2")))
        await tx.requests.add(samples.request("3", agent=LEGAL))
        await tx.requests.add(samples.settled(samples.request("4"), State.TIMED_OUT))
    async with store.read() as tx:
        mine = await tx.requests.page(Page(limit=9), agent=BANK)
        over = await tx.requests.page(Page(limit=9), states=[State.REJECTED, State.TIMED_OUT])
        both = await tx.requests.page(Page(limit=9), agent=LEGAL, states=[State.PENDING])
    assert [[found.id for found in page] for page in (mine, over, both)] == [
        ["req_4", "req_2", "req_1"],
        ["req_4", "req_2"],
        ["req_3"],
    ]


async def test_a_persons_decisions_are_found_newest_first(store: Store) -> None:
    """What somebody decided is listed once each, by their last decision, newest first."""
    approve = samples.decision("1", at=NOON)
    reject = samples.decision("3", verdict=Verdict.REJECT, at=NOON + 2 * MINUTE)
    async with store.write() as tx:
        for name in ("1", "2", "3", "4"):
            await tx.inbox.add(samples.click(name))
        await tx.requests.add(samples.decided(samples.request("a"), approve, reject))
        await tx.requests.add(samples.decided(samples.request("b"), samples.decision("2", at=NOON + MINUTE)))
        await tx.requests.add(samples.decided(samples.request("c"), samples.decision("4", person=KHALID)))
    async with store.read() as tx:
        assert [found.id for found in await tx.requests.decided_by(SALMA, 9)] == ["req_a", "req_b"]
        assert [found.id for found in await tx.requests.decided_by(SALMA, 1)] == ["req_a"]
        assert list(await tx.requests.decided_by(PersonId("nobody"), 9)) == []


async def test_the_most_urgent_come_first(store: Store) -> None:
    """Of one list of approvers by deadline, however late it was asked, and page by page without a gap."""
    listed, others = ("treasury", "salma"), Terms(approvers=("salma",), quorum=1)
    async with store.write() as tx:
        await tx.requests.add(samples.request("1", asked_at=NOON + 2 * MINUTE))
        await tx.requests.add(samples.request("2", asked_at=NOON))
        await tx.requests.add(samples.settled(samples.request("3", asked_at=NOON)))
        await tx.requests.add(samples.request("4", asked_at=NOON + MINUTE))
        await tx.requests.add(samples.request("5", asked_at=NOON + MINUTE))
        await tx.requests.add(replace(samples.request("6"), terms=others))
    async with store.read() as tx:

        async def page(limit: int, after: Request | None = None, not_of: PersonId = SALMA) -> list[str]:
            found = await tx.requests.most_urgent(listed, not_of=not_of, after=after, limit=limit)
            return [request.id for request in found]

        assert await page(9) == ["req_2", "req_4", "req_5", "req_1"]
        assert await page(2) == ["req_2", "req_4"]
        assert await page(9, after=await tx.requests.get(RequestId("req_4"))) == ["req_5", "req_1"]
        assert await page(9, after=await tx.requests.get(RequestId("req_1"))) == []
        assert await page(9, not_of=PersonId("omar")) == []  # who owns them


async def test_lists_of_approvers_and_agents_that_wait_are_known(store: Store) -> None:
    """Each list that something pending was asked of, once; how much waits of each agent; nothing settled."""
    salma, khalid = (Terms(approvers=(name,), quorum=1) for name in ("salma", "khalid"))
    async with store.read() as tx:
        assert list(await tx.requests.pending_approvers(9)) == []
        assert await tx.requests.pending_by_agent() == {}
    async with store.write() as tx:
        for name in ("a", "b"):
            await tx.requests.add(samples.request(name))
        await tx.requests.add(replace(samples.request("c", agent=AgentName("other")), terms=salma))
        await tx.requests.add(replace(samples.settled(samples.request("d")), terms=khalid))
    async with store.read() as tx:
        assert set(await tx.requests.pending_approvers(9)) == {("treasury", "salma"), ("salma",)}
        assert len(await tx.requests.pending_approvers(9)) == 2
        assert len(await tx.requests.pending_approvers(1)) == 1
        assert await tx.requests.pending_by_agent() == {BANK: 2, "other": 1}


async def test_what_is_pending_is_counted_up_to_a_cap(store: Store) -> None:
    """By agent and by channel, no further than asked for; what is settled does not count."""
    elsewhere = replace(samples.request("d", agent=AgentName("other")), channel="C02ELSE")
    async with store.write() as tx:
        for name in ("a", "b", "c"):
            await tx.requests.add(samples.request(name))
        await tx.requests.add(elsewhere)
        await tx.requests.add(samples.settled(samples.request("e")))
    async with store.read() as tx:
        count = tx.requests.count_pending
        assert await count(samples.BANK, "C01FIN", at_most=9) == Pending(of_agent=3, in_channel=3)
        assert await count(samples.BANK, "C02ELSE", at_most=2) == Pending(of_agent=2, in_channel=1)
        assert await count(AgentName("nobody"), "C09", at_most=9) == Pending(of_agent=0, in_channel=0)


async def test_asks_are_counted_by_who_was_asked(store: Store) -> None:
    """After an instant, settled or not, by the exact list of approvers; what is not asked for is left out."""
    salma = Terms(approvers=("salma",), quorum=1)
    async with store.write() as tx:
        for minute, name in enumerate(("a", "b", "c")):
            await tx.requests.add(samples.request(name, asked_at=NOON + minute * MINUTE))
        await tx.requests.add(replace(samples.settled(samples.request("d")), terms=salma))
    both = [("treasury", "salma"), ("salma",), ("salma", "treasury")]
    async with store.read() as tx:
        assert await tx.requests.asked_since(NOON - MINUTE, both) == {
            ("treasury", "salma"): Asked(count=3, first=NOON),
            ("salma",): Asked(count=1, first=NOON),
        }
        assert await tx.requests.asked_since(NOON, both) == {
            ("treasury", "salma"): Asked(count=2, first=NOON + MINUTE)
        }
        assert await tx.requests.asked_since(NOON - MINUTE, [("salma",)]) == {
            ("salma",): Asked(count=1, first=NOON)
        }
        assert await tx.requests.asked_since(NOON - MINUTE, []) == {}
