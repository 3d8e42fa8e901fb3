"""The twin without await keeps the same promises."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from contextvars import Context
from decimal import Decimal
from typing import TypeVarTuple

import pytest

from andon import AlreadyFailed, GrantState, Outcome, OutcomeUnknown, Rejected, State, sync
from andon.caller_thread import CallerThread
from andon.client import Andon as AsyncAndon
from andon.gate import GRACE
from andon.loop_thread import LoopThread
from andon.testing import Script
from tests.unit.sdk.hostile import Hostile, loses_the_reply, never_answers, never_arrives
from tests.unit.sdk.ledger import CLAIM, POST, PROPOSED, REPORT, RUN

Ts = TypeVarTuple("Ts")


def test_it_runs_once_on_the_thread_that_called() -> None:
    """An approved plain function runs once, where it was called, with what was approved."""
    script = Script().edit(POST, amount="10.00")
    ran = []
    with sync.Andon(workflow=RUN, offline=script) as andon:

        @andon.gated(POST)
        def post(account: str, amount: Decimal) -> str:
            ran.append((account, amount, threading.current_thread()))
            return f"entry {len(ran)}"

        assert post("2100", amount=Decimal("1250.00")) == "entry 1"
        assert post("2100", amount=Decimal("1250.00")) == "entry 1"
    assert ran == [("2100", Decimal("10.00"), threading.current_thread())]
    assert [grant.state for grant in script.reported] == [GrantState.SUCCEEDED]


def test_rejected_nothing_runs() -> None:
    """Without an approval the plain function does not run."""
    ran = []
    with sync.Andon(workflow=RUN, offline=Script()) as andon:

        @andon.gated(POST)
        def post(account: str) -> None:
            ran.append(account)

        with pytest.raises(Rejected):
            post.asking(summary="Please", key="k")("2100")
    assert not ran


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ValueError("no"), ValueError),
        (OSError("no"), OSError),
        (StopIteration("no"), RuntimeError),  # no coroutine lets one through, so it arrives as its cause
    ],
)
def test_a_failure_is_reported_and_raised(error: Exception, raised: type[Exception]) -> None:
    """Any error of the function is reported as failed and reaches the caller."""
    script = Script().approve(POST)
    with sync.Andon(workflow=RUN, offline=script) as andon:

        @andon.gated(POST)
        def post(account: str) -> None:
            raise error

        with pytest.raises(raised) as caught:
            post("2100")
        assert error in (caught.value, caught.value.__cause__)
        assert [grant.state for grant in script.reported] == [GrantState.FAILED]
        with pytest.raises(AlreadyFailed):
            post("2100")


def test_an_interrupt_in_the_effect_is_reported_unknown() -> None:
    """Ctrl-C in the function stops it, tells the bot that nobody knows, and reaches the caller."""
    script = Script().approve(POST)
    ran = []
    with sync.Andon(workflow=RUN, offline=script) as andon:

        @andon.gated(POST)
        def post(account: str) -> None:
            ran.append(account)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            post("2100")
        assert [grant.state for grant in script.reported] == [GrantState.UNKNOWN]
        with pytest.raises(OutcomeUnknown):
            post("2100")
    assert ran == ["2100"]


def test_an_interrupt_before_the_claim_lands_runs_nothing() -> None:
    """Ctrl-C while the claim is under way ends the call; the function does not run afterwards."""
    hostile = Hostile(Script().approve(POST)).on(CLAIM, never_answers)
    ran = []
    with sync.Andon("http://bot.test", "andon_x", workflow=RUN, transport=hostile, timeout=1) as andon:

        @andon.gated(POST)
        def post(account: str) -> None:
            ran.append(account)

        with pytest.raises(KeyboardInterrupt), _interrupted_at(hostile, CLAIM):
            post("2100")
        assert not ran
        assert [grant.state for grant in hostile.script.reported] == [GrantState.FAILED]


async def test_an_interrupt_before_the_thread_waits_asks_nothing() -> None:
    """Ctrl-C between the call and its waiting leaves callbacks that nobody runs: the call does not begin."""
    script = Script().approve(POST)
    andon = AsyncAndon(workflow=RUN, offline=script)
    calling = asyncio.create_task(CallerThread().once_waiting(andon.propose(POST, PROPOSED, summary="s")))
    done, _ = await asyncio.wait({calling}, timeout=0.05)  # long enough to propose
    assert (done, script.asked) == (set(), [])
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert not script.asked


@pytest.mark.slow
def test_an_interrupt_while_the_bot_is_away() -> None:
    """Ctrl-C in the function ends the call within the grace for telling, however patient the client is."""
    hostile = Hostile(Script().approve(POST)).on(REPORT, never_arrives, times=1000)
    with sync.Andon(
        "http://bot.test", "andon_x", workflow=RUN, transport=hostile, patience=3 * GRACE, timeout=1
    ) as andon:

        @andon.gated(POST)
        def post(account: str) -> None:
            raise KeyboardInterrupt(account)

        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            post("2100")
        assert time.monotonic() - began < GRACE + 0.9
    assert len(hostile.calls(REPORT)) > 1


class Tardy(asyncio.SelectorEventLoop):
    """A loop that takes its time before it is handed anything, so that threads meet just there."""

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Wait, then do as any loop does."""
        time.sleep(0.002)
        return super().call_soon_threadsafe(callback, *args, context=context)


