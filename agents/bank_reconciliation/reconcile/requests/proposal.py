"""A posting that people are asked to allow."""

from dataclasses import dataclass
from decimal import Decimal

from reconcile.postings.posting import Posting
from reconcile.requests.idempotency_key import idempotency_key
from reconcile.shared.evidence import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A posting with what its approvers are told about it."""

    posting: Posting
    limit: Decimal  #: No approved amount above this fits what the posting settles.
    summary: str
    reasoning: str
    confidence: float
    evidence: tuple[Evidence, ...]

    def key(self, workflow: str) -> str:
        """Return the idempotency key: the same need, seen the same way, is the same request."""
        posting = self.posting
        seen = [*map(str, posting.arguments().values()), self.summary, self.reasoning, self.confidence]
        return idempotency_key(workflow, posting.ident, seen, self.evidence)
