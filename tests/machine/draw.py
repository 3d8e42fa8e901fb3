"""Draws histories: what happens next, so that things meet at boundaries, at once, and too late."""

from collections.abc import Callable

from tests.machine.cases import Case
from tests.machine.dice import Dice
from tests.machine.house import CORES, Death
from tests.machine.play import Move, Play, Together
from tests.machine.rules import scopes
from tests.machine.setups import ACCOUNTS, AGENTS, PERSONS, SETUPS, Setup
from tests.machine.steps import (
    Acknowledge,
    Ask,
    AskAgain,
    Beat,
    Cancel,
    Claim,
    Decide,
    Edit,
    Report,
    Resolve,
    Resume,
    Step,
    Stop,
)
from tests.machine.surroundings import (
    Clockwork,
    Configure,
    Deliver,
    Follow,
    Look,
    Restart,
    Seal,
    Sweep,
    Trouble,
    Wait,
    instants,
)
from tests.machine.truth import Truth

#: Amounts on both sides of what rules ask about.
AMOUNTS = (49, 50, 499, 500, 4999, 5000, 8999, 9000)
_METHODS = (
    "chat.postMessage",
    "chat.postMessage",
    "chat.update",
    "conversations.history",
    "conversations.open",
)
_FAULTS = ("limited", "broken", "silent", "silent", "lost", "archived")


