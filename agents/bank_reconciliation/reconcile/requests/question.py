"""A question about a line that code must not match: up to five candidates, or none of them."""

from dataclasses import dataclass
from decimal import Decimal

from reconcile.matching.match import Doubt, Match
from reconcile.requests.idempotency_key import idempotency_key
from reconcile.shared.evidence import Evidence
from reconcile.shared.money import show
from reconcile.shared.text import one_line
from reconcile.statement.statement import Line

NONE_OF_THESE = "None of these"
OPTION_LENGTH = 75  #: What a button can hold.


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
        return idempotency_key(workflow, f"question:{self.line.ref}", seen, self.evidence)


def question(doubt: Doubt, *, currency: str) -> Question:
    """Return *doubt* as a question; its confidence is the best candidate's share of them all."""
    line = doubt.line
    options = {_option(match, currency): match for match in doubt.candidates}
    weights = [match.confidence for match in doubt.candidates]
    name = one_line(line.counterparty, 60) or "an unnamed party"
    direction = "from" if line.amount > 0 else "to"
    return Question(
        line=line,
        options=options,
        text=(
            f"Which ledger entry is the {show(abs(line.amount), currency)} {direction} {name} "
            f"of {line.booked_on} ({line.ref}: {one_line(line.text)})?"
        ),
        tried="Reference, batch, split, likeness and sum: none is sure without a rival.",
        reasoning=" | ".join(_reason(match) for match in doubt.candidates),
        # The 1.0 stands for "none of these": a single weak candidate must not look certain.
        confidence=round(max(weights) / (sum(weights) + 1.0 - max(weights)), 4),
        evidence=tuple(_seen(match) for match in doubt.candidates),
    )


def meaning(asked: Question, answer: str) -> Match | None:
    """Return what *answer* chose, or none for `NONE_OF_THESE`; raise KeyError for any other words."""
    return None if answer == NONE_OF_THESE else asked.options[answer]


def _option(match: Match, currency: str) -> str:
    documents = " + ".join(entry.document for entry in match.entries)
    total = sum((entry.amount for entry in match.entries), Decimal(0))
    first = match.entries[0]
    details = f"{first.booked_on:%d %b} · {show(abs(total), currency)}"
    return one_line(f"{documents} · {details} · {first.counterparty}", OPTION_LENGTH)


def _seen(match: Match) -> Evidence:
    return Evidence(f"{_reason(match)}; confidence {match.confidence:.2f}", 0.0)


def _reason(match: Match) -> str:
    documents = " + ".join(entry.document for entry in match.entries)
    return one_line(f"{documents}: " + "; ".join(map(str, match.evidence)), 270)
