"""
Matches a line with several entries of one counterparty that add up to it, though it names none of them.

Weights as for likeness; the amount's 0.50 is shared by the combinations that add up.
"""

from itertools import combinations

from reconcile.ledger.entry import Entry
from reconcile.matching.by_likeness import ACCEPT, date_evidence, name_evidence, near
from reconcile.matching.match import Match
from reconcile.matching.pool import Pool
from reconcile.shared.evidence import Evidence
from reconcile.shared.text import likeness
from reconcile.statement.statement import Line

MAX_ENTRIES = 12  #: Of one counterparty; with more, sums are found by chance.
MAX_PARTS = 4
SAME_NAME = 0.80


def adding_up(pool: Pool) -> list[Match]:
    """Return the lines for which exactly one combination of entries adds up and is sure enough."""
    found: list[Match] = []
    used: set[str] = set()
    for line in pool.lines:
        sums = combinations_of(pool, line)
        if len(sums) == 1 and sums[0].confidence >= ACCEPT:
            documents = {entry.document for entry in sums[0].entries}
            if not documents & used:
                used |= documents
                found.append(sums[0])
    return found


def combinations_of(pool: Pool, line: Line) -> list[Match]:
    """Return every combination of two to four entries of the line's counterparty that adds up to *line*."""
    same = [entry for entry in pool.entries if _of_counterparty(line, entry)]
    if len(same) > MAX_ENTRIES:
        return []
    sums = [
        parts
        for size in range(2, MAX_PARTS + 1)
        for parts in combinations(same, size)
        if sum(entry.amount for entry in parts) == line.amount
    ]
    return [_match(line, parts, rivals=len(sums)) for parts in sums]


def _of_counterparty(line: Line, entry: Entry) -> bool:
    same_way = (line.amount > 0) == (entry.amount > 0)
    return same_way and near(line, entry) and likeness(line.counterparty, entry.counterparty) >= SAME_NAME


def _match(line: Line, parts: tuple[Entry, ...], *, rivals: int) -> Match:
    youngest = max(parts, key=lambda entry: entry.booked_on)
    evidence = (
        Evidence(f"{len(parts)} entries add up to the line", 0.50 / rivals),
        *name_evidence(line, youngest),
        date_evidence(line, youngest),
    )
    return Match(lines=(line,), entries=parts, how="sum", evidence=evidence)
