"""
The one way to an effect: asked, allowed, claimed, run at most once, reported.

    grant GRANTED ──claim──▶ run ──▶ report succeeded ──▶ the result
                      │       ├── raised ───────▶ report failed ──▶ the same error
                      │       └── cancelled ────▶ report unknown ──▶ cancelled
                      └── refused, contradicted ▶ nothing runs
    grant SUCCEEDED ─▶ the recorded result, without running
    grant CLAIMED ───▶ report unknown ──▶ OutcomeUnknown   an earlier attempt died on the way
    grant FAILED ────▶ AlreadyFailed
    grant UNKNOWN ───▶ OutcomeUnknown

Each re-run of a crashed agent enters here again, under the same key, and finds what its predecessor left.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar, Unpack, assert_never

from pydantic import JsonValue

from andon.errors import (
    AlreadyFailed,
    AlreadyReported,
    AlreadyRunning,
    AndonError,
    DigestMismatch,
    Expired,
    GrantClaimed,
    GrantExpired,
    GrantRevoked,
    Invalid,
    Malformed,
    Mismatch,
    OutcomeUnknown,
    Revoked,
    TooLarge,
)
from andon.models import Because, Claim, Grant, GrantState, Outcome, Request
from andon.signature import UNRECORDED, Signature
from andon.trust import allowed, digest_of, same_action

T = TypeVar("T")
R = TypeVar("R")

GRACE: Final = 5.0  #: Seconds that telling the bot may hold up a cancellation.


class Desk(Protocol):
    """The calls of the contract that an effect needs."""

    def key_for(self, action_type: str, arguments: Mapping[str, JsonValue]) -> str: ...

    async def propose(
        self,
        action_type: str,
        arguments: Mapping[str, JsonValue],
        *,
        summary: str,
        **because: Unpack[Because],
    ) -> Request: ...

    async def request(self, request_id: str) -> Request: ...

    async def claim(self, grant_id: str, digest: str, *, attempt: str | None = None) -> Claim: ...

    async def report(self, grant_id: str, outcome: Outcome, *, result: JsonValue = None) -> Grant: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect(Generic[R]):
    """What may run: the action's type, the function's signature, and how a call of it is run."""

    action_type: str
    signature: Signature[R]
    run: Callable[[inspect.BoundArguments], Awaitable[R]]


class Gate:
    """Lets effects through, one at a time per key."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._running: set[str] = set()

    async def run(
        self, effect: Effect[R], arguments: Mapping[str, JsonValue], *, summary: str, because: Because
    ) -> R:
        """Propose *arguments*, and if allowed run *effect* with those that were approved."""
        key = because.get("key")
        if key is None:
            key = self._desk.key_for(effect.action_type, arguments)
        if key in self._running:
            raise AlreadyRunning(
                f"{effect.action_type} with these arguments is under way here; two intended identical "
                "actions need a key= each"
            )
        self._running.add(key)
        try:
            told: Because = {**because, "key": key}
            request = await self._desk.propose(effect.action_type, arguments, summary=summary, **told)
            return await _Turn(self._desk, effect, request).take()
        finally:
            self._running.discard(key)


