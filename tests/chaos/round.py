"""One round: a town under load, faults one after the other, and then the judgement."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.config import Environment
from escalation.clock import monotonic
from tests.chaos import judge, ledger
from tests.chaos.dice import Dice
from tests.chaos.faults import Around, Breaks
from tests.chaos.load import Busy, deciding, watching, working
from tests.chaos.town import Town, Zygote, outside, town

#: Seconds within which a proposal is taken again once nothing is broken. For users it is about one.
RECOVERS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is done in a round."""

    environment: Environment
    around: Around
    faults: Sequence[Breaks]
    seconds: float  #: How long faults are begun.
    lasting: tuple[float, float]  #: Seconds, at least and at most, of each.
    pauses: tuple[float, float]  #: Seconds between them.
    replicas: int = 2
    agents: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    seed: int
    counts: Mapping[str, int]
    wrong: Sequence[str]
    recovered_after: Sequence[float] = field(default=())

    def told(self) -> list[str]:
        """Return what is wrong, each with what repeats it."""
        return [f"seed {self.seed}: {each}" for each in self.wrong]


async def play(zygote: Zygote, place: Path, plan: Plan, *, seed: int) -> Outcome:
    """Play one round in *place*, and judge it."""
    async with town(zygote, place, plan.environment, seed=seed, replicas=plan.replicas) as on:
        people, watch = asyncio.create_task(deciding(on)), asyncio.create_task(watching(on))
        agents = [asyncio.create_task(working(on, f"agent {number}")) for number in range(plan.agents)]
        try:
            await _break_things(on, plan, Dice(seed).apart("faults"))
            on.is_open = False
            stuck = await _ended(agents) or await _at_rest(on)
        finally:
            for task in (people, watch, *agents):
                task.cancel()
            ends = await asyncio.gather(people, watch, *agents, return_exceptions=True)
    wrong = [f"the test itself failed: {end!r}" for end in ends if isinstance(end, Exception)]
    wrong += [stuck] if stuck else []
    wrong += await judge.judged(on)
    slow = [f"the first proposal after trouble took {each:.1f} s" for each in on.ledger.recovered_after
            if each > RECOVERS]  # fmt: skip
    return Outcome(
        seed=seed,
        counts=ledger.counts(on.ledger),
        wrong=wrong + slow,
        recovered_after=on.ledger.recovered_after,
    )


async def _break_things(on: Town, plan: Plan, dice: Dice) -> None:
    until = monotonic() + plan.seconds
    turns = 0
    while monotonic() < until or turns < len(plan.faults):
        await asyncio.sleep(dice.between(*plan.pauses))
        # Each at least once, then whatever comes.
        fault = plan.faults[turns] if turns < len(plan.faults) else dice.one_of(plan.faults)
        turns += 1
        await fault(on, plan.around, dice, dice.between(*plan.lasting))
        await _recovers(on, dice)


async def _recovers(on: Town, dice: Dice) -> None:
    began = monotonic()
    await Busy(on, dice).asks({"amount": "61.000"})
    on.ledger.recovered_after.append(monotonic() - began)


async def _ended(agents: Sequence["asyncio.Task[None]"]) -> str | None:
    done, waiting = await asyncio.wait(agents, timeout=judge.WAIT)
    failed = [repr(task.exception()) for task in done if task.exception() is not None]
    if waiting or failed:
        return f"{len(waiting)} agents never heard how it ended, {len(failed)} gave up: {failed[:1]}"
    return None


async def _at_rest(on: Town) -> str | None:
    async with outside(on.here, on.environment) as core:
        return await judge.at_rest(on, core)
