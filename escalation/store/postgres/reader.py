"""Readers who look for rows by their keys at the same time share a connection and a statement."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from escalation.errors import StoreError, StoreUnavailable
from escalation.store.postgres.line import Line
from escalation.store.postgres.work import Look, Trip, Work, plan, shares
from escalation.store.statement import Row
from escalation.store.tenancy import Owner

#: Lends a connection without a transaction: each statement sees what is committed by then.
Lend = Callable[[], AbstractAsyncContextManager[Line]]

_Asked = tuple[Look, asyncio.Future[Sequence[Row]]]


class Reader:
    """Looks for what is asked for while the statement before is under way, all of it at once."""

    def __init__(self, lend: Lend) -> None:
        self._lend = lend
        self._asked: list[_Asked] = []
        self._busy = False
        self._task: asyncio.Task[None] | None = None

    async def look(self, look: Look) -> Sequence[Row]:
        """Return the rows that *look* asks for, as they are committed now or a moment later."""
        if self._busy:
            answer: asyncio.Future[Sequence[Row]] = asyncio.get_running_loop().create_future()
            self._asked.append((look, answer))
            return await answer
        self._busy = True
        try:
            # Who comes alone looks by itself; who comes meanwhile is served together afterwards.
            async with self._lend() as line:
                found: Sequence[Row] = await line.do(look)
                return found
        finally:
            self._go_on()

    def _go_on(self) -> None:
        self._task = asyncio.create_task(self._serve()) if self._asked else None
        self._busy = self._task is not None

    async def _serve(self) -> None:
        try:
            async with self._lend() as line:
                while self._asked:
                    asked, self._asked = self._asked, []
                    await self._round(line, asked)
        except StoreError as error:
            # No connection was to be had, or it broke: whoever still asks is told so.
            asked, self._asked = self._asked, []
            _fail(asked, error)
        finally:
            self._go_on()

    async def _round(self, line: Line, asked: Sequence[_Asked]) -> None:
        try:
            for trip in plan([look for look, _ in asked]):
                await self._do(line, trip, [asked[number] for number in trip.parts])
        except BaseException as error:
            _fail(asked, error)
            raise

    async def _do(self, line: Line, trip: Trip, parts: Sequence[_Asked]) -> None:
        try:
            answer = await line.do(trip.work)
        except StoreUnavailable:
            raise
        except StoreError as error:
            if len(parts) == 1:
                _fail(parts, error)
                return
            # One of them asked for something that the database refuses: the others go without it.
            for part in parts:
                await self._do(line, Trip(part[0]), [part])
            return
        for (_, waiting), share in zip(parts, shares([look for look, _ in parts], answer), strict=True):
            if not waiting.done():
                waiting.set_result(share)


def _fail(asked: Sequence[_Asked], error: BaseException) -> None:
    for _, waiting in asked:
        if not waiting.done():
            told = StoreUnavailable(str(error)) if isinstance(error, StoreUnavailable) else error
            waiting.set_exception(told)


class ReadWorker:
    """Does the work of one reader, who sees whatever is committed when each statement begins."""

    def __init__(self, reader: Reader, lend: Lend, now: datetime, owner: Owner) -> None:
        self.now = now
        self.owner = owner
        self._reader = reader
        self._lend = lend

    async def do(self, work: Work) -> Any:
        """Do *work* and return its answer: with others, if it is alike."""
        if isinstance(work, Look):
            return await self._reader.look(work)
        async with self._lend() as line:
            return await line.do(work)
