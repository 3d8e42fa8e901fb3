"""
Ask a person before an agent acts.

    andon = Andon()                       # ANDON_URL, ANDON_AGENT_KEY, and ANDON_WORKFLOW: which run this is

    @andon.gated("ledger.post")           # asks, claims, runs at most once with what was approved, reports
    async def post(account: str, amount: Decimal, currency: str, memo: str) -> str: ...

    order = await andon.ask("Which order?", options=["PO-77", "PO-78"], about="INV-204", confidence=0.41)

The twin without `await` is `andon.sync.Andon`; fakes for unit tests of agents are in `andon.testing`.
"""

from andon.client import Andon
from andon.errors import (
    AlreadyFailed,
    AlreadyRunning,
    AndonError,
    AnswerTooOld,
    Cancelled,
    Expired,
    Killed,
    Mismatch,
    NotAllowed,
    NotConfigured,
    OutcomeUnknown,
    Problem,
    Rejected,
    Revoked,
    Stopped,
    TimedOut,
    Undeliverable,
    Unfit,
    Unreachable,
)
from andon.gated import Gated
from andon.models import Action, Claim, Evidence, Grant, GrantState, Heartbeat, Outcome, Page, Request, State

__version__ = "0.1.0"

__all__ = [
    "Action",
    "AlreadyFailed",
    "AlreadyRunning",
    "Andon",
    "AndonError",
    "AnswerTooOld",
    "Cancelled",
    "Claim",
    "Evidence",
    "Expired",
    "Gated",
    "Grant",
    "GrantState",
    "Heartbeat",
    "Killed",
    "Mismatch",
    "NotAllowed",
    "NotConfigured",
    "Outcome",
    "OutcomeUnknown",
    "Page",
    "Problem",
    "Rejected",
    "Request",
    "Revoked",
    "State",
    "Stopped",
    "TimedOut",
    "Undeliverable",
    "Unfit",
    "Unreachable",
]
