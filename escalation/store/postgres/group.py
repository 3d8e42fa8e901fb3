"""
One group of use cases in one transaction.

    each use case, a task ──asks──▶ Board ──when all that live wait──▶ plan ──trip by trip──▶ Line
            ▲                                                                                  │
            └────────────────────────────── its share of the answer ◀──────────────────────────┘

When all are done, what they saved up is written, all of it in one statement; the commit is the
caller's. If anything goes wrong nothing of it may be committed.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from escalation.store.postgres.line import Line
from escalation.store.postgres.members import Member
from escalation.store.postgres.session import PostgresSession
from escalation.store.postgres.work import Work, Write, plan, shares, together
from escalation.store.tenancy import Owner
from escalation.store.transaction import SqlTransaction

#: Seconds for which a group waits for a use case that does not come back to it.
_PATIENCE = 10.0
#: A commit that comes later than this after the instant by which its use cases decided is not made.
_LONGEST = timedelta(seconds=1)


class Spoilt(Exception):  # told to nobody: each use case then meets its own error alone
    """A use case of the group failed, or did not come back to it."""


class Board:
    """Where the use cases of a group put up what they ask for, and wait for their answers."""

    def __init__(self, line: Line, members: int) -> None:
        self._line = line
        self._live = members
        self._asked: list[tuple[Work, asyncio.Future[Any]]] = []
        self._all_wait = asyncio.Event()
        self._failed: BaseException | None = None

    @property
    def now(self) -> datetime:
        """The instant of the group's transaction."""
        return self._line.now

    @property
    def owner(self) -> Owner:
        """Whose rows they all work on."""
        return self._line.owner

    async def do(self, work: Work) -> Any:
        """Have *work* done together with what the others ask for, and return its answer."""
        answer = asyncio.get_running_loop().create_future()
        self._asked.append((work, answer))
        self._look_around()
        return await answer

    def leave(self, *, failed: BaseException | None = None) -> None:
        """Tell that one use case will ask for nothing more, and whether it *failed*."""
        self._live -= 1
        self._failed = self._failed or failed
        if failed is not None:
            self._all_wait.set()
        self._look_around()

    async def serve(self) -> None:
        """Do what is asked for until every use case is done; raise if anything goes wrong."""
        while True:
            await self._until_all_wait()
            if not self._asked:
                return
            asked, self._asked = self._asked, []
            for trip in plan([work for work, _ in asked]):
                answer = await self._line.do(trip.work)
                parts = [asked[number] for number in trip.parts]
                for (_, waiting), share in zip(
                    parts, shares([work for work, _ in parts], answer), strict=True
                ):
                    if not waiting.done():
                        waiting.set_result(share)

    async def _until_all_wait(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._all_wait.wait()
        except TimeoutError as error:
            raise Spoilt from error
        self._all_wait.clear()
        if self._failed is not None:
            raise Spoilt from self._failed

    def _look_around(self) -> None:
        # One who asks for two things at once counts twice, and then a trip goes a little too early.
        if len(self._asked) >= self._live:
            self._all_wait.set()


async def run(line: Line, members: Sequence[Member]) -> Sequence[Any]:
    """Run *members* on *line*, write what they leave behind, and return their answers. Raises ``Spoilt``."""
    began = line.now
    board = Board(line, len(members))
    sessions = [PostgresSession(board, frozen=False) for _ in members]
    pairs = zip(members, sessions, strict=True)
    tasks = [asyncio.create_task(_take_part(board, member, session)) for member, session in pairs]
    try:
        await board.serve()
    except BaseException:
        await _give_up(tasks)
        raise
    if line.now - began > _LONGEST:
        # It waited for somebody's lock, and who was through before that decided by an instant long past.
        raise Spoilt
    if later := together([session.taken() for session in sessions]):
        await line.do(Write(later))
    return [task.result() for task in tasks]


async def _take_part(board: Board, member: Member, session: PostgresSession) -> Any:
    try:
        answer = await member.use_case(SqlTransaction(session))
    except BaseException as error:
        board.leave(failed=error)
        raise
    board.leave()
    return answer


async def _give_up(tasks: Sequence["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
