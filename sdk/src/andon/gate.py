"""
The gate: the one way to an effect, which runs at most once per approved request.

    grant GRANTED ──claim──▶ run ──▶ report succeeded ──▶ the result
                      │       ├── raised ───────▶ report failed ──▶ the same error
                      │       └── cancelled ────▶ report unknown ──▶ cancelled
                      └── refused, contradicted ▶ nothing runs
    grant SUCCEEDED ─▶ the recorded result, without running
    grant CLAIMED ───▶ by us, its reply was lost ──▶ claim again with the same attempt, as above
                   ├── held by another ─────▶ wait for its report, and so for one of the others here
                   └── held no longer ──────▶ report unknown ──▶ OutcomeUnknown
    grant FAILED ────▶ AlreadyFailed
    grant UNKNOWN ───▶ OutcomeUnknown

While the effect runs, a heartbeat every few seconds keeps the claim's lease: another process of the same
agent that comes to the same action waits, and returns the same result. A crashed agent that runs again passes
here under the same idempotency key, and finds the grant in the state in which its earlier attempt left it. An
effect that blocks the event loop sends no heartbeats, and counts as crashed once its lease is over.
"""

import asyncio
import inspect
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar, Unpack, assert_never

from pydantic import JsonValue

from andon.attempts import Attempts
from andon.errors import (
    AlreadyFailed,
    AlreadyReported,
    AlreadyRunning,
    AndonError,
    AwaitingPerson,
    DigestMismatch,
    Expired,
    GrantClaimed,
    GrantExpired,
    GrantRevoked,
    Invalid,
    Malformed,
    Mismatch,
    OutcomeUnknown,
    OverCap,
    Revoked,
    TooLarge,
    Unreachable,
)
from andon.keys import Keys
from andon.models import Because, Claim, Grant, GrantState, Outcome, Request
from andon.signature import UNRECORDED, Signature
from andon.verification import allowed, digest_of, same_action, same_grant

log = logging.getLogger("andon")

T = TypeVar("T")
R = TypeVar("R")

GRACE: Final = 5.0  #: Seconds that a cancellation waits for the report to the bot.
MOST_OFTEN: Final = 0.1  #: Seconds from one heartbeat to the next, at least, whatever the bot asks for.


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

    async def wait_for_report(self, grant_id: str) -> Grant: ...

    async def renew(self, grant_id: str, *, attempt: str) -> Grant: ...

    async def claim(self, grant_id: str, digest: str, *, attempt: str | None = None) -> Claim: ...

    async def report(
        self, grant_id: str, outcome: Outcome, *, result: JsonValue = None, attempt: str | None = None
    ) -> Grant: ...


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
        self._attempts = Attempts()

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
            return await _Attempt(self._bot, effect, request, self._attempts).run()
        finally:
            self._running.discard(key)