class Drawer:
    """Draws the next move of one history from where it has come to."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        self._count = 0
        self._clicks: list[Step] = []

    def next(self, truth: Truth) -> Move:
        """Return what happens next."""
        if self.dice.happens(9):
            return self._at_once(truth)
        step = self._step(truth)
        if self.dice.happens(6) and not isinstance(step, Wait | Restart | Trouble | Look | Follow):
            death = Death(commit=self.dice.weighted([(0, 5), (1, 2), (2, 1)]), after=self.dice.happens(50))
            return _with(step, death=death)
        return step

    def _at_once(self, truth: Truth) -> Move:
        steps: list[Step] = []
        while len(steps) < self.dice.weighted([(2, 4), (3, 1)]):
            step = self._contested(truth)
            if isinstance(step, Ask) and any(isinstance(each, Ask) for each in steps):
                # Two that are new may exceed a cap by one; the same one twice is one.
                step = next(each for each in steps if isinstance(each, Ask))
            if not isinstance(step, Wait | Restart | Trouble | Look):
                steps.append(_with(step, core=len(steps) % CORES))
        return Together(tuple(steps))

    def _contested(self, truth: Truth) -> Step:
        makers: list[tuple[Callable[[Truth], Step | None], int]] = [
            (self._decide, 8),
            (self._claim, 5),
            (self._stop, 3),
            (self._cancel, 2),
            (self._edit, 2),
            (self._report, 2),
            (self._engine, 4),
            (self._configure, 2),
            (self._resume, 1),
            (self._resolve, 1),
            (self._again, 1),
            (self._ask, 2),
        ]
        return self._first(truth, makers)

    def _step(self, truth: Truth) -> Step:
        makers: list[tuple[Callable[[Truth], Step | None], int]] = [
            (self._ask, 14 if len(truth.cases) < 4 else 8),
            (self._decide, 22),
            (self._claim, 10),
            (self._report, 5),
            (self._beat, 2),
            (self._resolve, 4),
            (self._edit, 7),
            (self._again, 5),
            (self._acknowledge, 2),
            (self._cancel, 3),
            (self._stop, 2),
            (self._resume, 3 + 10 * len(truth.stops)),
            (self._configure, 5),
            (self._restart, 3),
            (self._wait, 13),
            (self._engine, 18),
            (self._repeat, 5),
            (self._trouble, 3),
            (self._look, 2),
        ]
        return self._first(truth, makers)

    def _first(self, truth: Truth, makers: list[tuple[Callable[[Truth], Step | None], int]]) -> Step:
        while True:
            made = self.dice.weighted(makers)(truth)
            if made is not None:
                return made

    # --- whom and what ----------------------------------------------------------------------------

    def _core(self) -> int:
        return self.dice.below(CORES)

    def _key(self) -> str:
        self._count += 1
        return f"k{self._count}"

    def _click(self) -> str:
        self._count += 1
        return f"c{self._count}"

    def _case(self, truth: Truth, *states: str) -> Case | None:
        fitting = [case for case in truth.cases.values() if not states or case.state in states]
        recent = fitting[-4:] if self.dice.happens(75) else fitting
        return self.dice.one_of(recent) if recent else None

    def _granted(self, truth: Truth, *states: str) -> Case | None:
        fitting = [
            c
            for c in truth.cases.values()
            if c.permit is not None and (not states or c.permit.state in states)
        ]
        return self.dice.one_of(fitting[-5:]) if fitting else None

    def _account(self, truth: Truth, case: Case | None) -> str:
        wanted = [] if case is None else sorted(truth.who(truth.setup, case).approvers - set(case.approved))
        if wanted and self.dice.happens(60):
            return self.dice.one_of(wanted)
        was = sorted(truth.who(case.setup, case).approvers) if case is not None else []
        if was and self.dice.happens(40):
            return self.dice.one_of(was)
        return self.dice.one_of(sorted(ACCOUNTS))

    def _agent(self, case: Case) -> str:
        return self.dice.one_of(AGENTS) if self.dice.happens(6) else case.agent

    def _kept(self, step: Step) -> Step:
        self._clicks.append(step)
        return step

    # --- what happens -----------------------------------------------------------------------------

    def _ask(self, truth: Truth) -> Step:
        agent = self.dice.weighted([(AGENTS[0], 3), (AGENTS[1], 1)])
        known = [case for case in truth.cases.values() if case.key is not None]
        key = self._key()
        amount = None if self.dice.happens(18) else self.dice.one_of(AMOUNTS)
        if known and self.dice.happens(12):
            old = self.dice.one_of(known)
            agent, key = old.agent if self.dice.happens(80) else agent, old.key or key
            amount = old.amount if self.dice.happens(60) else amount
        return self._kept(
            Ask(
                core=self._core(),
                agent=agent,
                key=key,
                amount=amount,
                sure=amount is not None and self.dice.happens(40),
                free_text=amount is None and self.dice.happens(50),
            )
        )

    def _decide(self, truth: Truth) -> Step | None:
        case = self._case(truth, *(("pending",) if self.dice.happens(85) else ()))
        if case is None:
            return None
        usual = (
            "approve" if case.amount is not None else self.dice.one_of(("first", "second", "third", "words"))
        )
        choice = self.dice.weighted(
            [(usual, 16), ("reject", 3), ("reject in silence", 1), ("first", 1), ("approve", 1)]
        )
        who = self._account(truth, case)
        return self._kept(
            Decide(core=self._core(), request=case.label, who=who, click=self._click(), choice=choice)
        )

    def _edit(self, truth: Truth) -> Step | None:
        case = self._case(truth, *(("pending",) if self.dice.happens(90) else ()))
        if case is None or (case.amount is None and self.dice.happens(80)):
            return None
        who = self._account(truth, case)
        amount = self.dice.one_of(AMOUNTS)
        return self._kept(
            Edit(
                core=self._core(),
                request=case.label,
                who=who,
                click=self._click(),
                amount=amount,
            )
        )

    def _again(self, truth: Truth) -> Step | None:
        late = self.dice.happens(85)
        case = self._case(truth, *(("timed_out", "undeliverable") if late else ()))
        # Before the engine came round, it looks as if it still waited.
        overdue = [c for c in truth.cases.values() if c.state == "pending" and c.deadline <= truth.now]
        case = self.dice.one_of(overdue) if overdue and self.dice.happens(60) else case
        if case is None:
            return None
        who = self._account(truth, case)
        return self._kept(AskAgain(core=self._core(), request=case.label, who=who, click=self._click()))

    def _acknowledge(self, truth: Truth) -> Step | None:
        case = self._case(truth, "pending")
        if case is None:
            return None
        who = self._account(truth, case)
        return self._kept(Acknowledge(core=self._core(), request=case.label, who=who, click=self._click()))

    def _cancel(self, truth: Truth) -> Step | None:
        case = self._case(truth, *(("pending",) if self.dice.happens(80) else ()))
        return (
            None if case is None else Cancel(core=self._core(), request=case.label, agent=self._agent(case))
        )

    def _claim(self, truth: Truth) -> Step | None:
        case = self._granted(truth, *(("granted",) if self.dice.happens(70) else ()))
        if case is None:
            return None
        return Claim(
            core=self._core(),
            request=case.label,
            agent=self._agent(case),
            attempt=self.dice.one_of(("one", "two")),
            right=not self.dice.happens(8),
        )

    def _beat(self, truth: Truth) -> Step | None:
        case = self._granted(truth)
        if case is None:
            return None
        attempt = self.dice.one_of(("one", "two"))
        return Beat(core=self._core(), request=case.label, agent=self._agent(case), attempt=attempt)

    def _report(self, truth: Truth) -> Step | None:
        case = self._granted(truth, *(("claimed", "unknown") if self.dice.happens(80) else ()))
        if case is None:
            return None
        return Report(
            core=self._core(),
            request=case.label,
            agent=self._agent(case),
            outcome=self.dice.weighted([("succeeded", 4), ("failed", 2), ("unknown", 2)]),
            attempt=self.dice.one_of((None, "one", "two")),
        )

    def _resolve(self, truth: Truth) -> Step | None:
        case = self._granted(truth, *(("unknown",) if self.dice.happens(85) else ()))
        if case is None:
            return None
        operators = (*truth.setup.operators, truth.setup.owner)
        who = self.dice.one_of(operators) if self.dice.happens(75) else self.dice.one_of(sorted(ACCOUNTS))
        outcome = self.dice.one_of(("succeeded", "failed"))
        return Resolve(core=self._core(), request=case.label, who=who, click=self._click(), outcome=outcome)

    def _stop(self, truth: Truth) -> Step | None:
        if truth.stops and self.dice.happens(50):
            return None
        scope = self.dice.one_of([*sorted(scopes(truth.setup)), "function:treasury", "action:ledger.post"])
        who = self.dice.one_of((*PERSONS, "nadia", "khalid"))
        return self._kept(Stop(core=self._core(), scope=scope, who=who, click=self._click()))

    def _resume(self, truth: Truth) -> Step | None:
        if not truth.stops and self.dice.happens(90):
            return None
        scope = self.dice.one_of(sorted(truth.stops) or ["all"])
        if scope in truth.sweeping and self.dice.happens(70):
            return Sweep(core=self._core())
        others = [each for each in truth.setup.operators if each != truth.stops.get(scope, ("",))[0]]
        who = self.dice.one_of(others if self.dice.happens(60) else PERSONS)
        return self._kept(Resume(core=self._core(), scope=scope, who=who, click=self._click()))

    def _setup(self, truth: Truth) -> Setup:
        if self.dice.happens(30):
            return self.dice.one_of(sorted(truth.known_setups, key=repr))
        return self.dice.one_of(SETUPS)

    def _configure(self, truth: Truth) -> Step:
        return Configure(core=self._core(), setup=self._setup(truth))

    def _restart(self, truth: Truth) -> Step:
        files = self._setup(truth) if self.dice.happens(50) else truth.setup
        return Restart(core=self._core(), files=files)

    def _wait(self, truth: Truth) -> Step:
        known = [(label, to) for label in truth.cases for to in sorted(instants(truth, label))]
        ahead = [(label, to) for label, to in known if instants(truth, label)[to] > truth.now]
        if ahead and self.dice.happens(75):
            soonest = sorted(ahead, key=lambda each: instants(truth, each[0])[each[1]])
            label, to = self.dice.one_of(soonest[:4]) if self.dice.happens(70) else self.dice.one_of(ahead)
            return Wait(to=to, of=label, plus=self.dice.weighted([(-1, 3), (0, 4), (1, 2)]))
        return Wait(plus=self.dice.one_of((1, 1_000_000, 20_000_000, 31_000_000, 180_000_000, 600_000_000)))

    def _engine(self, truth: Truth) -> Step:
        core = self._core()
        return self.dice.weighted(
            [
                (Clockwork(core=core), 5),
                (Sweep(core=core), 4),
                (Deliver(core=core), 9),
                (Deliver(core=core, most=2, lanes=2), 2),
                (Seal(core=core), 1),
                (Follow(core=core), 1),
            ]
        )

    def _repeat(self, truth: Truth) -> Step | None:
        """Have the same click or call come once more, to any process."""
        if not self._clicks:
            return None
        return _with(self.dice.one_of(self._clicks[-8:]), core=self._core())

    def _trouble(self, truth: Truth) -> Step:
        method = self.dice.one_of(_METHODS)
        faults = tuple(self.dice.one_of(_FAULTS) for _ in range(1 + self.dice.below(3)))
        if method == "conversations.history":
            # Who may not read a channel posts again what is in doubt: that is no fault, and documented.
            faults = tuple("broken" if each in {"archived", "lost"} else each for each in faults)
        return Trouble(method=method, faults=faults)

    def _look(self, truth: Truth) -> Step:
        return Look(core=self._core(), who=self.dice.one_of(PERSONS))


def _with(step: Step, **changes: object) -> Step:
    from dataclasses import replace

    return replace(step, **changes)  # type: ignore[arg-type]  # of its own fields


async def draw(play: Play, seed: str, *, moves: int) -> None:
    """Play a history of so many *moves*, drawn from *seed*, to its end."""
    drawer = Drawer(Dice(seed))
    taken = 0
    for _ in range(3 * moves):
        taken += await play.take(drawer.next(play.truth))
        if taken == moves:
            break
    await play.end()
