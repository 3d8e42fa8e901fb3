"""Who wants the same thing at the same instant: each contest, and the histories that it leaves behind."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from escalation.request import Request
from tests.races.arena import Arena
from tests.races.history import History, Operation
from tests.races.model import GRANTED, PENDING, Doing, State

#: Requests that are contested at the same time.
_AT_ONCE = 8
_TICK = timedelta.resolution
#: Attempts to let go of a switch, between which the engine ends what is left.
_BEATS = 50


async def deadlines(on: Arena) -> Sequence[History]:
    """Yes, no and the agent's own no: one microsecond before the deadline, and from the deadline on."""
    asked = [await on.asked() for _ in range(_AT_ONCE)]
    deadline = asked[0].deadline
    assert {request.deadline for request in asked} == {deadline}
    on.clock.set(deadline - _TICK)
    around = _Around(on)
    crowds = [around.crowd(request, _CLICKS) for request in asked]
    coming = asyncio.create_task(_comes(on, around, deadline))
    found = await asyncio.gather(*crowds)
    await coming
    await on.all_run("deadlines")
    last = [await on.does(Doing("see"), request) for request in asked]
    told = [_history(request, [*crowd, end]) for request, crowd, end in zip(asked, found, last, strict=True)]
    _all_settled(last)
    return told


async def decisions(on: Arena) -> Sequence[History]:
    """An edit, a yes, a no and the agent's own no; who wins is claimed by three attempts."""
    asked = [await on.asked() for _ in range(_AT_ONCE)]
    found = await asyncio.gather(*(_crowd(on, request, _EDITS) for request in asked))
    return [
        _history(request, [*crowd, *await _claims(on, request, crowd)])
        for request, crowd in zip(asked, found, strict=True)
    ]


async def stops(on: Arena) -> Sequence[History]:
    """A stop in the middle of claims and clicks; it is swept, let go of, and everything is tried again."""
    asked = [await on.asked() for _ in range(_AT_ONCE)]
    granted, pending = asked[: _AT_ONCE // 2], asked[_AT_ONCE // 2 :]
    await asyncio.gather(*(on.does(Doing("approve", "salma"), request) for request in granted))
    around = _Around(on)
    crowds = [around.crowd(request, _CLAIMS) for request in granted]
    crowds += [around.crowd(request, _CLICKS) for request in pending]
    stopping = asyncio.create_task(_stopped(on, around))
    found = await asyncio.gather(*crowds)
    switch = await stopping
    again = [await on.does(Doing("claim", "after"), request) for request in granted]
    again += [await on.does(Doing("see"), request) for request in pending]
    starts = [State(request="approved", grant=GRANTED)] * len(granted) + [State()] * len(pending)
    return [
        _history(request, [*crowd, end, *switch], start=start)
        for request, crowd, end, start in zip(asked, found, again, starts, strict=True)
    ]


async def keys(on: Arena) -> Sequence[History]:
    """One idempotency key, sent through several processes at once, and once with something else."""
    names = [on.name("key") for _ in range(_AT_ONCE)]
    found = await asyncio.gather(*(_crowd(on, name, _PROPOSALS) for name in names))
    far = on.clock.now() + timedelta(days=1)
    start = State(request="")
    return [
        History(about=name, start=start, deadline=far, operations=crowd)
        for name, crowd in zip(names, found, strict=True)
    ]


Contest = Callable[[Arena], Awaitable[Sequence[History]]]

#: By what is counted in them.
CONTESTS: Mapping[str, Contest] = {
    "contested deadlines": deadlines,
    "edits, decisions and cancels at once": decisions,
    "claims and clicks against a stop": stops,
    "proposals under one key": keys,
}

_CLICKS = (
    *(Doing("approve", "salma"), Doing("approve", "khalid"), Doing("reject", "khalid")),
    *(Doing("cancel"), Doing("see"), Doing("wait")),
)
_EDITS = (
    *(Doing("edit", "salma"), Doing("edit", "khalid"), Doing("approve", "khalid")),
    *(Doing("reject", "salma"), Doing("cancel"), Doing("see")),
)
_CLAIMS = (Doing("claim", "one"), Doing("claim", "two"), Doing("claim", "one"), Doing("claim", "three"))
_PROPOSALS = (*(Doing("propose", "this"),) * 4, Doing("propose", "that"))


async def _crowd(on: Arena, about: object, doings: Sequence[Doing]) -> list[Operation]:
    mixed = on.dice.sample(doings, len(doings))
    return list(await asyncio.gather(*(on.does(doing, about) for doing in mixed)))


class _Around:
    """A turning point in the middle of what clients do: some begin at once, and some when it has come."""

    def __init__(self, on: Arena) -> None:
        self._on = on
        self._come = asyncio.Event()
        self._early = 0

    def crowd(self, about: object, doings: Sequence[Doing]) -> Awaitable[list[Operation]]:
        """Return what becomes of clients who do *doings*, each before the turning point or after it."""
        mixed = self._on.dice.sample(doings, len(doings))
        cut = self._on.dice.randint(0, len(mixed))
        # Who waits for an outcome returns when there is one: nothing else may depend on that.
        self._early += sum(doing.name != "wait" for doing in mixed[:cut])
        clients = [self._does(doing, about, late=number >= cut) for number, doing in enumerate(mixed)]
        return asyncio.gather(*clients)

    async def begins(self) -> None:
        """Return in the middle of those who began at once."""
        await self._on.after(self._on.dice.randint(0, self._early))

    def has_come(self) -> None:
        """Let the others begin."""
        self._come.set()

    async def _does(self, doing: Doing, about: object, *, late: bool) -> Operation:
        if late:
            await self._come.wait()
        return await self._on.does(doing, about)


async def _comes(on: Arena, around: _Around, deadline: datetime) -> None:
    """Let the deadline come while clicks are under way, and every engine notice."""
    await around.begins()
    on.clock.set(deadline)
    around.has_come()
    await on.all_run("deadlines")


async def _stopped(on: Arena, around: _Around) -> list[Operation]:
    """Stop everything, twice at once, and let go of it as soon as all that waited has ended."""
    await around.begins()
    who = ("khalid", "salma")
    done = list(await asyncio.gather(*(on.does(Doing("stop", each), None) for each in who)))
    around.has_come()
    for _ in range(_BEATS):
        await on.all_run("sweeping")
        done.append(await on.does(Doing("resume", "nadia"), None))
        if done[-1].told == "resumed":
            return done
    raise AssertionError("the sweep of a stop does not end")


async def _claims(on: Arena, request: Request, crowd: Sequence[Operation]) -> list[Operation]:
    if not any(each.told == "counts: approved" for each in crowd):
        return []
    return await _crowd(on, request, _CLAIMS)


def _history(request: Request, operations: Sequence[Operation], *, start: State | None = None) -> History:
    return History(about=request.id, start=start or State(), deadline=request.deadline, operations=operations)


def _all_settled(last: Sequence[Operation]) -> None:
    assert all(each.told != PENDING for each in last), "the deadline passed, and a request still waits"
