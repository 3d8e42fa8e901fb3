"""
Which account an unmatched line belongs to, by rules alone; a model may one day stand behind the same port.

Weights: the bank's own transaction code 0.90; a telling word 0.70; what the ledger did with this counterparty
before 0.80 × the share of its entries on that account; a name that the ledger knows 0.50; nothing known 0.30.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from reconcile.ledger.chart import Chart
from reconcile.ledger.entry import Entry
from reconcile.postings.posting import Kind
from reconcile.shared.evidence import Evidence, confidence
from reconcile.shared.text import likeness, words
from reconcile.statement.statement import Line

SAME_NAME = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """The account that a line belongs to, and why."""

    kind: Kind
    account: str
    evidence: tuple[Evidence, ...]

    @property
    def confidence(self) -> float:
        """How sure the account is, 0 to 1."""
        return confidence(self.evidence)


class Classifier(Protocol):
    """Names the account of a line. It only suggests: what it says is a proposal, never a posting."""

    def classify(self, line: Line) -> Classified:
        """Return the most likely account of *line*; there is always one, if only the suspense account."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What marks a kind of line: the end of its transaction code, or words in its text."""

    kind: Kind
    codes: frozenset[str]
    words: frozenset[str]
    role_in: str | None  #: The account's role when money came in; none when that cannot be.
    role_out: str | None


SIGNS = (
    Sign(
        kind=Kind.BANK_FEE,
        codes=frozenset({"CHRG", "COMM", "FEES"}),
        words=frozenset({"CHARGE", "CHARGES", "FEE", "FEES", "COMMISSION"}),
        role_in=None,
        role_out="fees",
    ),
    Sign(
        kind=Kind.INTEREST,
        codes=frozenset({"INTR"}),
        words=frozenset({"INTEREST", "PROFIT"}),
        role_in="interest",
        role_out="interest-paid",
    ),
)


class RuleClassifier:
    """Knows the bank's codes, a few words, and what the ledger did before."""

    def __init__(self, chart: Chart, ledger: Iterable[Entry]) -> None:
        self._chart = chart
        self._ledger = tuple(sorted(ledger, key=lambda entry: (entry.booked_on, entry.document)))

    def classify(self, line: Line) -> Classified:
        """Return the suggestion with the strongest evidence."""
        suggestions = [*self._by_signs(line), *self._by_history(line), self._unknown(line)]
        return max(suggestions, key=lambda one: one.confidence)

    def _by_signs(self, line: Line) -> list[Classified]:
        found = []
        for sign in SIGNS:
            role = sign.role_in if line.amount > 0 else sign.role_out
            evidence = []
            if line.code.rpartition("-")[2] in sign.codes:
                evidence.append(Evidence(f"the bank's code is {line.code}", 0.90))
            if telling := sorted(words(line.text) & sign.words):
                evidence.append(Evidence(f"the text says {telling[0].lower()}", 0.70))
            if role is not None and evidence:
                account = self._chart[role]
                found.append(Classified(kind=sign.kind, account=account, evidence=tuple(evidence)))
        return found

    def _by_history(self, line: Line) -> list[Classified]:
        same = [entry for entry in self._ledger if self._is_of(line, entry)]
        if not same:
            return []
        account, times = Counter(entry.account for entry in same).most_common(1)[0]
        name = same[0].counterparty
        evidence = (
            Evidence(f"{times} of {len(same)} entries of {name} are on {account}", 0.80 * times / len(same)),
            Evidence(f"the ledger knows {name}", 0.50),
        )
        return [Classified(kind=_direction(line), account=account, evidence=evidence)]

    def _is_of(self, line: Line, entry: Entry) -> bool:
        same_way = (line.amount > 0) == (entry.amount > 0)
        return same_way and likeness(line.counterparty, entry.counterparty) >= SAME_NAME

    def _unknown(self, line: Line) -> Classified:
        role = "unidentified" if line.amount > 0 else "suspense"
        evidence = (Evidence("neither code, words nor ledger explain the line", 0.30),)
        return Classified(kind=_direction(line), account=self._chart[role], evidence=evidence)


def _direction(line: Line) -> Kind:
    return Kind.RECEIPT if line.amount > 0 else Kind.PAYMENT