class _Attempt(Generic[R]):
    """One attempt at the effect that one settled request allows."""

    def __init__(self, bot: Bot, effect: Effect[R], request: Request, attempts: Attempts) -> None:
        self._bot = bot
        self._effect = effect
        self._request = request
        self._attempts = attempts
        self._action, self._grant = allowed(request, action_type=effect.action_type)
        self._digest = digest_of(self._action)
        self._name: str | None = None  #: Of this attempt; None while a bot without leases, or none, heard it.

    async def run(self) -> R:
        match self._grant.state:
            case GrantState.GRANTED:
                return await self._claim_and_run()
            case GrantState.CLAIMED if not self._attempts.is_unanswered(self._grant.id):
                return await self._outcome_of_another()
            case GrantState.CLAIMED:
                return await self._claim_and_run()
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
        try:
            claim = await self._claim()
        except GrantClaimed:
            return await self._outcome_of_another()
        beating = asyncio.ensure_future(self._beat(claim))
        try:
            return await self._run_and_report(call)
        finally:
            beating.cancel()

    async def _run_and_report(self, call: inspect.BoundArguments) -> R:
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

    async def _claim(self) -> Claim:
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
        return claim

    async def _claimed(self) -> Claim:
        grant, request = self._grant, self._request
        attempt = self._attempts.of(grant.id)
        try:
            claim = await self._bot.claim(grant.id, self._digest, attempt=attempt)
        except DigestMismatch as refusal:
            raise Mismatch(f"the bot holds another digest for {request.id}; nothing ran") from refusal
        except GrantExpired as refusal:
            raise Expired(request, reason=refusal.detail) from refusal
        except GrantRevoked as refusal:
            raise Revoked(request, reason=refusal.detail) from refusal
        except AwaitingPerson as refusal:  # an earlier try was heard, so long ago that it counts as unknown
            raise self._unknown() from refusal
        except GrantClaimed:
            self._attempts.answered(grant.id)
            raise
        self._attempts.answered(grant.id)
        self._name = None if claim.heartbeat_seconds is None else attempt
        return claim

    async def _beat(self, claim: Claim) -> None:
        """Keep the lease for as long as this runs; a bot without leases is told nothing."""
        while claim.heartbeat_seconds is not None and self._name is not None:
            await asyncio.sleep(max(claim.heartbeat_seconds, MOST_OFTEN))
            try:
                await self._bot.renew(claim.grant.id, attempt=self._name)
            except (Unreachable, OverCap) as error:
                log.warning("no heartbeat for %s: %s", claim.grant.id, error)
            except AndonError as refusal:  # the effect is under way: its report will be heard, or kept
                log.warning("%s is no longer held: %s", claim.grant.id, refusal)
                return

    async def _release(self, claiming: asyncio.Future[Claim]) -> None:
        """Report failed under a claim that is certainly ours and under which nothing ran."""
        with suppress(AndonError, TimeoutError):
            async with asyncio.timeout(GRACE):
                await claiming
                await self._told(Outcome.FAILED, {"error": "nothing ran"})

    async def _report(self, outcome: Outcome, result: JsonValue = None) -> AndonError | None:
        """Report, even through a cancellation; return why the bot could not be told, or None."""
        try:
            await _despite_cancellation(self._send_report(outcome, result))
        except AndonError as error:
            if outcome is not Outcome.UNKNOWN:
                with suppress(AndonError, TimeoutError):
                    async with asyncio.timeout(GRACE):
                        await self._told(Outcome.UNKNOWN, None)
            return error
        return None

    async def _report_unknown_within_grace(self) -> None:
        """Report unknown; the cancellation is spent, so this timeout is all that ends a report in vain."""
        with suppress(AndonError, TimeoutError):
            await _despite_cancellation(asyncio.wait_for(self._send_report(Outcome.UNKNOWN, None), GRACE))

    async def _send_report(self, outcome: Outcome, result: JsonValue) -> None:
        try:
            await self._told(outcome, result)
        except (Invalid, Malformed, TooLarge):  # the result was refused; the outcome is still true
            await self._told(outcome, UNRECORDED)

    async def _told(self, outcome: Outcome, result: JsonValue) -> None:
        await self._bot.report(self._grant.id, outcome, result=result, attempt=self._name)

    async def _outcome_of_another(self) -> R:
        """Wait for the report of the attempt that holds the claim; one that died is reported unknown."""
        try:
            while (grant := await self._no_longer_held()).state is GrantState.CLAIMED:
                await self._give_up(grant)
        except AndonError as error:
            raise self._unknown() from error
        return self._recorded(grant)

    async def _no_longer_held(self) -> Grant:
        return same_grant(await self._bot.wait_for_report(self._grant.id), before=self._grant)

    async def _give_up(self, grant: Grant) -> None:
        """Report unknown for an attempt that died on the way: its effect may have happened."""
        # The bot looks at the lease once more, for an attempt that is not the holder's. A claim from before
        # there were leases is nobody's to wait for.
        bystander = None if grant.lease_until is None else secrets.token_urlsafe(16)
        with suppress(GrantClaimed, AlreadyReported):  # it was alive after all
            await self._bot.report(grant.id, Outcome.UNKNOWN, attempt=bystander)

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
