"""What is put to people: a proposal (may I post this?) or a question (which of these is it?)."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from reconcile.evidence import Evidence
from reconcile.pool import Match
from reconcile.posting import Posting
from reconcile.values import Line

NONE_OF_THESE = "None of these"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A posting that needs leave."""

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
        return _key(workflow, posting.ident, seen, self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A line with candidates between which a person chooses."""

    line: Line
    options: dict[str, Match]  #: What the button says, and what it means; `NONE_OF_THESE` comes on top.
    text: str
    tried: str
    reasoning: str
    confidence: float
    evidence: tuple[Evidence, ...]

    def key(self, workflow: str) -> str:
        """Return the idempotency key of the question."""
        seen = [self.text, *self.options, self.tried, self.reasoning, self.confidence]
        return _key(workflow, f"question:{self.line.ref}", seen, self.evidence)


def _key(workflow: str, ident: str, seen: Sequence[object], evidence: tuple[Evidence, ...]) -> str:
    # Everything that is sent is in the key: changed inputs are a new request, not a conflict with an old one.
    content = json.dumps([*map(str, seen), *map(str, evidence)]).encode()
    readable = re.sub(r"[^!-~]", "_", ident)[:100]
    return f"{workflow}:{readable}:{hashlib.sha256(content).hexdigest()[:12]}"
