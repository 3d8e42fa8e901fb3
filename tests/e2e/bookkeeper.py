"""An agent that posts to a ledger where people let it, through the SDK, as any agent would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from andon import Andon
from andon.gated import Gated
from andon.models import Because

T = TypeVar("T")
Posting = dict[str, str]


@dataclass(slots=True, kw_only=True)
class Bookkeeper:
    """What it may do is asked; what it did is in *posted*."""

    andon: Andon
    posted: list[Posting] = field(default_factory=list)

    async def post(self, posting: Posting, *, summary: str, **because: Any) -> str:
        """Ask to post *posting*, and post what was approved; raise `NotAllowed` if it was not."""
        told: Because = {**because}  # type: ignore[typeddict-item]  # the SDK checks each
        return await self._gated().asking(summary=summary, **told)(**posting)

    def _gated(self) -> Gated[..., str]:
        @self.andon.gated("ledger.post")
        async def post(
            kind: str,
            account: str,
            side: str,
            against: str,
            amount: str,
            currency: str,
            memo: str,
            booking_date: str,
            value_date: str,
            statement_ref: str,
            ledger_ref: str,
            instructed: str,
        ) -> str:
            told = {**locals()}
            self.posted.append({name: told[name] for name in posting()})
            return f"posting {len(self.posted)}"

        return post


def posting(**but: str) -> Posting:
    """Return what a courier's invoice is posted as, *but* for what a test needs otherwise."""
    return {
        "amount": "105.000",
        "currency": "OMR",
        "account": "Expenses:Bank-Charges",
        "side": "debit",
        "against": "Assets:Bank:Operating",
        "kind": "payment",
        "memo": "Courier, October",
        "booking_date": "2026-10-31",
        "value_date": "2026-10-31",
        "statement_ref": "CB-26100031",
        "ledger_ref": "",
        "instructed": "",
    } | but


@asynccontextmanager
async def meanwhile(work: Awaitable[T]) -> AsyncIterator[asyncio.Future[T]]:
    """Let the agent do *work* during the block: it waits for people, who act in the block."""
    waiting = asyncio.ensure_future(work)
    try:
        yield waiting
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
