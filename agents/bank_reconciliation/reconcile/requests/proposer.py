"""Builds the proposals: what is missing, why the agent thinks so, how sure it is and its evidence."""

from decimal import Decimal

from reconcile.ledger.chart import Chart
from reconcile.ledger.entry import Entry
from reconcile.matching.match import Match
from reconcile.postings.posting import Kind, Posting, side_of
from reconcile.requests.classifier import Classified, Classifier
from reconcile.requests.proposal import Proposal
from reconcile.shared.evidence import Evidence, confidence
from reconcile.shared.money import in_places, show
from reconcile.shared.text import apart, one_line, reference
from reconcile.statement.statement import Line

TITLES = {
    Kind.BANK_FEE: "the bank's charge",
    Kind.INTEREST: "interest",
    Kind.RECEIPT: "a receipt",
    Kind.PAYMENT: "a payment",
}
#: A duplicate is booked within this many days of its twin.
DUPLICATE_DAYS = 10
VAT_PARTS = (5, 105)  #: Oman's 5 % inside an amount that includes it.


class Proposer:
    """Turns what the matching left over into proposals for one book."""

    def __init__(self, chart: Chart, classifier: Classifier, *, currency: str) -> None:
        self._chart = chart
        self._classifier = classifier
        self._currency = currency

    def missing(self, line: Line) -> Proposal:
        """Propose the entry that the ledger lacks for *line*."""
        found = self._classifier.classify(line)
        text = one_line(line.text)
        name = one_line(line.counterparty, 60) or "the bank"
        amount = show(abs(line.amount), self._currency)
        return self._for_line(
            line,
            found,
            amount=abs(line.amount),
            memo=text or name,
            summary=f"Post {TITLES[found.kind]} of {amount} that the ledger does not have: {name}",
        )

    def rest(self, line: Line, left: Decimal) -> Proposal:
        """Propose what an approved edit left open of *line*: the VAT inside it, or suspense."""
        amount = show(abs(left), self._currency)
        return self._for_line(
            line,
            self._classified_rest(line, left),
            amount=abs(left),
            memo=f"Rest of {one_line(line.text, 100)}",
            summary=f"Post the {amount} that the edited posting of {line.ref} left open",
        )

    def difference(self, match: Match) -> Proposal:
        """Propose the gain or loss that the bank's rate made of *match*."""
        line, entry = match.lines[0], match.entries[0]
        gap = match.difference
        role = "fx-gain" if gap > 0 else "fx-loss"
        posting = Posting(
            kind=Kind.FX_DIFFERENCE,
            account=self._chart[role],
            side=side_of(gap),
            against=self._chart["transit"],
            amount=abs(gap),
            currency=self._currency,
            memo=f"Exchange difference {one_line(entry.reference, 60)}",
            booking_date=line.booked_on,
            value_date=line.value_on,
            statement_ref=line.ref,
            instructed=str(line.foreign or ""),
        )
        word = "gain" if gap > 0 else "loss"
        return Proposal(
            posting=posting,
            limit=abs(gap),
            summary=f"Post an exchange {word} of {show(abs(gap), self._currency)} on {entry.reference}",
            reasoning=(
                f"The ledger booked {show(entry.amount, self._currency)} for {_abroad(entry)}; "
                f"the bank moved {show(line.amount, self._currency)} for {_abroad(line)}. "
                f"The difference is {show(gap, self._currency)}."
            ),
            confidence=match.confidence,
            evidence=match.evidence,
        )

    def duplicate(self, entry: Entry, twin: Entry, line: Line) -> Proposal:
        """Propose to reverse *entry*, whose *twin* is the one that the bank confirms with *line*."""
        days = abs((entry.booked_on - twin.booked_on).days)
        evidence = (
            Evidence(f"{twin.document} has the same reference {entry.reference}", 0.80),
            Evidence("same amount and counterparty", 0.60),
            Evidence(f"booked {apart(days)}", 0.30 * (1 - days / (DUPLICATE_DAYS + 1))),
        )
        posting = Posting(
            kind=Kind.DUPLICATE,
            account=entry.account,
            side=side_of(-entry.amount),
            against=self._chart["transit"],
            amount=abs(entry.amount),
            currency=self._currency,
            memo=f"Reverse {entry.document}, a duplicate of {twin.document}",
            booking_date=max(entry.booked_on, line.booked_on),
            value_date=max(entry.booked_on, line.booked_on),
            statement_ref=line.ref,
            ledger_ref=entry.document,
        )
        amount = show(abs(entry.amount), self._currency)
        return Proposal(
            posting=posting,
            limit=abs(entry.amount),
            summary=f"Reverse {entry.document} of {amount}, booked twice: {one_line(entry.counterparty, 60)}",
            reasoning=(
                f"{twin.document} and {entry.document} both book {entry.reference} with {amount}. "
                f"The bank moved the money once, with {line.ref} on {line.booked_on}."
            ),
            confidence=confidence(evidence),
            evidence=evidence,
        )

    def _for_line(
        self, line: Line, found: Classified, *, amount: Decimal, memo: str, summary: str
    ) -> Proposal:
        posting = Posting(
            kind=found.kind,
            account=found.account,
            side=side_of(line.amount),
            against=self._chart["bank"],
            amount=amount,
            currency=self._currency,
            memo=memo,
            booking_date=line.booked_on,
            value_date=line.value_on,
            statement_ref=line.ref,
            instructed=str(line.foreign or "") if found.kind is not Kind.REST else "",
        )
        seen = "; ".join(map(str, found.evidence))
        return Proposal(
            posting=posting,
            limit=amount,
            summary=one_line(summary, 300),
            reasoning=f"The ledger has no entry for {line.ref} of {line.booked_on}. {found.account}: {seen}.",
            confidence=found.confidence,
            evidence=(Evidence(f"statement line {line.ref}: {one_line(line.text)}", 0.0), *found.evidence),
        )

    def _classified_rest(self, line: Line, left: Decimal) -> Classified:
        part, whole = VAT_PARTS
        vat = in_places(line.amount * part / whole, self._currency)
        if left == vat and line.amount < 0:
            rest, whole_line = (show(abs(amount), self._currency) for amount in (left, line.amount))
            evidence = (
                Evidence(f"{rest} is exactly the 5 % VAT inside {whole_line}", 0.90),
                Evidence("a person approved the amount without it", 0.60),
            )
            return Classified(kind=Kind.REST, account=self._chart["vat"], evidence=evidence)
        unclear = (Evidence("a person approved less than the line", 0.30),)
        return Classified(kind=Kind.REST, account=self._chart["suspense"], evidence=unclear)


def _abroad(item: Line | Entry) -> str:
    foreign = item.foreign
    return f"{show(foreign.amount, foreign.currency)} at {foreign.rate:f}" if foreign else "the same"


def twins(entries: tuple[Entry, ...], matches: tuple[Match, ...]) -> list[tuple[Entry, Entry, Line]]:
    """Return each unmatched entry that repeats a matched one, with that one and its line."""
    found = []
    for entry in entries:
        for match in matches:
            same = [twin for twin in match.entries if _repeats(entry, twin)]
            if same:
                found.append((entry, same[0], match.lines[-1]))
                break
    return found


def _repeats(entry: Entry, twin: Entry) -> bool:
    name = reference(entry.reference)
    days = abs((entry.booked_on - twin.booked_on).days)
    return (
        name != ""
        and name == reference(twin.reference)
        and (entry.amount, entry.counterparty) == (twin.amount, twin.counterparty)
        and days <= DUPLICATE_DAYS
    )
