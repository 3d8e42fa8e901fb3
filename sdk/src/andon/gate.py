"""
The gate: the one way to an effect, which runs at most once per approved request.

    grant GRANTED ──claim──▶ run ──▶ report succeeded ──▶ the result
                      │       ├── raised ───────▶ report failed ──▶ the same error
                      │       └── cancelled ────▶ report unknown ──▶ cancelled
                      └── refused, contradicted ▶ nothing runs
    grant SUCCEEDED ─▶ the recorded result, without running
    grant CLAIMED ───▶ report unknown ──▶ OutcomeUnknown   an earlier attempt died on the way
    grant FAILED ────▶ AlreadyFailed
    grant UNKNOWN ───▶ OutcomeUnknown

A crashed agent that runs again passes here under the same idempotency key, and finds the grant in the state
in which its earlier attempt left it.
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
from andon.keys import Keys
from andon.models import Because, Claim, Grant, GrantState, Outcome, Request
from andon.signature import UNRECORDED, Signature
from andon.verification import allowed, digest_of, same_action

T = TypeVar("T")
R = TypeVar("R")

GRACE: Final = 5.0  #: Seconds that a cancellation waits for the report to the bot.


class Bot(Protocol):
    """The calls of the contract that an effect needs; `andon.Andon` has them all."""

    keys: Keys

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
    """Lets effects through, one at a time per idempotency key."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._running: set[str] = set()

    async def run(
        self, effect: Effect[R], arguments: Mapping[str, JsonValue], *, summary: str, because: Because
    ) -> R:
        """Propose *arguments*, and if allowed run *effect* with those that were approved."""
        key = self._bot.keys.of_action(effect.action_type, arguments, key=because.get("key"))
        if key in self._running:
            raise AlreadyRunning(
                f"{effect.action_type} with these arguments is under way here; two intended identical "
                "actions need a key= each"
            )
        self._running.add(key)
        try:
            request = await self._bot.propose(effect.action_type, arguments, summary=summary, **because)
            return await _Attempt(self._bot, effect, request).run()
        finally:
            self._running.discard(key)


class _Attempt(Generic[R]):
    """One attempt at the effect that one settled request allows."""

    def __init__(self, bot: Bot, effect: Effect[R], request: Request) -> None:
        self._bot = bot
        self._effect = effect
        self._request = request
        self._action, self._grant = allowed(request, action_type=effect.action_type)
        self._digest = digest_of(self._action)

    async def run(self) -> R:
        match self._grant.state:
            case GrantState.GRANTED:
                return await self._claim_and_run()
            case GrantState.CLAIMED:
                return await self._close_abandoned_claim()
            case GrantState.EXPIRED:
                raise Expired(self._request, reason="approved, but not claimed before the grant expired")
            case GrantState.REVOKED:
                raise Revoked(self._request, reason="approved, but the grant was taken back")
            case GrantState.SUCCEEDED | GrantState.FAILED | GrantState.UNKNOWN:
                return self._recorded(self._grant)
            case _:
                assert_never(self._grant.state)

    async def _claim_and_run(self) -> R:
        # Decoded before the claim, so that an edit that does not fit the function burns no grant.
        call = self._effect.signature.decode(self._action.arguments)
        await self._claim()
        try:
            value = await self._effect.run(call)
        except OutcomeUnknown as error:
            error.request = error.request or self._request
            await self._report(Outcome.UNKNOWN)
            raise
        except Exception as error:
            # Only the error's type: its message may hold secrets.
            unreported = await self._report(Outcome.FAILED, {"error": type(error).__name__})
            if unreported is not None:
                error.add_note(f"andon: the bot could not be told that this failed ({unreported})")
            raise
        except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
            await self._report_unknown_within_grace()
            raise
        return await self._succeeded(value)

    async def _succeeded(self, value: R) -> R:
        unreported = await self._report(Outcome.SUCCEEDED, self._effect.signature.encode_result(value))
        if unreported is not None:
            raise OutcomeUnknown(
                f"{self._request.id} ran and returned, but the bot could not be told; never run it again",
                request=self._request,
                result=value,
            ) from unreported
        return value

    async def _claim(self) -> None:
        claiming = asyncio.ensure_future(self._claimed())
        try:
            claim = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            await self._release(claiming)
            raise
        try:
            same_action(claim, grant=self._grant, digest=self._digest)
        except AndonError:
            await self._release(claiming)
            raise

    async def _claimed(self) -> Claim:
        grant, request = self._grant, self._request
        try:
            return await self._bot.claim(grant.id, self._digest)
        except DigestMismatch as refusal:
            raise Mismatch(f"the bot holds another digest for {request.id}; nothing ran") from refusal
        except GrantExpired as refusal:
            raise Expired(request, reason=refusal.detail) from refusal
        except GrantRevoked as refusal:
            raise Revoked(request, reason=refusal.detail) from refusal
        except GrantClaimed as refusal:
            # It was free a moment ago, so the other attempt may well be alive: that one reports the outcome.
            raise OutcomeUnknown(f"another attempt holds {request.id}", request=request) from refusal

    async def _release(self, claiming: asyncio.Future[Claim]) -> None:
        """Report failed under a claim that is certainly ours and under which nothing ran."""
        with suppress(AndonError, TimeoutError):
            async with asyncio.timeout(GRACE):
                await claiming
                await self._bot.report(self._grant.id, Outcome.FAILED, result={"error": "nothing ran"})

    async def _report(self, outcome: Outcome, result: JsonValue = None) -> AndonError | None:
        """Report, even through a cancellation; return why the bot could not be told, or None."""
        try:
            await _despite_cancellation(self._send_report(outcome, result))
        except AndonError as error:
            if outcome is not Outcome.UNKNOWN:
                with suppress(AndonError, TimeoutError):
                    async with asyncio.timeout(GRACE):
                        await self._bot.report(self._grant.id, Outcome.UNKNOWN)
            return error
        return None

    async def _report_unknown_within_grace(self) -> None:
        """Report unknown; the cancellation is spent, so this timeout is all that ends a report in vain."""
        with suppress(AndonError, TimeoutError):
            await _despite_cancellation(asyncio.wait_for(self._send_report(Outcome.UNKNOWN, None), GRACE))

    async def _send_report(self, outcome: Outcome, result: JsonValue) -> None:
        try:
            await self._bot.report(self._grant.id, outcome, result=result)
        except (Invalid, Malformed, TooLarge):  # the result was refused; the outcome is still true
            await self._bot.report(self._grant.id, outcome, result=UNRECORDED)

    async def _close_abandoned_claim(self) -> R:
        """Report unknown for an earlier attempt that claimed and died: its effect may have happened."""
        try:
            await self._bot.report(self._grant.id, Outcome.UNKNOWN)
        except AlreadyReported:  # it was alive, and reported its outcome meanwhile
            _, grant = allowed(
                await self._bot.request(self._request.id), action_type=self._effect.action_type
            )
            return self._recorded(grant)
        except AndonError as error:
            raise self._unknown() from error
        raise self._unknown()

    def _recorded(self, grant: Grant) -> R:
        if grant.state is GrantState.SUCCEEDED:
            return self._effect.signature.decode_result(grant.result)
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
