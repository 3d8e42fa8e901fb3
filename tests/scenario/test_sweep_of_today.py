"""A stop of a function ends what its agents wait for, also what they asked for another function."""

from collections.abc import AsyncIterator

import pytest

from escalation.reason import Reason, Refused
from escalation.request import Request, State
from escalation.service import sweep
from escalation.service.context import Counted
from escalation.service.stop import Moved, resume
from escalation.switch import scope
from tests.scenario.conftest import OpenStore
from tests.scenario.replicas import Replica, replicas
from tests.scenario.rules import MANIFEST, Change, changed, with_second_agent
from tests.scenario.test_sweep import NADIA, START, pulls, sweeps
from tests.scenario.test_use_cases import by
from tests.scenario.world import MovableClock

TRAVEL = scope("function:travel")
#: The agent of the shipped configuration works for another function.
MOVED = changed(Change(MANIFEST, "function: finance", "function: travel"))


@pytest.fixture
async def pair(any_store: OpenStore) -> AsyncIterator[list[Replica]]:
    """Two processes over one database, in each kind of it; neither beats by itself."""
    async with replicas(any_store, MovableClock()) as found:
        yield found


async def _state(replica: Replica, request: Request) -> State:
    async with replica.core.store.read() as tx:
        found = await tx.requests.get(request.id)
    assert found is not None
    return found.state


async def test_what_was_asked_for_another_function_ends_untouched(pair: list[Replica]) -> None:
    """Nobody comes round to what an agent asked before it moved: the stop of its function ends it."""
    here, _ = pair
    granted = await here.approves("salma", await here.asked())
    assert isinstance(granted, Counted)
    waits = await here.asked(memo="Nobody looks at it")
    await here.puts_in_force(MOVED)
    await here.follows()
    await pulls(here.core, TRAVEL)
    await sweeps(here.core)
    assert isinstance(await resume(here.core, by(NADIA, "resume"), TRAVEL), Moved)
    assert await _state(here, waits) is State.KILLED
    refused = await here.claims(granted.grant)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.GRANT_REVOKED


async def test_who_left_the_function_is_held_for_what_it_asked_there(pair: list[Replica]) -> None:
    """What was asked for the function that is stopped ends, whatever its agent does today."""
    here, _ = pair
    waits = await here.asked()
    await here.puts_in_force(MOVED)
    await here.follows()
    await pulls(here.core, scope("function:finance"))
    await sweeps(here.core)
    assert await _state(here, waits) is State.KILLED


async def test_an_older_replica_does_not_call_the_sweep_finished(pair: list[Replica]) -> None:
    """A process that missed the move finds nothing to end; it learns of the move before it says so."""
    here, behind = pair
    waits = await here.asked()
    await here.puts_in_force(MOVED)
    await here.follows()
    await pulls(here.core, TRAVEL)
    (found,) = await sweep.unfinished(behind.core)
    assert (await sweep.end_requests(behind.core, found, since=START, batch=9)).count == 0
    assert not await sweep.finish(behind.core, found)
    assert await _state(here, waits) is State.PENDING
    await sweeps(behind.core)
    assert await _state(here, waits) is State.KILLED


async def test_who_joins_a_stopped_function_is_ended_before_its_resume(pair: list[Replica]) -> None:
    """The sweep was through when the agent moved under the stop: nobody resumes until it went again."""
    here, _ = pair
    await here.puts_in_force(with_second_agent())
    await here.follows()
    waits = await here.asked()
    await pulls(here.core, TRAVEL)
    await sweeps(here.core)
    assert await _state(here, waits) is State.PENDING
    await here.puts_in_force(MOVED)
    refused = await resume(here.core, by(NADIA, "1"), TRAVEL)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.STILL_ENDING
    await sweeps(here.core)
    assert await _state(here, waits) is State.KILLED
    assert isinstance(await resume(here.core, by(NADIA, "2"), TRAVEL), Moved)
