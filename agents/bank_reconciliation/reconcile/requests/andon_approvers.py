"""The approvers reached through Andon: each proposal is a gated action, each question an ask."""

from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from andon import AlreadyFailed, Andon, AndonError, Evidence, NotAllowed, OutcomeUnknown, Problem, Rejected
from reconcile.postings.posting import Kind, Posting
from reconcile.requests.approvers import Answered, Done, Effect, Refused, Reply, Unsettled, Verdict
from reconcile.requests.proposal import Proposal
from reconcile.requests.question import NONE_OF_THESE, Question
from reconcile.shared.errors import ReconcileError
from reconcile.shared.evidence import Evidence as Seen
from reconcile.shared.text import one_line

TITLE_LENGTH = 300  #: What the contract lets a piece of evidence say.
#: After these nothing was done and nobody said no, so a person running the agent may have it ask once more.
MAY_ASK_AGAIN = frozenset(
    {"timed out", "undeliverable", "cancelled", "killed", "expired", "revoked", "failed"}
)


class AndonApprovers:
    """
    Asks through Andon, under idempotency keys.

    A run that is repeated finds its own requests, also those that nobody answered. With *again* it asks those
    once more, up to so many times; what was approved, answered or refused is never asked again.
    """

    def __init__(self, andon: Andon, *, workflow: str, again: int = 0) -> None:
        self._andon = andon
        self._workflow = workflow
        self._again = again

    async def post(self, proposal: Proposal, effect: Effect) -> Verdict:
        """Ask for ``ledger.post``; what a person changed is what *effect* gets."""
        for key in self._keys(proposal.key(self._workflow)):
            verdict = await self._post(proposal, effect, key)
            if not isinstance(verdict, Unsettled) or verdict.state not in MAY_ASK_AGAIN:
                break
        return verdict

    async def ask(self, question: Question) -> Reply:
        """Ask for one of the question's options, or none of them."""
        for key in self._keys(question.key(self._workflow)):
            reply = await self._ask(question, key)
            if not isinstance(reply, Unsettled) or reply.state not in MAY_ASK_AGAIN:
                break
        return reply

    def _keys(self, first: str) -> list[str]:
        first = first.removeprefix(f"{self._workflow}:")  # the client puts its workflow before every key
        return [first, *(f"{first}:{number}" for number in range(1, self._again + 1))]

    async def _post(self, proposal: Proposal, effect: Effect, key: str) -> Verdict:
        gated = self._andon.gated("ledger.post")(_posting_effect(effect))
        asking = gated.asking(
            summary=proposal.summary,
            reasoning=proposal.reasoning,
            confidence=proposal.confidence,
            evidence=_evidence(proposal.evidence),
            key=key,
        )
        try:
            return Done(await asking(**proposal.posting.arguments()))
        except Rejected as error:
            return Refused(error.reason or "no reason given")
        except (AndonError, ReconcileError) as error:
            return _unsettled(error)

    async def _ask(self, question: Question, key: str) -> Reply:
        try:
            answer = await self._andon.ask(
                question.text,
                options=[*question.options, NONE_OF_THESE],
                confidence=question.confidence,
                tried=question.tried,
                reasoning=question.reasoning,
                evidence=_evidence(question.evidence),
                key=key,
                good_for=timedelta.max,  # the key holds all that was seen: what changed is another question
            )
        except AndonError as error:
            return _unsettled(error)
        return Answered(answer)


def _posting_effect(effect: Effect) -> Callable[..., Coroutine[None, None, str]]:
    async def post(  # noqa: PLR0913  each parameter is a line on the card and a property of the action's schema
        *,
        kind: Kind,
        account: str,
        side: Literal["debit", "credit"],
        against: str,
        amount: Decimal,
        currency: str,
        memo: str,
        booking_date: date,
        value_date: date,
        statement_ref: str,
        ledger_ref: str,
        instructed: str,
    ) -> str:
        """Write one posting to the book."""
        return effect(
            Posting(
                kind=kind, account=account, side=side, against=against, amount=amount, currency=currency,
                memo=memo, booking_date=booking_date, value_date=value_date,
                statement_ref=statement_ref, ledger_ref=ledger_ref, instructed=instructed,
            )
        )  # fmt: skip

    return post


def _evidence(seen: tuple[Seen, ...]) -> list[Evidence]:
    return [Evidence(title=one_line(str(item), TITLE_LENGTH)) for item in seen[:20]]


def _unsettled(error: Exception) -> Unsettled:
    match error:
        case OutcomeUnknown():
            return Unsettled(
                "unknown", f"{str(error).rstrip('.')}. Look at the book before anybody resolves it."
            )
        case AlreadyFailed() | ReconcileError():
            return Unsettled("failed", str(error))
        case NotAllowed():
            words = type(error).__name__  # TimedOut, Undeliverable, Cancelled, Killed, Expired, Revoked
            return Unsettled("timed out" if words == "TimedOut" else words.lower(), str(error))
        case Problem(detail=str(said)) if said:  # without the number that HTTP has for it
            return Unsettled("not asked", said)
        case _:
            return Unsettled("not asked", str(error))
