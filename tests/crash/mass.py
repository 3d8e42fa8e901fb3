"""Kills by the thousand: trials, each on a database of its own, judged one by one."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.crash.stories import PASSING, RULES, STORIES, Story
from tests.crash.trial import NextDeath, Trial
from tests.crash.verdict import judge
from tests.harness.dice import Dice, dice
from tests.harness.fake_slack import FakeSlack
from tests.replicas.clock import SharedClock
from tests.replicas.databases import Databases
from tests.replicas.nursery import Nursery, nursery
from tests.replicas.order import ANY, Death
from tests.scenario.world import CHANNELS, PEOPLE, SECRET

_NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
#: Deaths in a row without an answer, after which one bot lives longer: else nothing would ever be done.
_IN_A_ROW = 6
#: How often a story is told until each of its kill points was passed.
_TRIES = 5
#: Seconds after which a trial counts as stuck.
_PATIENCE = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where trials happen, on one kind of database."""

    born: Nursery
    databases: Databases
    on_postgresql: bool


@dataclass(slots=True)
class Toll:
    """What a number of trials came to."""

    kills: Counter[str] = field(default_factory=Counter)
    in_recovery: int = 0
    stories: int = 0
    requests: int = 0
    effects: int = 0
    databases: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: "Toll") -> None:
        """Count what the *other* trials came to as well."""
        self.kills += other.kills
        self.in_recovery += other.in_recovery
        self.stories += other.stories
        self.requests += other.requests
        self.effects += other.effects
        self.databases += other.databases
        self.violations += other.violations


@asynccontextmanager
async def ground(databases: Databases, *, on_postgresql: bool) -> AsyncIterator[Ground]:
    """Prepare trials on one kind of database."""
    name = "postgresql" if on_postgresql else "sqlite"
    clock = SharedClock(databases.folder / f"clock-{name}", _NOON)
    rehearsal = await databases.fresh(on_postgresql=on_postgresql)
    log = databases.folder / f"{name}.log"
    async with nursery(RULES, clock, rehearse_on=[rehearsal], log=log) as born:
        yield Ground(born=born, databases=databases, on_postgresql=on_postgresql)
    clock.close()


async def at_every_point(on: Ground, *, rounds: int, seed: int) -> Toll:
    """Kill at each kill point in turn, *rounds* times: alone, twice in a row, and again while it recovers."""
    falls, toll, orders = dice(seed, "points"), Toll(), deque[Death]()
    trial = await _trial(on, falls, lambda _: orders.popleft() if orders else None)
    for story in PASSING:
        for number in range(rounds):
            toll.stories += await _at_each(trial, story, orders, number)
    await judge(trial)
    _add(toll, trial)
    return toll


async def _at_each(trial: Trial, story: Story, orders: deque[Death], number: int) -> int:
    """Kill at each point that *story* passes; return how often it was told until then."""
    left = list(PASSING[story])
    for told in range(_TRIES):
        if not left:
            return told
        before = Counter(trial.kills)
        orders.extend(death for point in left for death in _in_turn(point, number, trial.dice))
        await story(trial)
        orders.clear()
        await trial.rest()
        left = [point for point in left if trial.kills[point] == before[point]]
    assert not left, f"nobody passed {left}"
    return _TRIES


def _in_turn(point: str, number: int, falls: Dice) -> Sequence[Death]:
    first = Death(point=point)
    again = (
        (),
        (Death(point=point),),
        (Death(point=ANY, nth=falls.randint(1, 4)), Death(after=falls.uniform(0, 0.02))),
    )
    return [first, *again[number % 3]]


async def at_random(on: Ground, *, seed: object, stories: int) -> Toll:
    """Kill anywhere and at any instant, during so many *stories*; report what was wrong, and go on."""
    falls, toll = dice(seed), Toll()
    trial = await _trial(on, falls, lambda fruitless: _anywhere(falls, fruitless))
    try:
        async with asyncio.timeout(_PATIENCE):
            for _ in range(stories):
                await falls.choice(STORIES)(trial)
                toll.stories += 1
            await judge(trial)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what was looked for
        toll.violations.append(f"seed {seed}: {type(error).__name__}: {error}")
    _add(toll, trial)
    await trial.rest()
    if not toll.violations:
        await on.databases.drop(trial.url)
    return toll


def _anywhere(falls: Dice, fruitless: int) -> Death:
    if fruitless >= _IN_A_ROW:
        # For longer each time, however slow the machine is.
        return Death(after=falls.uniform(0.2, 0.5) * 2 ** (fruitless - _IN_A_ROW))
    if falls.random() < 0.6:
        return Death(point=ANY, nth=falls.randint(1, 20))
    return Death(after=falls.uniform(0, 0.05))


async def _trial(on: Ground, falls: Dice, next_death: NextDeath) -> Trial:
    slack = FakeSlack(clock=on.born.clock, people=PEOPLE, channels=CHANNELS, signing_secret=SECRET)
    return Trial(
        nursery=on.born,
        url=await on.databases.fresh(on_postgresql=on.on_postgresql),
        serves_alone=not on.on_postgresql,
        slack=slack,
        dice=falls,
        next_death=next_death,
    )


def _add(toll: Toll, trial: Trial) -> None:
    toll.databases += 1
    toll.kills += trial.kills
    toll.in_recovery += trial.in_recovery
    toll.requests += len(trial.told.proposals)
    toll.effects += len(trial.told.effects)