class TardyLoops(asyncio.DefaultEventLoopPolicy):
    """Every new loop is tardy."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return another tardy one."""
        return Tardy()


def test_calls_and_closing_exclude_each_other() -> None:
    """However calls and closings meet, each call ends: with its result, or cancelled; none waits for ever."""
    loop_thread, over, odd = LoopThread(), threading.Event(), []

    async def step() -> str:
        await asyncio.sleep(0)
        return "done"

    def call() -> None:
        while not over.is_set():
            try:
                assert loop_thread.call(step()) == "done"
            except CancelledError:
                pass
            except BaseException as error:  # noqa: BLE001  # whatever it is, the test tells it
                odd.append(repr(error))

    callers = [threading.Thread(target=call, daemon=True) for _ in range(4)]
    with _loops_by(TardyLoops()):
        for caller in callers:
            caller.start()
        for _ in range(50):
            loop_thread.close()
            time.sleep(0.003)
        over.set()
        for caller in callers:
            caller.join(5)
        loop_thread.close()
    assert (odd, [caller.is_alive() for caller in callers]) == ([], [False] * 4)


@pytest.mark.slow
def test_closing_leaves_nobody_waiting_for_what_does_not_end() -> None:
    """A call whose work ignores its cancellation ends all the same when the loop is closed."""
    loop_thread, began, ended = LoopThread(), threading.Event(), []

    async def stubborn() -> None:
        began.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        await asyncio.sleep(3600)

    def wait() -> None:
        with pytest.raises(CancelledError):
            loop_thread.call(stubborn())
        ended.append(True)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    began.wait()
    loop_thread.close()
    thread.join(5)
    assert ended


def test_closing_an_unused_client() -> None:
    """A client that was never used can be closed, twice."""
    andon = sync.Andon(workflow=RUN, offline=Script())
    andon.close()
    andon.close()


def test_an_interrupt_while_waiting_runs_nothing() -> None:
    """Ctrl-C while people think ends the call; the function does not run afterwards."""
    hostile = Hostile(Script().approve(POST)).on("GET .*", never_answers)
    ran = []
    with sync.Andon("http://bot.test", "andon_x", workflow=RUN, transport=hostile) as andon:

        @andon.gated(POST)
        def post(account: str) -> None:
            ran.append(account)

        with pytest.raises(KeyboardInterrupt), _interrupted_at(hostile, "GET .*"):
            post("2100")
        assert not ran
        assert not hostile.calls(CLAIM)


def test_an_interrupt_that_does_not_wake_the_thread_ends_the_call() -> None:
    """Ctrl-C just before the thread blocks, which so is never woken by it, ends the call all the same."""
    hostile, sent = Hostile(Script().approve(POST)).on("GET .*", never_answers), []

    def to_this_thread_only() -> None:
        sent.append(time.monotonic())
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    with sync.Andon("http://bot.test", "andon_x", workflow=RUN, transport=hostile) as andon:

        @andon.gated(POST)
        def post(account: str) -> None:
            raise AssertionError(account)

        with pytest.raises(KeyboardInterrupt), _interrupted_at(hostile, "GET .*", press=to_this_thread_only):
            post("2100")
        assert time.monotonic() - sent[0] < 5


