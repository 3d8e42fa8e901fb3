"""Four replicas on one PostgreSQL, each sharing commits among its own callers: everything counts once."""

import asyncio
from contextlib import AsyncExitStack

from bench import work
from bench.databases import check, core_of
from escalation.audit import EventName
from escalation.ids import RequestId
from escalation.request import State
from escalation.service.context import Core, Counted
from escalation.service.decide import Approve, decide
from escalation.service.propose import Proposed, propose
from escalation.store.postgres import PostgresStore
from tests.harness.databases import Postgres

_REQUESTS = 1_000
_EVENTS = (
    EventName.REQUEST_ASKED,
    EventName.DECISION_MADE,
    EventName.REQUEST_APPROVED,
    EventName.GRANT_GRANTED,
)


async def _ask(core: Core) -> RequestId:
    proposed = await propose(core, work.proposal())
    assert isinstance(proposed, Proposed)
    return proposed.request.id


async def _decide_everywhere(cores: list[Core], request: RequestId) -> list[bool]:
    """Deliver one and the same click to every replica at once; return which of them counted it."""
    click = work.click()
    outcomes = await asyncio.gather(*(decide(core, click, request, Approve()) for core in cores))
    for outcome in outcomes:
        assert isinstance(outcome, Counted)
        assert outcome.request.state is State.APPROVED
    return [not outcome.repeated for outcome in outcomes if isinstance(outcome, Counted)]


async def test_a_thousand_requests_under_four_replicas(postgres: Postgres, database: str) -> None:
    """Each of a thousand proposals is stored once and decided once, with one event for each step."""
    url = postgres.url_of(database)
    async with AsyncExitStack() as replicas:
        cores = [await replicas.enter_async_context(core_of(url)) for _ in range(4)]
        asked = await asyncio.gather(*(_ask(cores[number % 4]) for number in range(_REQUESTS)))
        assert len(set(asked)) == _REQUESTS
        # A few clicks reach two replicas, as Slack may send them; they count once.
        pairs = [
            cores[number % 4 : number % 4 + 2] if number % 10 == 0 else [cores[number % 4]]
            for number in range(_REQUESTS)
        ]
        counted = await asyncio.gather(*map(_decide_everywhere, pairs, asked))
        assert {each.count(True) for each in counted} == {1}
        for core in cores:
            assert isinstance(core.store, PostgresStore)
            assert max(core.store.group_sizes) > 1
    rows = await postgres.execute(
        "SELECT name, count(*), count(DISTINCT subject) FROM audit_events GROUP BY name", database=database
    )
    found = {name: (count, subjects) for name, count, subjects in rows}
    assert {name.value: found[name.value] for name in _EVENTS} == {
        name.value: (_REQUESTS, _REQUESTS) for name in _EVENTS
    }
    await check(url, approved=_REQUESTS)
