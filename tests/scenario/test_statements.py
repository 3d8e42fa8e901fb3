"""What people and agents look at costs as many statements with fifty rows as with one."""

from collections.abc import Awaitable, Callable, Mapping

import pytest

from escalation.grant import GrantState
from escalation.ids import AgentName, PersonId
from escalation.ports import Page
from escalation.request import State
from escalation.service import deliver, doctor, queries, retention
from tests.harness.statements import asked
from tests.scenario.conftest import OpenStore
from tests.scenario.world import AGENT, World, world

SALMA, AGENT_NAME = PersonId("salma"), AgentName(AGENT)
#: As many as a page shows; a second page is another question.
FIFTY = 50
_Look = Callable[[], Awaitable[object]]


def looks(room: World) -> Mapping[str, _Look]:
    """Return everything that shows a list, or looks for work, by its name."""
    core, page = room.core, Page(limit=FIFTY)
    return {
        "an agent's requests": lambda: queries.listed(core, AGENT_NAME, states=(), page=page),
        "those in a state": lambda: queries.listed(core, AGENT_NAME, states=(State.APPROVED,), page=page),
        "those in two": lambda: queries.listed(
            core, AGENT_NAME, states=(State.PENDING, State.APPROVED), page=page
        ),
        "my queue": lambda: queries.queue(core, SALMA, limit=FIFTY),
        "what I decided": lambda: queries.decided_by(core, SALMA, limit=FIFTY),
        "what waits": lambda: queries.waiting(core),
        "what is stopped": lambda: queries.stopped(core),
        "the record": lambda: queries.events(core, agent=AGENT, subject=None, limit=FIFTY),
        "what is set aside": lambda: doctor.findings(core, limit=FIFTY),
        "what is not delivered": lambda: deliver.undelivered(core),
        "what was kept for its term": lambda: retention.due(core),
    }


async def counts(room: World) -> dict[str, int]:
    """Return how many statements each look takes now."""
    return {name: len(await asked(room.store, look)) for name, look in looks(room).items()}


async def some(room: World, number: int) -> None:
    """Let *number* postings be approved, one way, and as many be asked that wait."""
    for each in range(number):
        approved = await room.approved(memo=f"Approved {number}-{each}")
        assert (await room.agent.grant_of(approved))["state"] == GrantState.GRANTED.value
        await room.agent.asks(memo=f"Waits {number}-{each}")


@pytest.mark.parametrize("any_store", ["sqlite", "postgresql"], indirect=True)
async def test_a_list_is_a_constant_number_of_statements(any_store: OpenStore) -> None:
    """One row or fifty: each list, queue and look for work asks the database as often."""
    async with world(store=any_store) as room:
        await some(room, 1)
        with_one = await counts(room)
        await some(room, FIFTY - 1)
        assert await counts(room) == with_one
        assert all(number >= 1 for number in with_one.values()), with_one
        assert max(with_one.values()) <= 6, with_one
        shown = await queries.queue(room.core, SALMA, limit=FIFTY)
        assert len(shown.shown) == FIFTY


@pytest.mark.parametrize("any_store", ["sqlite"], indirect=True)
async def test_a_queue_reads_no_more_than_it_shows(any_store: OpenStore) -> None:
    """Whoever looks at three of fifty has three read, and one more that tells that there are others."""
    async with world(store=any_store) as room:
        for each in range(FIFTY):
            await room.agent.asks(memo=f"Waits {each}")
        found = await queries.queue(room.core, SALMA, limit=3)
        assert (len(found.shown), found.more) == (3, True)
        seen = await asked(room.store, lambda: queries.queue(room.core, SALMA, limit=3))
        [rows] = [sql for sql in seen if "requests.deadline, requests.id" in sql and "subject" in sql]
        assert "LIMIT 4" in rows
        pending = looks(room)["those in two"]
        # Each state by its own index, and never a walk of the agent's history that leaves out the rest.
        [rows, *_] = await asked(room.store, pending)
        assert rows.count("state = '") == 2
