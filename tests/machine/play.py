"""Plays a history: each step is done to the service, and what came of it is held against the truth."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import TypeAlias

from escalation.request import State
from tests.machine.cases import Case
from tests.machine.ending import ends_well
from tests.machine.house import Died, House
from tests.machine.sight import Picture, differences, foreseen, seen
from tests.machine.steps import Ask, AskAgain, Edit, Resume, Step
from tests.machine.surroundings import Clockwork, Deliver, Restart, Sweep, Wait
from tests.machine.truth import OK, Truth

#: What one step, or several at once, came to: an answer each, none from who died.
Answers: TypeAlias = tuple[str | None, ...]
_LONGEST_END = 400


@dataclass(frozen=True, slots=True)
class Together:
    """Steps that happen at once."""

    steps: tuple[Step, ...]


Move: TypeAlias = "Step | Together"


class Broken(AssertionError):
    """A promise was broken, or the truth is wrong."""


@dataclass(slots=True)
class Play:
    """One history, as far as it has come."""

    house: House
    truth: Truth
    done: list[Move] = field(default_factory=list)
    answers: list[Answers] = field(default_factory=list)
    drawn: list[Move] = field(default_factory=list)  #: What was done before it was brought to its end.

    async def take(self, move: Move) -> bool:
        """Do *move* and judge it; return False, and do nothing, if it does not fit here."""
        steps = move.steps if isinstance(move, Together) else (move,)
        if not all(step.fits(self.truth) for step in steps):
            return False
        self.done.append(move)
        self._expect(steps)
        if isinstance(move, Wait):
            move.judged(self.truth)
            self.house.told_time = self.truth.now
            await move.done(self.house)
            self.answers.append((OK,))
        elif isinstance(move, Together):
            await self._together(move.steps)
        elif move.death is not None:
            await self._mortal(move)
        else:
            await self._alone(move)
        return True

    async def all(self, moves: Sequence[Move]) -> None:
        """Do every one of *moves* that fits, and bring it to its end."""
        for move in moves:
            await self.take(move)
        await self.end()

    async def end(self) -> None:
        """With faults stopped: everything comes to an end, and every law holds."""
        self.drawn = list(self.done)
        self.house.slack._faults.clear()
        await self._let_go()
        for _ in range(_LONGEST_END):
            for core in range(len(self.house.lives)):
                for kind in (Clockwork, Sweep, Deliver):
                    await self.take(kind(core=core))
            wait = await self._next()
            if wait is None:
                break
            await self.take(wait)
        else:
            raise Broken("it never comes to an end")
        stuck = [case.label for case in self.truth.cases.values() if case.state == "pending"]
        stuck += [
            c.label for c in self.truth.cases.values() if c.permit is not None and c.permit.due is not None
        ]
        if stuck:
            raise Broken(f"stuck: {stuck}")
        await ends_well(self.house, moves=self.done, refusals=self.truth.refusals)

    async def _let_go(self) -> None:
        for core in range(len(self.house.lives)):
            await self.take(Sweep(core=core))
        for number, (scope, (by, _)) in enumerate(sorted(self.truth.stops.items())):
            who = next(each for each in self.truth.setup.operators if each != by)
            await self.take(Resume(scope=scope, who=who, click=f"at last {number}"))

    async def _next(self) -> Wait | None:
        """Return what to wait for: the nearest thing that is due."""
        async with self.house.store.read() as tx:
            found = [
                await tx.requests.next_due_at(),
                await tx.grants.next_due_at(),
                await tx.outbox.next_due_at(),
            ]
        due = min((at for at in found if at is not None), default=None)
        if due is None:
            return None
        microseconds = (due - self.truth.now) // timedelta(microseconds=1)
        return Wait(plus=max(microseconds, 1000))

    def _learn(self, truth: Truth, found: Picture, *, given_up_by: int | None) -> None:
        """Take over from Slack and the service what only they know, if Slack bears it out."""
        for label, case in truth.cases.items():
            row = found.get(label, {})
            if row.get("delivered") and not case.delivered:
                if not _was_posted(self.house, truth, label):
                    raise Broken(f"{label} counts as delivered, and Slack never took its card")
                case.delivered = True
            if given_up_by is not None and case.state == "pending" and row.get("state") != "pending":
                self._give_up(truth, given_up_by, case, row.get("state"))

    def _give_up(self, truth: Truth, core: int, case: Case, state: object) -> None:
        """Take over that a card could not be drawn; whoever notes that settles first what is over."""
        if not any(call.error == "is_archived" for call in self.house.slack.calls):
            return
        truth.touch(truth.held[core], case)
        if case.state == "pending" and state == State.UNDELIVERABLE.value and not case.delivered:
            truth.end(case, "undeliverable")

    async def _alone(self, step: Step) -> None:
        answer = await step.done(self.house)
        self._judge((answer,), [(self.truth, (step.judged(self.truth),))], await seen(self.house), (step,))

    async def _together(self, steps: Sequence[Step]) -> None:
        """Have *steps* happen at once: as if one after the other, in some order."""
        answers = tuple(await asyncio.gather(*(step.done(self.house) for step in steps)))
        own = [step for step in steps if step.by_itself and not isinstance(step, Deliver)]
        for step in own:
            await step.done(self.house)  # it passes over what somebody else holds at that moment
        found = await seen(self.house)
        self._judge(answers, list(self._orders(steps, own, found)), found, steps)

    def _orders(
        self, steps: Sequence[Step], own: Sequence[Step], found: Picture
    ) -> Iterator[tuple[Truth, Answers]]:
        for order in permutations(range(len(steps))):
            truth, due = self.truth.copy(), [""] * len(steps)
            for index in order:
                due[index] = steps[index].judged(truth)
                if isinstance(steps[index], Deliver):
                    self._learn(truth, found, given_up_by=steps[index].core)
            for step in own:
                step.judged(truth)
            yield truth, tuple(due)

    async def _mortal(self, step: Step) -> None:
        """Have the process of *step* die of it, and begin anew."""
        life = self.house.lives[step.core]
        life.store.death = step.death
        files = self.house.setups[life.held.configuration().version]
        try:
            answer: str | None = await step.done(self.house)
            life.store.death = None
        except Died:
            answer = None
        if answer is not None:
            self._judge(
                (answer,), [(self.truth, (step.judged(self.truth),))], await seen(self.house), (step,)
            )
            return
        again = Restart(core=step.core, files=files)
        await again.done(self.house)
        if step.by_itself:
            await step.done(self.house)
        self._judge((None,), list(self._deaths(step, again)), await seen(self.house), (step,))

    def _deaths(self, step: Step, again: Step) -> Iterator[tuple[Truth, Answers]]:
        """Return what may be true after *step* killed its process: that it counts, or that it does not."""
        assert step.death is not None
        # Who works by another configuration finds that out in a transaction of its own.
        behind = step.fenced and self.truth.held[step.core] != self.truth.setup
        counts = step.death.after and step.death.commit == int(behind)
        if step.by_itself or not counts:
            truth = self.truth.copy()
            again.judged(truth)
            if step.by_itself:
                step.judged(truth)
            yield truth, (None,)
        if step.by_itself or counts:
            truth = self.truth.copy()
            answer = step.judged(truth)
            again.judged(truth)
            if step.by_itself:
                step.judged(truth)
            yield truth, (answer,)

    def _judge(
        self,
        answers: Answers,
        possible: Sequence[tuple[Truth, Answers]],
        found: Picture,
        steps: Sequence[Step],
    ) -> None:
        """Take over what is true of *possible*; raise if none of it is."""
        giver = next((step.core for step in steps if isinstance(step, Deliver)), None)
        told: list[list[str]] = []
        for truth, due in possible:
            self._learn(truth, found, given_up_by=giver)
            wrong = [
                f"the answer is {answer!r}; it should be {expected!r}"
                for answer, expected in zip(answers, due, strict=True)
                if answer is not None and answer != expected
            ]
            wrong += differences(foreseen(truth), found)
            if not wrong:
                self.truth = truth
                self.answers.append(due)
                return
            told.append(wrong)
        nearest, *_ = sorted(told, key=len)
        raise Broken("\n".join(nearest))

    def _expect(self, steps: Sequence[Step]) -> None:
        """Note under which label what *steps* may bring about is known from then on."""
        for step in steps:
            if isinstance(step, Ask):
                self.house.expected[f"{step.agent}/{step.key}"] = step.label
            elif isinstance(step, Edit | AskAgain):
                self.house.expected[f"after {step.request}"] = step.label


def _was_posted(house: House, truth: Truth, label: str) -> bool:
    """Return whether Slack took a card of the request, or of the one that it was edited from."""
    case = truth.cases[label]
    mine = house.requests[label]
    for call in house.slack.calls:
        payload = (call.arguments.get("metadata") or {}).get("event_payload") or {}
        if call.method == "chat.postMessage" and call.error is None and payload.get("card") == mine:
            return True
    return case.edited is not None and _was_posted(house, truth, case.edited)