def test_closing_ends_what_other_threads_wait_for() -> None:
    """A call that waits on another thread ends when the client is closed, and nothing runs."""
    hostile = Hostile(Script().approve(POST)).on("GET .*", never_answers)
    andon = sync.Andon("http://bot.test", "andon_x", workflow=RUN, transport=hostile)
    ran, ended = [], []

    @andon.gated(POST)
    def post(account: str) -> None:
        ran.append(account)

    def wait() -> None:
        try:
            post("2100")
        except BaseException as error:  # noqa: BLE001  # whatever ends it
            ended.append(type(error).__name__)

    thread = threading.Thread(target=wait)
    thread.start()
    while not hostile.calls("GET .*"):
        time.sleep(0.001)
    andon.close()
    thread.join(10)
    assert ended == ["CancelledError"]
    assert not ran


def test_work_cancelled_before_it_began_does_not_begin() -> None:
    """An effect cancelled before its thread took it up is never run by that thread."""
    caller, ran = CallerThread(), []

    async def walk_away() -> None:
        task = asyncio.create_task(caller.run(lambda: ran.append("2100")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(walk_away())
    over: Future[None] = Future()
    over.set_result(None)
    caller.wait(over)
    assert not ran


def test_threads_share_a_client() -> None:
    """Many threads post through one client, each effect once, each on its own thread."""
    script = Script()
    for _ in range(8):
        script.approve(POST)
    ran = []
    with sync.Andon(workflow=RUN, offline=script) as andon:

        @andon.gated(POST)
        def post(number: int) -> int:
            ran.append((number, threading.current_thread()))
            return number

        threads = [threading.Thread(target=post, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(number for number, _ in ran) == list(range(8))
    assert {thread for _, thread in ran} == set(threads)


def test_lost_replies_change_nothing() -> None:
    """A lost reply to proposal, claim or report leaves one effect and one report."""
    for where in ("POST /v1/requests", CLAIM, REPORT):
        hostile = Hostile(Script().approve(POST)).on(where, loses_the_reply)
        ran: list[str] = []
        with sync.Andon("http://bot.test", "andon_x", workflow=RUN, transport=hostile) as andon:
            andon.gated(POST)(_appending_to(ran))("2100")
        assert ran == ["2100"]
        assert [grant.state for grant in hostile.script.reported] == [GrantState.SUCCEEDED]


@pytest.mark.parametrize("kind", ["async", "generator", "async generator"])
def test_functions_that_run_later_are_refused(kind: str) -> None:
    """A function whose call runs nothing yet cannot be gated as a plain one."""

    async def later() -> None: ...

    def step() -> object:
        yield

    async def steps() -> object:
        yield

    functions = {"async": later, "generator": step, "async generator": steps}
    with pytest.raises(TypeError, match="not plain"):
        sync.Andon(workflow=RUN, offline=Script()).gated(POST)(functions[kind])


def test_the_lower_level() -> None:
    """Every call of the client has its twin."""
    with sync.Andon(workflow=RUN, offline=Script().approve(POST).answer("a")) as andon:
        request = andon.propose(POST, PROPOSED, summary="s")
        assert request.grant is not None
        assert andon.request(request.id) == andon.wait(request.id) == request
        assert andon.list([State.APPROVED]).items == (request,)
        claim = andon.claim(request.grant.id, request.digest)
        assert andon.report(claim.grant.id, Outcome.SUCCEEDED).state is GrantState.SUCCEEDED
        assert andon.heartbeat().may_proceed
        assert andon.ask("Which?", options=["a"]) == "a"
        with pytest.raises(Exception, match="settled"):
            andon.cancel(request.id)


def test_the_twin_has_the_same_surface() -> None:
    """Whatever the async client offers, the twin offers under the same name."""
    names = {name for name in vars(AsyncAndon) if not name.startswith("_")} - {"aclose", "key_for"}
    assert names <= set(vars(sync.Andon))


def _appending_to(ran: list[str]) -> Callable[[str], None]:
    def post(account: str) -> None:
        ran.append(account)

    return post


@contextmanager
def _interrupted_at(
    hostile: Hostile,
    pattern: str,
    *,
    press: Callable[[], None] = lambda: os.kill(os.getpid(), signal.SIGINT),
) -> Iterator[None]:
    """Press Ctrl-C when the first call that matches *pattern* is under way."""

    def interrupt() -> None:
        while not hostile.calls(pattern):
            time.sleep(0.001)
        press()

    # A shell that starts a job in the background lets it ignore Ctrl-C, and tests with it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)


@contextmanager
def _loops_by(policy: asyncio.AbstractEventLoopPolicy) -> Iterator[None]:
    """Make every new event loop as *policy* does."""
    before = asyncio.get_event_loop_policy()
    asyncio.set_event_loop_policy(policy)
    try:
        yield
    finally:
        asyncio.set_event_loop_policy(before)
