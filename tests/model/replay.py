"""
Carries out the model's paths with the real use cases on a real store, and compares every state.

Each step of a path is one use case. Where the model says that the process died, the store loses the
commit or the answer, everything in memory is thrown away, and another process opens the same database.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeAlias

from bot.config import Loaded
from escalation.authority import Account
from escalation.clock import Clock
from escalation.errors import StoreUnavailable
from escalation.grant import Claim, Grant, Report, Tell
from escalation.ids import AgentName, Ulids
from escalation.ports import Delivered, Delivery, Dossier, Outgoing, Store, Sweep
from escalation.reason import Refused
from escalation.request import Request, Words
from escalation.request import State as RequestState
from escalation.service import seal
from escalation.service import sweep as sweeps
from escalation.service.cancel import cancel
from escalation.service.claim import claim
from escalation.service.configure import put_in_force
from escalation.service.context import Click, Core
from escalation.service.deadlines import lapse_due, settle_due
from escalation.service.decide import Approve, Reject, decide
from escalation.service.deliver import send, take
from escalation.service.propose import Proposal, Propose, propose
from escalation.service.report import report
from escalation.service.resolve import resolve
from escalation.service.stop import resume, stop
from escalation.store.memory import MemoryStore
from escalation.switch import Switch, scope
from escalation.verification import Verified
from escalation.wakeups.local import LocalWakeups
from tests.model.quint import State
from tests.scenario.agent import CONFIDENT, LARGE, POSTING, SMALL
from tests.scenario.rules import with_second_agent
from tests.scenario.unreliable import Away, UnreliableStore

NOON = datetime(2026, 11, 16, 12, 0, tzinfo=UTC)
_STEP = timedelta(seconds=30)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH = 200
_SCOPES = ("all", "function:finance")
_ACCOUNTS = {
    "salma": "U01SALMA",
    "khalid": "U02KHALID",
    "maryam": "U03MARYAM",
    "yusuf": "U04YUSUF",
    "nadia": "U05NADIA",
}
#: What the model calls a request: whose it is, and what is different about its posting.
_WANTED: Mapping[str, tuple[AgentName, Mapping[str, str]]] = {
    "rent": (AgentName("bank-reconciliation"), {}),
    "cable": (AgentName("bank-reconciliation"), LARGE),
    "fee": (AgentName("bank-reconciliation"), SMALL),
    "hotel": (AgentName("expense-review"), {}),
}
#: How the model says that a process dies.
_DIES = {"dies before the commit": Away.AT_THE_COMMIT, "dies before the answer": Away.AFTER_THE_COMMIT}

#: Opens the database of one path, again after each death.
Open: TypeAlias = Callable[[Clock], Store]


class Diverged(AssertionError):
    """The real core did something else than the model."""


@dataclass(slots=True)
class _StandingClock:
    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


def instant(tick: int) -> datetime:
    """Return the instant that the model calls *tick*: each odd one is a microsecond before the next."""
    exact = NOON + (tick + 1) // 2 * _STEP
    return exact if tick % 2 == 0 else exact - timedelta.resolution


def in_memory() -> Open:
    """Return what opens one store in memory, again and again: it is the database, and outlives processes."""
    store: list[MemoryStore] = []

    def opened(clock: Clock) -> Store:
        if not store:
            store.append(MemoryStore(clock))
        return store[0]

    return opened


async def replay(path: Sequence[State], opened: Open, *, lasting: bool) -> int:
    """Carry out *path*; return how many steps it took. Raises ``Diverged``.

    A store that is *lasting* is closed at each death and opened again; the one in memory is not.
    """
    house = await _House.open(opened, lasting=lasting)
    try:
        for number, state in enumerate(path):
            try:
                await house.does(state)
                await house.stands(state)
            except AssertionError as error:
                told = "\n".join(
                    f"  {n}: {each.now} {each.step}" for n, each in enumerate(path[: number + 1])
                )
                raise Diverged(f"{error}\nat the end of:\n{told}") from error
        await house.is_on_the_record()
    finally:
        await house.store.close()
    return len(path) - 1


class _Post:
    """Takes every card at once: the model has no Slack."""

    async def carry(self, outgoing: Outgoing, about: Dossier | None) -> Delivery:
        return Delivered(channel=outgoing.lane, ts="1.0")


class _House:
    """One database, and the process that has it open now."""

    def __init__(self, opened: Open, loaded: Loaded, *, lasting: bool) -> None:
        self._open, self._loaded, self._lasting = opened, loaded, lasting
        self._clock = _StandingClock()
        self._numbers = count(1)
        self.store = UnreliableStore(opened(self._clock))
        self._core = self._new_core()

    @classmethod
    async def open(cls, opened: Open, *, lasting: bool) -> "_House":
        loaded = with_second_agent()
        house = cls(opened, loaded, lasting=lasting)
        await put_in_force(house._core, body=loaded.body)
        return house

    async def does(self, state: State) -> None:
        """Do what the model did to come to *state*, and die where it says so."""
        self._clock.at = instant(state.now)
        op, how = state.step["op"], state.step["how"]
        if op in {"init", "wait"}:
            return
        act = await self._act(state.step)
        if (away := _DIES.get(how)) is not None:
            await self._dies(act, away)
            return
        done = await act()
        assert _is_ok(done) is state.step["ok"], f"{op} came to {done}"
        if how == "is asked twice":
            await act()
        if op == "propose":
            await self._post(state.step["about"])

    async def stands(self, state: State) -> None:
        """Check that the database holds what the model says."""
        real = await self._read()
        expected = _expected(state.db)
        assert real == expected, f"the core has\n{real}\nand the model\n{expected}"

    async def is_on_the_record(self) -> None:
        """Check that the chain is whole after all that."""
        while await seal.seal(self._core, batch=1000):
            pass
        verdict = await seal.verify(self.store)
        assert isinstance(verdict, Verified), verdict

    async def _post(self, name: str) -> None:
        # Only what was asked at this instant: whoever posts later settles what is over.
        async with self.store.read() as tx:
            asked = await tx.requests.by_key(_WANTED[name][0], name)
        if asked is not None and asked.asked_at == self._clock.at:
            for outgoing in await take(self._core, limit=_BATCH):
                if outgoing.request == asked.id:
                    await send(self._core, _Post(), outgoing)

    # --- how a process dies ---

    async def _dies(self, act: Callable[[], Awaitable[object]], away: Away) -> None:
        with self.store.goes_away(away):
            try:
                survived = await act()
            except StoreUnavailable:
                survived = None
        assert survived is None, f"nothing was committed by {survived}"
        if self._lasting:
            await self.store.close()
            self.store = UnreliableStore(self._open(self._clock))
        self._core = self._new_core()

    def _new_core(self) -> Core:
        return Core(
            store=self.store,
            ids=Ulids(self._clock),
            wakeups=LocalWakeups(),
            configuration=lambda: self._loaded.configuration,
        )

    # --- what a step is ---

    async def _act(self, step: Mapping[str, Any]) -> Callable[[], Awaitable[object]]:
        op, about, by = step["op"], step["about"], step["by"]
        if about in _SCOPES:
            return await self._on_scope(op, about, by)
        if op == "propose":
            return lambda: propose(self._core, _proposal(about))
        if op in {"approve", "reject", "cancel"}:
            return await self._on_request(op, about, by)
        if op in {"climb", "lapse"}:
            work = settle_due if op == "climb" else lapse_due
            return lambda: work(self._core, batch=_BATCH)
        return await self._on_grant(op, about, by)

    async def _on_request(self, op: str, about: str, by: str) -> Callable[[], Awaitable[object]]:
        request = await self._request(about)
        if op == "cancel":
            return lambda: cancel(self._core, request.agent, request.id, "")
        click = self._click(by)
        choice = Approve() if op == "approve" else Reject("Not ours")
        return lambda: decide(self._core, click, request.id, choice)

    async def _on_grant(self, op: str, about: str, by: str) -> Callable[[], Awaitable[object]]:
        grant = await self._grant(about)
        if op == "claim":
            command = Claim(agent=grant.agent, digest=grant.digest, attempt=by)
            return lambda: claim(self._core, grant.id, command)
        if op == "report":
            told = Tell(agent=grant.agent, report=Report(by), attempt=grant.attempt)
            return lambda: report(self._core, grant.id, told)
        click, outcome = self._click(by), Report(op.removeprefix("resolve "))
        return lambda: resolve(self._core, click, grant.id, outcome)

    async def _on_scope(self, op: str, about: str, by: str) -> Callable[[], Awaitable[object]]:
        where = scope(about)
        if op in {"stop", "resume"}:
            click = self._click(by)
            if op == "stop":
                return lambda: stop(self._core, click, where, "A drill")
            return lambda: resume(self._core, click, where)
        (found,) = [each for each in await sweeps.unfinished(self._core) if each.scope == where]
        return self._sweeping(op, found)

    def _sweeping(self, op: str, sweep: Sweep) -> Callable[[], Awaitable[object]]:
        match op:
            case "end requests":
                return lambda: sweeps.end_requests(self._core, sweep, since=_LONG_AGO, batch=_BATCH)
            case "revoke grants":
                return lambda: sweeps.revoke_grants(self._core, sweep, batch=_BATCH)
            case "finish sweep":
                return lambda: sweeps.finish(self._core, sweep)
            case _:
                raise ValueError(f"the model does {op!r}, and nobody knows what that is")

    def _click(self, who: str) -> Click:
        account = Account(self._loaded.configuration.tenant, _ACCOUNTS[who])
        return Click(account=account, fingerprint=f"click-{next(self._numbers)}", what="a model's click")

    # --- what is there ---

    async def _request(self, name: str) -> Request:
        async with self.store.read() as tx:
            found = await tx.requests.by_key(_WANTED[name][0], name)
        assert found is not None, f"{name} was never asked"
        return found

    async def _grant(self, name: str) -> Grant:
        request = await self._request(name)
        async with self.store.read() as tx:
            found = await tx.grants.of(request.id)
        assert found is not None, f"{name} has no grant"
        return found

    async def _read(self) -> Mapping[str, Any]:
        requests, grants, switches = {}, {}, {}
        async with self.store.read() as tx:
            for name, (agent, _) in _WANTED.items():
                if (request := await tx.requests.by_key(agent, name)) is not None:
                    requests[name] = _of_request(request)
                    if (grant := await tx.grants.of(request.id)) is not None:
                        grants[name] = _of_grant(grant)
            for switch in await tx.switches.stopped():
                sweep = await tx.sweeps.of(switch)
                switches[str(switch.scope)] = _of_stop(switch, sweep)
        return {"requests": requests, "grants": grants, "stops": switches}


def _proposal(name: str) -> Propose:
    agent, changes = _WANTED[name]
    return Propose(
        agent=agent,
        key=name,
        subject=Proposal(type="ledger.post", arguments={**POSTING, **changes}),
        words=replace(Words(), confidence=CONFIDENT),
    )


def _is_ok(outcome: object) -> bool:
    return not isinstance(outcome, Refused) and outcome is not False


def _of_request(request: Request) -> Mapping[str, Any]:
    # To the model, what nobody answered timed out. Here its card was never posted, if the process died first.
    state = RequestState.TIMED_OUT if request.state.went_unanswered else request.state
    return {
        "state": state.value,
        "asked": request.asked_at,
        "rung": int(request.rung),
        "approvedBy": frozenset(request.approved_by),
        "settled": request.settled_at,
    }


def _of_grant(grant: Grant) -> Mapping[str, Any]:
    return {
        "state": grant.state.value,
        "granted": grant.granted_at,
        "claimed": grant.claimed_at,
        "attempt": grant.attempt or "",
        "late": grant.late is not None,
        "resolved": grant.resolved_by is not None,
    }


def _of_stop(switch: Switch, sweep: Sweep | None) -> Mapping[str, Any]:
    assert switch.stop is not None
    swept = sweep is not None and sweep.finished_at is not None
    return {"at": switch.stop.at, "by": switch.stop.by, "version": switch.version, "swept": swept}


def _expected(db: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the database should hold, by the model: instants in the place of its ticks."""
    instants = {"asked", "settled", "granted", "claimed", "at"}

    def told(row: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            name: (None if value < 0 else instant(value)) if name in instants else value
            for name, value in row.items()
            if name != "stopped"
        }

    return {
        "requests": {name: told(row) for name, row in db["requests"].items()},
        "grants": {name: told(row) for name, row in db["grants"].items()},
        "stops": {name: told(row) for name, row in db["switches"].items() if row["stopped"]},
    }
