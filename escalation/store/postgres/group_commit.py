"""
Use cases share commits: those that meet while a group is under way form the next one.

    submit ─▶ waiting ──admit──▶ a group, one transaction ──COMMIT──▶ everybody hears of it
                                        │ anything goes wrong before that
                                        ▼
                             ROLLBACK, and each again alone: its error is its own, a deadlock is retried

Nobody waits for company: a use case that comes alone has a transaction of its own at once. And nobody
waits for a stranger's lock: while a group is stuck behind one, the next groups begin beside it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from typing import TypeVar, cast

from escalation.errors import StoreError, StoreUnavailable
from escalation.ports import UseCase
from escalation.store.postgres.errors import CommitUnknown, Deadlocked, MetOthers
from escalation.store.postgres.group import Spoilt, run
from escalation.store.postgres.line import Line
from escalation.store.postgres.members import Member, admit
from escalation.store.postgres.session import PostgresSession
from escalation.store.transaction import SqlTransaction

T = TypeVar("T")

#: Seconds after which a group is taken to wait for somebody's lock: the next one begins beside it.
_STUCK = 0.025
#: How many groups are under way at most; the other connections are left to readers and the engine.
_MOST = 6
#: How many members of groups that fell apart run at once: with those, still fewer than there are connections.
_APART = 3

#: How often a use case that lost a deadlock is done again; each time somebody else got through.
_RETRIES = 3

#: Opens a transaction on a connection; commits at the end of the block, or rolls back.
Open = Callable[[], AbstractAsyncContextManager[Line]]


class _Turn:
    """One group under way, and what it touches."""

    def __init__(self, touches: Sequence[Collection[str]]) -> None:
        self.touched = frozenset().union(*touches)
        self.holds_up = True  #: Whether others wait for it to end before they begin.
        self.timer: asyncio.TimerHandle | None = None


class GroupCommit:
    """Runs use cases in transactions that they share: *shared* opens one for several, *alone* for one."""

    def __init__(self, *, shared: Open, alone: Open) -> None:
        self._shared = shared
        self._alone = alone
        self._waiting: list[Member] = []
        self._touched: set[str] = set()
        self._under_way: set[_Turn] = set()
        self._finished = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._called = False
        self._apart = asyncio.Semaphore(_APART)
        #: Seconds; a test that wants everybody to meet sets it high.
        self.stuck_after = _STUCK
        #: How many groups had how many members.
        self.sizes: Counter[int] = Counter()

    async def submit(self, use_case: UseCase[T], touches: Collection[str]) -> T:
        """Run *use_case* with whoever has come as well, and return its answer once committed."""
        if not self._waiting and self._may_begin() and self._touched.isdisjoint(touches):
            return await self._at_once(use_case, touches)
        member = Member(use_case, frozenset(touches))
        self._waiting.append(member)
        self._call()
        try:
            # Shielded: that one caller gave up must not undo its neighbours'.
            return cast("T", await asyncio.shield(member.outcome))
        finally:
            # Who gave up before the turn came has changed nothing, and will not.
            if not member.outcome.done() and member in self._waiting:
                self._waiting = [each for each in self._waiting if each is not member]
                self._finished.set()

    async def close(self) -> None:
        """Finish the groups under way, and those who wait for theirs."""
        while self._under_way or self._waiting:
            self._finished.clear()
            await self._finished.wait()

    async def _at_once(self, use_case: UseCase[T], touches: Collection[str]) -> T:
        # Nobody else is here: it needs no task of its own, and is undone if its caller gives up.
        turn = self._enter([touches])
        try:
            return await self._run_alone(use_case)
        finally:
            self._leave(turn)

    async def _run_alone(self, use_case: UseCase[T]) -> T:
        for _ in range(_RETRIES):
            with suppress(Deadlocked):
                return await self._run_once(use_case)
        return await self._run_once(use_case)

    async def _run_once(self, use_case: UseCase[T]) -> T:
        async with self._alone() as line:
            session = PostgresSession(line, frozen=False)
            answer = await use_case(SqlTransaction(session))
            await session.flush()
        return answer

    def _may_begin(self) -> bool:
        held_up = any(turn.holds_up for turn in self._under_way)
        return not held_up and len(self._under_way) < _MOST

    def _enter(self, touches: Sequence[Collection[str]]) -> _Turn:
        self.sizes[len(touches)] += 1
        turn = _Turn(touches)
        turn.timer = asyncio.get_running_loop().call_later(self.stuck_after, self._let_pass, turn)
        self._under_way.add(turn)
        self._touched |= turn.touched
        return turn

    def _let_pass(self, turn: _Turn) -> None:
        turn.holds_up = False
        self._call()

    def _leave(self, turn: _Turn) -> None:
        if turn.timer is not None:
            turn.timer.cancel()
        self._under_way.discard(turn)
        self._touched -= turn.touched
        self._finished.set()
        self._call()

    def _call(self) -> None:
        # Not at once: whoever is about to come in this turn of the loop rides along.
        if not self._called:
            self._called = True
            asyncio.get_running_loop().call_soon(self._begin)

    def _begin(self) -> None:
        self._called = False
        while self._waiting and self._may_begin():
            admitted = admit(self._waiting, under_way=self._touched)
            if not admitted.group:
                return
            self._waiting = admitted.waiting
            turn = self._enter([member.touches for member in admitted.group])
            task = asyncio.create_task(self._carry_out(admitted.group, turn))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, group: Sequence[Member], turn: _Turn) -> None:
        try:
            if len(group) == 1:
                await self._by_itself(group[0])
            else:
                await self._together(group)
        finally:
            self._leave(turn)
            for member in group:
                # Only a process that ends leaves anybody without an answer.
                member.fail(StoreUnavailable("the program ended; whether it took effect is not known"))

    async def _together(self, group: Sequence[Member]) -> None:
        try:
            async with self._shared() as line:
                answers = await run(line, group)
        except CommitUnknown as error:
            _tell(group, str(error), error)
        except StoreUnavailable as error:
            if isinstance(error, MetOthers):
                await self._each_by_itself(group)
            else:
                _tell(group, f"{error}; nothing was changed", error)
        except (StoreError, Spoilt):
            await self._each_by_itself(group)
        else:
            for member, answer in zip(group, answers, strict=True):
                member.tell(answer)

    async def _each_by_itself(self, group: Sequence[Member]) -> None:
        async def in_turn(member: Member) -> None:
            async with self._apart:
                await self._by_itself(member)

        async with asyncio.TaskGroup() as tasks:
            for member in group:
                tasks.create_task(in_turn(member))

    async def _by_itself(self, member: Member) -> None:
        try:
            answer = await self._run_alone(member.use_case)
        except Exception as error:  # noqa: BLE001  # it is the caller's
            member.fail(error)
        else:
            member.tell(answer)


def _tell(group: Sequence[Member], what: str, cause: Exception) -> None:
    for member in group:
        error = StoreUnavailable(what)
        error.__cause__ = cause
        member.fail(error)
