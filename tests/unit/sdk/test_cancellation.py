"""A cancelled agent leaves an honest record."""

import asyncio

import httpx
import pytest

from andon import GrantState, OutcomeUnknown
from andon.gate import GRACE
from andon.testing import Script
from tests.unit.sdk.hostile import Forward, Hostile, Trick, never_arrives
from tests.unit.sdk.ledger import CLAIM, GET, POST, REPORT, Book, client, post


class Slowly:
    """A call takes a moment on its way there, or on its way back; `begun` tells when that moment begins."""

    def __init__(self, way: str = "back") -> None:
        self.begun = asyncio.Event()
        self._way = way

    async def __call__(self, request: httpx.Request, forward: Forward) -> httpx.Response:
        if self._way == "there":
            await self._moment()
            return await forward(request)
        response = await forward(request)
        await self._moment()
        return response

    async def _moment(self) -> None:
        self.begun.set()
        await asyncio.sleep(0.05)


def _away(slowly: Slowly) -> Trick:
    async def trick(request: httpx.Request, forward: Forward) -> httpx.Response:
        slowly.begun.set()
        return await never_arrives(request, forward)

    return trick


async def _cancel_after(event: asyncio.Event, task: "asyncio.Task[str]") -> None:
    await event.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelled_in_the_effect() -> None:
    """An effect cancelled on the way is reported unknown, and the next run leaves it to a person."""
    script = Script().approve(POST)
    ran, began = [], asyncio.Event()

    @client(script).gated(POST)
    async def pay(account: str) -> str:
        ran.append(account)
        began.set()
        await asyncio.sleep(3600)
        return account

    await _cancel_after(began, asyncio.create_task(pay("2100")))
    assert [grant.state for grant in script.reported] == [GrantState.UNKNOWN]
    with pytest.raises(OutcomeUnknown):
        await pay("2100")
    assert ran == ["2100"]


@pytest.mark.slow
async def test_cancelled_in_the_effect_while_the_bot_is_away() -> None:
    """A cancelled effect is over within the grace for telling, however patient the client is."""
    hostile = Hostile(Script().approve(POST)).on(REPORT, never_arrives, times=1000)
    began = asyncio.Event()

    @client(hostile, patience=3 * GRACE, timeout=1).gated(POST)
    async def pay(account: str) -> str:
        began.set()
        await asyncio.sleep(3600)
        return account

    task = asyncio.create_task(pay("2100"))
    await began.wait()
    clock = asyncio.get_running_loop().time
    cancelled = clock()
    await _cancel_after(began, task)
    assert clock() - cancelled < GRACE + 0.9
    assert len(hostile.calls(REPORT)) > 1


@pytest.mark.parametrize("way", ["there", "back"])
async def test_cancelled_in_the_claim(way: str) -> None:
    """A claim cancelled on the way runs nothing, and the bot hears that nothing ran."""
    slowly, book = Slowly(way), Book()
    hostile = Hostile(Script().approve(POST)).on(CLAIM, slowly)
    task = asyncio.create_task(post(book.gated(client(hostile))))
    await _cancel_after(slowly.begun, task)
    assert not book.entries
    reported = [(grant.state, grant.result) for grant in hostile.script.reported]
    assert reported == [(GrantState.FAILED, {"error": "nothing ran"})]


@pytest.mark.parametrize("way", ["there", "back"])
async def test_cancelled_in_the_report(way: str) -> None:
    """An effect that was over is still reported as what it was."""
    slowly, book = Slowly(way), Book()
    hostile = Hostile(Script().approve(POST)).on(REPORT, slowly)
    task = asyncio.create_task(post(book.gated(client(hostile))))
    await _cancel_after(slowly.begun, task)
    assert len(book.entries) == 1
    assert [grant.state for grant in hostile.script.reported] == [GrantState.SUCCEEDED]


async def test_cancelled_in_the_report_while_the_bot_is_away() -> None:
    """A report that cannot be delivered does not turn a cancellation into another error."""
    slowly, book = Slowly(), Book()
    hostile = Hostile(Script().approve(POST)).on(REPORT, _away(slowly), times=100)
    task = asyncio.create_task(post(book.gated(client(hostile, patience=0.3))))
    await _cancel_after(slowly.begun, task)
    assert len(book.entries) == 1


async def test_cancelled_while_people_think() -> None:
    """A run cancelled before the claim leaves the request as it is, for the next run to take up."""
    slowly, book = Slowly(), Book()
    hostile = Hostile(Script().approve(POST)).on(GET, slowly)
    gated = book.gated(client(hostile))
    task = asyncio.create_task(post(gated))
    await _cancel_after(slowly.begun, task)
    assert not hostile.script.reported
    assert await post(gated) == "entry 1"
    assert len(hostile.script.asked) == 1
