"""Bursts of deadlines, in virtual time: every one is settled once, never early, and at its instant."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escalation.engine import deadlines
from escalation.engine.module import Progress
from escalation.engine.runner import Runner
from escalation.ids import RequestId, Ulids
from escalation.ladder import Ladder, Rung
from escalation.ports import Step, Transaction
from escalation.request import State
from escalation.service.context import Core
from escalation.store.memory import MemoryStore
from escalation.wakeups.local import LocalWakeups
from tests.contract.samples import request
from tests.harness.virtual_time import in_virtual_time
from tests.scenario.rules import shipped

_EPOCH = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_MICROSECOND = timedelta.resolution
#: Seconds between two beats of the engine.
_BEAT = 1.0
#: Seconds: the precision of a timer.
_PRECISION = 0.002


@dataclass(slots=True, kw_only=True)
class SkewedClock:
    """The store's clock: some way off this machine's, and a little faster or slower."""

    off: timedelta
    rate: float
    _began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    def now(self) -> datetime:
        elapsed = asyncio.get_running_loop().time() - self._began
        return _EPOCH + self.off + timedelta(seconds=elapsed * self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a burst."""

    steps: Sequence[Step]
    runs: int


async def _settle(burst: Sequence[timedelta], *, off: timedelta, rate: float) -> Outcome:
    clock = SkewedClock(off=off, rate=rate)
    core = Core(
        store=MemoryStore(clock),
        ids=Ulids(clock),
        wakeups=LocalWakeups(),
        configuration=lambda: shipped().configuration,
    )
    start = clock.now()
    async with core.store.write() as tx:
        for number, after in enumerate(burst):
            await _ask(tx, number, start + after)
    module = deadlines.module(core)
    work, runs = module.work, []

    async def counted() -> Progress:
        runs.append(1)
        return await work()

    module.work = counted
    runner = Runner(module)
    runner.start()
    for _ in range(int(max(burst) / timedelta(seconds=_BEAT * rate)) + 2):
        await asyncio.sleep(_BEAT)
        runner.stir()
    runner.cancel()
    await runner.ended()
    async with core.store.read() as tx:
        steps = [
            step for number in range(len(burst)) for step in await tx.steps.of(RequestId(f"req_{number}"))
        ]
        states = {(await tx.requests.get(step.request) or request()).state for step in steps}
    assert states == {State.TIMED_OUT}
    return Outcome(steps=steps, runs=len(runs))


async def _ask(tx: Transaction, number: int, deadline: datetime) -> None:
    long_ago = deadline - timedelta(hours=1)
    asked = replace(
        request(str(number), asked_at=long_ago),
        ladder=Ladder(nudge_at=long_ago, backup_at=long_ago, deadline=deadline),
        rung=Rung.BACKUP,
        delivered_at=long_ago,
    )
    await tx.requests.add(asked)


_GAPS = st.sampled_from(
    [
        timedelta(0),
        _MICROSECOND,
        timedelta(milliseconds=1),
        timedelta(milliseconds=17),
        timedelta(seconds=1.3),
    ]
)


@st.composite
def bursts(draw: st.DrawFn) -> list[timedelta]:
    """Return instants after the start, close to each other or not."""
    at, found = timedelta(milliseconds=5), []
    for gap in draw(st.lists(_GAPS, min_size=1, max_size=25)):
        at += gap
        found.append(at)
    return found


@given(
    burst=bursts(),
    off=st.sampled_from([timedelta(0), timedelta(hours=-7), timedelta(minutes=3)]),
    rate=st.sampled_from([1.0, 0.9, 1.1]),
)
@example(burst=[timedelta(milliseconds=each) for each in range(1, 300)], off=timedelta(0), rate=1.0)
def test_a_burst_is_settled_once_never_early_and_in_time(
    burst: list[timedelta], off: timedelta, rate: float
) -> None:
    """However close deadlines lie, and however the store's clock goes, each is settled at its instant."""
    outcome = in_virtual_time(_settle(burst, off=off, rate=rate))
    assert len(outcome.steps) == len({step.request for step in outcome.steps}) == len(burst)
    late = [(step.actual_at - step.planned_at).total_seconds() for step in outcome.steps]
    assert min(late) >= 0
    # A store's clock that runs faster than ours is caught up with at each beat.
    assert max(late) <= _PRECISION + max(0.0, rate - 1) * _BEAT
    # Without a beat or something due nothing runs: there is no spinning.
    beats = burst[-1].total_seconds() / rate / _BEAT
    assert outcome.runs <= 10 * len(set(burst)) + 5 * beats + 10


@pytest.mark.parametrize(
    ("number", "gap"),
    [pytest.param(10_000, timedelta(0), marks=pytest.mark.slow), (1_000, _MICROSECOND)],
    ids=["ten thousand at the same instant", "a thousand a microsecond apart"],
)
def test_a_great_many_at_once(number: int, gap: timedelta) -> None:
    """However many deadlines fall on (nearly) the same instant, they are settled in batches, each once."""
    burst = [timedelta(milliseconds=5) + each * gap for each in range(number)]
    outcome = in_virtual_time(_settle(burst, off=timedelta(0), rate=1.0))
    assert len({step.request for step in outcome.steps}) == len(outcome.steps) == len(burst)
    assert all(
        timedelta(0) <= step.actual_at - step.planned_at <= timedelta(seconds=0.05) for step in outcome.steps
    )
