"""One process that serves, as its parent sees it."""

import asyncio
from itertools import count
from typing import Any

from tests.harness.fake_slack import FakeSlack
from tests.replicas.wire import Call, FromSlack, Reply, ToSlack, Wire


class Died(Exception):
    """The process ended before it answered; what became of the call is not known."""


class Failed(Exception):
    """The process answered with an error."""

    def __init__(self, error: str, *, may_pass: bool) -> None:
        super().__init__(error)
        self.may_pass = may_pass  #: Whether the same call may go through later.


class Replica:
    """One process that serves."""

    def __init__(self, pid: int, dead: asyncio.Future[int]) -> None:
        self.pid = pid
        self.dead = dead  #: Its exit code, once it has one.
        self.slack: FakeSlack | None = None  #: Who answers its calls of Slack.
        self._wire: Wire | None = None
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._numbers = count(1)

    async def call(self, name: str, *arguments: Any) -> Any:
        """Have it do what is called *name*. Raises ``Died`` or ``Failed``."""
        if self._wire is None or self.dead.done():
            raise Died
        number = next(self._numbers)
        answered = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        self._wire.write(Call(number, name, arguments))
        return await answered

    async def ready(self) -> None:
        """Return once it serves. Raises ``Died``."""
        either: list[asyncio.Future[Any]] = [self._ready, self.dead]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done():
            raise Died

    async def hear(self, wire: Wire) -> None:
        """Take in what it says, until it says nothing more."""
        self._wire = wire
        self._ready.set_result(None)
        while (heard := await wire.read()) is not None:
            match heard:
                case Reply():
                    self._take(heard)
                case ToSlack():
                    await self._ask_slack(wire, heard)
                case _:
                    raise AssertionError(f"it said {heard}")
        wire.close()
        # It is over when the system says so: until then it may hold locks.
        await self.dead
        waiting, self._waiting = self._waiting, {}
        for answered in waiting.values():
            if not answered.done():
                answered.set_exception(Died())

    def _take(self, heard: Reply) -> None:
        answered = self._waiting.pop(heard.number)
        if answered.done():
            return
        if heard.error is None:
            answered.set_result(heard.value)
        else:
            answered.set_exception(Failed(heard.error, may_pass=heard.may_pass))

    async def _ask_slack(self, wire: Wire, asked: ToSlack) -> None:
        assert self.slack is not None
        wire.write(FromSlack(asked.number, await self.slack.answers(asked.method, asked.arguments)))
