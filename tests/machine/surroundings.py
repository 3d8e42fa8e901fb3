"""What happens around agents and people: changes of rules, restarts, time, the engine, and Slack's moods."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from bot.config import Loaded
from escalation.service import configure, deadlines, deliver, queries, seal
from tests.harness.fake_faults import (
    AcceptThenSilence,
    Duplicated,
    Fault,
    Lost,
    RateLimited,
    Refuses,
    ServerError,
)
from tests.machine.house import House
from tests.machine.setups import Setup, loaded
from tests.machine.steps import Step
from tests.machine.truth import OK, Truth

_FAULTS: dict[str, Fault] = {
    "limited": RateLimited(after=20),
    "broken": ServerError(),
    "silent": AcceptThenSilence(),
    "lost": Lost(),
    "twice": Duplicated(),
    "archived": Refuses("is_archived"),
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Configure(Step):
    """An operator puts *setup* in force; the processes hear of it when they have to."""

    setup: Setup

    async def done(self, house: House) -> str:
        house.knows(self.setup)
        new: Loaded = loaded(self.setup)
        await configure.put_in_force(self.service(house).by(new.configuration), body=new.body)
        return OK

    def due(self, truth: Truth) -> str:
        return truth.does_configure(self.setup)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Follow(Step):
    """A process looks which configuration is in force."""

    async def done(self, house: House) -> str:
        await configure.follow(self.service(house))
        return OK

    def due(self, truth: Truth) -> str:
        truth.follows(self.core)
        return OK


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Restart(Step):
    """A process ends and begins anew, with the files that are on its disk."""

    files: Setup

    async def done(self, house: House) -> str:
        await house.restart(self.core, self.files)
        return OK

    def due(self, truth: Truth) -> str:
        return truth.does_restart(self.core, self.files)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Wait(Step):
    """The clock moves to an instant of a request, so many microseconds beside it; or so far from now."""

    to: str = "now"
    of: str = ""
    plus: int = 0

    async def done(self, house: House) -> str:
        house.clock.at = house.told_time
        return OK

    def due(self, truth: Truth) -> str:
        at = instants(truth, self.of).get(self.to, truth.now) + timedelta(microseconds=self.plus)
        truth.now = max(truth.now, at)
        return OK


def instants(truth: Truth, label: str) -> dict[str, datetime]:
    """Return the instants at which something changes for the request called *label*."""
    case = truth.cases.get(label)
    if case is None:
        return {}
    found = {"due": case.due, "deadline": case.deadline} if case.state == "pending" else {}
    found["hour"] = case.asked_at + timedelta(hours=1)
    if case.permit is not None and case.permit.due is not None:
        found["lapse"] = case.permit.due
        if case.permit.lease is not None:
            found |= {"lease": case.permit.lease, "beat": case.permit.lease - timedelta(seconds=25)}
    return found


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Clockwork(Step):
    """The engine settles what is due."""

    by_itself: ClassVar[bool] = True

    async def done(self, house: House) -> str:
        core = self.service(house)
        while await deadlines.settle_due(core, batch=7) or await deadlines.lapse_due(core, batch=7):
            pass
        return OK

    def due(self, truth: Truth) -> str:
        return truth.does_clockwork(self.core)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Sweep(Step):
    """The engine ends what waited under stops."""

    by_itself: ClassVar[bool] = True

    async def done(self, house: House) -> str:
        while (await house.lives[self.core].sweeps()).done:
            pass
        return OK

    def due(self, truth: Truth) -> str:
        return truth.does_sweep(self.core)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Deliver(Step):
    """The engine says in Slack what is due, up to *most* messages of so many lanes at a time."""

    most: int = 99
    lanes: int = 8
    by_itself: ClassVar[bool] = True

    async def done(self, house: House) -> str:
        core, courier, left = self.service(house), house.lives[self.core].courier, self.most
        while left > 0 and (taken := await deliver.take(core, limit=min(left, self.lanes))):
            left -= len(taken)
            for outgoing in taken:
                await deliver.send(core, courier, outgoing)
        return OK

    def due(self, truth: Truth) -> str:
        return OK


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Seal(Step):
    """The engine links and seals the record."""

    by_itself: ClassVar[bool] = True

    async def done(self, house: House) -> str:
        await seal.seal(self.service(house), batch=20)
        return OK

    def due(self, truth: Truth) -> str:
        return OK


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Trouble(Step):
    """Slack will fail at the next calls of a method."""

    method: str
    faults: tuple[str, ...]

    async def done(self, house: House) -> str:
        house.slack.fails(self.method, *(_FAULTS[each] for each in self.faults))
        return OK

    def due(self, truth: Truth) -> str:
        return OK


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Look(Step):
    """A person opens their queue."""

    who: str

    async def done(self, house: House) -> str:
        found = await queries.queue(self.service(house), self.who, limit=500)  # type: ignore[arg-type]  # a person's id
        return " ".join(sorted(house.labels[each.request.id] for each in found.shown))

    def due(self, truth: Truth) -> str:
        held = truth.held[self.core]
        waits = [case for case in truth.cases.values() if case.state == "pending"]
        mine = [case.label for case in waits if self.who in truth.who(held, case).deciders]
        return " ".join(sorted(mine))