class _Turn(Generic[R]):
    """One attempt at one settled request."""

    def __init__(self, desk: Desk, effect: Effect[R], request: Request) -> None:
        self._desk = desk
        self._effect = effect
        self._request = request
        self._action, self._grant = allowed(request, action_type=effect.action_type)
        self._digest = digest_of(self._action)

    async def take(self) -> R:
        match self._grant.state:
            case GrantState.GRANTED:
                return await self._run()
            case GrantState.CLAIMED:
                return await self._inherit()
            case GrantState.EXPIRED:
                raise Expired(self._request, reason="approved, but not claimed before the grant expired")
            case GrantState.REVOKED:
                raise Revoked(self._request, reason="approved, but the grant was taken back")
            case GrantState.SUCCEEDED | GrantState.FAILED | GrantState.UNKNOWN:
                return self._recorded(self._grant)
            case _:
                assert_never(self._grant.state)

    async def _run(self) -> R:
        # Read before the claim, so that an edit that does not fit burns no grant.
        call = self._effect.signature.call(self._action.arguments)
        await self._claim()
        try:
            value = await self._effect.run(call)
        except OutcomeUnknown as error:
            error.request = error.request or self._request
            await self._tell(Outcome.UNKNOWN)
            raise
        except Exception as error:
            # Only the error's kind: its words may hold secrets.
            untold = await self._tell(Outcome.FAILED, {"error": type(error).__name__})
            if untold is not None:
                error.add_note(f"andon: the bot could not be told that this failed ({untold})")
            raise
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            await self._tell_in_haste()
            raise
        return await self._succeeded(value)

    async def _succeeded(self, value: R) -> R:
        untold = await self._tell(Outcome.SUCCEEDED, self._effect.signature.record(value))
        if untold is not None:
            raise OutcomeUnknown(
                f"{self._request.id} ran and returned, but the bot could not be told; never run it again",
                request=self._request,
                result=value,
            ) from untold
        return value

    async def _claim(self) -> None:
        claiming = asyncio.ensure_future(self._claimed())
        try:
            claim = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await self._let_go(claiming)
            raise
        try:
            same_action(claim, grant=self._grant, digest=self._digest)
        except AndonError:
            await self._let_go(claiming)
            raise

    async def _claimed(self) -> Claim:
        grant, request = self._grant, self._request
        try:
            return await self._desk.claim(grant.id, self._digest)
        except DigestMismatch as refusal:
            raise Mismatch(f"the bot holds another digest for {request.id}; nothing ran") from refusal
        except GrantExpired as refusal:
            raise Expired(request, reason=refusal.detail) from refusal
        except GrantRevoked as refusal:
            raise Revoked(request, reason=refusal.detail) from refusal
        except GrantClaimed as refusal:
            # It was free a moment ago, so that attempt may well be alive: it tells the outcome, not we.
            raise OutcomeUnknown(f"another attempt holds {request.id}", request=request) from refusal

    async def _let_go(self, claiming: asyncio.Future[Claim]) -> None:
        """Say of a claim that is certainly ours that nothing ran under it."""
        with suppress(AndonError, TimeoutError):
            async with asyncio.timeout(GRACE):
                await claiming
                await self._desk.report(self._grant.id, Outcome.FAILED, result={"error": "nothing ran"})

    async def _tell(self, outcome: Outcome, result: JsonValue = None) -> AndonError | None:
        """Report, through a cancellation if need be; return why the bot could not be told, if so."""
        try:
            await _despite_cancellation(self._report(outcome, result))
        except AndonError as error:
            if outcome is not Outcome.UNKNOWN:
                with suppress(AndonError, TimeoutError):
                    async with asyncio.timeout(GRACE):
                        await self._desk.report(self._grant.id, Outcome.UNKNOWN)
            return error
        return None

    async def _tell_in_haste(self) -> None:
        """Report unknown; the cancellation is spent, so nothing but this limit ends a telling in vain."""
        with suppress(AndonError, TimeoutError):
            await _despite_cancellation(asyncio.wait_for(self._report(Outcome.UNKNOWN, None), GRACE))

    async def _report(self, outcome: Outcome, result: JsonValue) -> None:
        try:
            await self._desk.report(self._grant.id, outcome, result=result)
        except (Invalid, Malformed, TooLarge):  # the result was refused; the outcome is still true
            await self._desk.report(self._grant.id, outcome, result=UNRECORDED)

    async def _inherit(self) -> R:
        """Close what an earlier attempt left open: nobody can tell whether its effect happened."""
        try:
            await self._desk.report(self._grant.id, Outcome.UNKNOWN)
        except AlreadyReported:  # it was alive, and told its outcome while we looked
            _, grant = allowed(
                await self._desk.request(self._request.id), action_type=self._effect.action_type
            )
            return self._recorded(grant)
        except AndonError as error:
            raise self._unknown() from error
        raise self._unknown()

    def _recorded(self, grant: Grant) -> R:
        if grant.state is GrantState.SUCCEEDED:
            return self._effect.signature.recorded(grant.result)
        if grant.state is GrantState.FAILED:
            raise AlreadyFailed(self._request)
        raise self._unknown()

    def _unknown(self) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"an earlier attempt at {self._request.id} may have happened; a person resolves it",
            request=self._request,
        )


async def _despite_cancellation(work: Coroutine[object, object, None]) -> None:
    """Await *work*; when cancelled give it `GRACE` seconds to end, then pass the cancellation on."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(AndonError, TimeoutError):
            await asyncio.wait_for(task, GRACE)
        raise
