"""
The twin of the client for code without `await`: the same calls, the same promises, the same errors.

    andon = Andon()

    @andon.gated("ledger.post")
    def post(account: str, amount: Decimal, currency: str, memo: str) -> str: ...

Every call runs the async client on an event loop of its own thread; a gated function runs on the thread that
called it.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, Generic, Protocol, Self, Unpack

from pydantic import JsonValue

from andon import client
from andon.caller_thread import CallerThread
from andon.gate import Effect, Gate
from andon.gated import GatedBase, P, R
from andon.loop_thread import LoopThread
from andon.models import Asking, Because, Claim, Grant, Heartbeat, Outcome, Page, Request, State
from andon.settings import Options
from andon.signature import Signature

_RUNS_LATER: Final = (
    inspect.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
)


class Decorator(Protocol):
    """Turns a plain function into a `Gated` one with the same signature."""

    def __call__(self, function: Callable[P, R], /) -> "Gated[P, R]": ...


class Gated(GatedBase, Generic[P, R]):
    """A plain function behind the gate: call it as the function it was."""

    def __init__(
        self, loop_thread: LoopThread, gate: Gate, action_type: str, function: Callable[P, R]
    ) -> None:
        if any(is_later(function) for is_later in _RUNS_LATER):
            raise TypeError(
                f"{function!r} is not plain: calling it runs nothing yet; see andon.Andon for async"
            )
        super().__init__(action_type, function)
        self._loop_thread = loop_thread
        self._gate = gate
        self._function = function
        self._signature = Signature[R](function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Propose, claim, run once with what was approved, report; or raise, and nothing ran."""
        caller = CallerThread()
        effect: Effect[R] = Effect(
            action_type=self._action_type,
            signature=self._signature,
            run=lambda call: caller.run(partial(self._function, *call.args, **call.kwargs)),
        )
        arguments = self._signature.encode(*args, **kwargs)
        work = self._gate.run(effect, arguments, summary=self._summary, because=self._because)
        return self._loop_thread.call(work, caller)


class Andon:
    """One agent's way to the people in charge of it, without `await`; see `andon.Andon` for each call.

    Use it as `with Andon() as andon:`, or end with `andon.close()`. Threads may share it.
    """

    def __init__(self, url: str | None = None, key: str | None = None, **options: Unpack[Options]) -> None:
        self._andon = client.Andon(url, key, **options)
        self._loop_thread = LoopThread()
        self.workflow = self._andon.workflow

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._loop_thread.call(self._andon.aclose())
        self._loop_thread.close()

    def gated(self, action_type: str) -> Decorator:
        """Decorate a plain function so that each call of it is an action people are asked about."""

        def decorate(function: Callable[P, R], /) -> Gated[P, R]:
            return Gated(self._loop_thread, self._andon.gate, action_type, function)

        return decorate

    def ask(
        self,
        question: str,
        *,
        options: Sequence[str] = (),
        allow_text: bool = False,
        tried: str | None = None,
        **asking: Unpack[Asking],
    ) -> str:
        """Return a person's answer, one of *options* or text where allowed, or raise `NotAllowed`."""
        work = self._andon.ask(question, options=options, allow_text=allow_text, tried=tried, **asking)
        return self._loop_thread.call(work)

    def propose(
        self,
        action_type: str,
        arguments: Mapping[str, JsonValue],
        *,
        summary: str,
        **because: Unpack[Because],
    ) -> Request:
        """Propose an action and return its request once settled, whichever way."""
        return self._loop_thread.call(self._andon.propose(action_type, arguments, summary=summary, **because))

    def request(self, request_id: str) -> Request:
        """Return a request as it is now."""
        return self._loop_thread.call(self._andon.request(request_id))

    def wait(self, request_id: str) -> Request:
        """Return a request once it, or the one that took its place, is settled."""
        return self._loop_thread.call(self._andon.wait(request_id))

    def list(self, states: Sequence[State] = (), *, after: str | None = None, limit: int = 50) -> Page:
        """Return a page of the agent's own requests, newest first; *limit* is 1 to 100."""
        return self._loop_thread.call(self._andon.list(states, after=after, limit=limit))

    def cancel(self, request_id: str, *, reason: str | None = None) -> Request:
        """Take a pending request back; raise `AlreadySettled` when it was decided first."""
        return self._loop_thread.call(self._andon.cancel(request_id, reason=reason))

    def claim(self, grant_id: str, digest: str, *, attempt: str | None = None) -> Claim:
        """Claim a grant for one attempt; the same *attempt* may claim again, another may not."""
        return self._loop_thread.call(self._andon.claim(grant_id, digest, attempt=attempt))

    def renew(self, grant_id: str, *, attempt: str) -> Grant:
        """Say that the attempt which claimed is under way, so that others wait for its report."""
        return self._loop_thread.call(self._andon.renew(grant_id, attempt=attempt))

    def report(
        self, grant_id: str, outcome: Outcome, *, result: JsonValue = None, attempt: str | None = None
    ) -> Grant:
        """Tell what happened under a claimed grant; *result* is at most 64 KiB of JSON."""
        return self._loop_thread.call(self._andon.report(grant_id, outcome, result=result, attempt=attempt))

    def wait_for_report(self, grant_id: str) -> Grant:
        """Return a grant once its claim is reported on or no longer held, or at once if nobody holds it."""
        return self._loop_thread.call(self._andon.wait_for_report(grant_id))

    def heartbeat(self) -> Heartbeat:
        """Say that the agent is alive, and hear whether it may go on."""
        return self._loop_thread.call(self._andon.heartbeat())
