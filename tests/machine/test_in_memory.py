"""Histories in memory: how they are drawn, told and repeated, and as many of them as there is time for."""

from datetime import datetime, timedelta

import pytest

from escalation.clock import Clock
from escalation.ports import Store
from escalation.store.memory import MemoryStore
from tests.machine.backends import MEMORY, of_this_process
from tests.machine.histories import Found, run
from tests.machine.sight import seen

#: Histories in one test; `make prove` plays on from there for as long as it has time.
_AT_A_TIME = 75


@pytest.mark.slow
@pytest.mark.no_cover  # to count costs more than to play; others count what they pass through
@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, 6 * _AT_A_TIME, _AT_A_TIME))
async def test_every_history_keeps_every_promise(first: int) -> None:
    """Whatever people, agents, clocks, deaths and Slack do, the service does what it has to, and no more."""
    for seed in range(first, first + _AT_A_TIME):
        await run(MEMORY, seed)


async def test_one_seed_is_one_history() -> None:
    """What a seed found is found again: the same moves, the same answers, the same ids."""
    told = []
    for _ in range(2):
        play = await run(MEMORY, 7)
        told.append((play.done, play.answers, play.house.requests, await seen(play.house)))
    assert told[0] == told[1]
    assert len(told[0][0]) > 40


class _Hasty:
    """A clock that is a microsecond ahead."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now() + timedelta(microseconds=1)


async def test_what_is_not_true_is_found_and_told_in_few_words() -> None:
    """A database whose clock is a microsecond ahead is found, and one step is enough to show it."""

    def open_store(clock: Clock) -> Store:
        return MemoryStore(_Hasty(clock))

    with pytest.raises(Found, match="asked_at is") as found:
        await run(of_this_process("hasty", open_store), 1)
    _, history = str(found.value).split("for `replay`:\n")
    assert history.count("\n") == 2, history
    assert "Ask(" in history
