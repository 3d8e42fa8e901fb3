"""
Matches by the reference that both sides name: one to one, one line for many entries, many for one entry.

Weights: the same reference 0.95, the same amount 0.50 shared by everything that has that amount.
"""

from collections import defaultdict
from decimal import Decimal

from reconcile.ledger.entry import Entry
from reconcile.matching.amounts import Key, amount_keys
from reconcile.matching.match import Match
from reconcile.matching.pool import Pool
from reconcile.shared.evidence import Evidence
from reconcile.shared.text import reference
from reconcile.statement.statement import Line

SAME_REFERENCE = 0.95
SAME_AMOUNT = 0.50


def one_to_one(pool: Pool) -> list[Match]:
    """
    Pair lines and entries with the same reference and amount, oldest with oldest.

    Where the ledger has more of them than the bank, the youngest entries stay open: a duplicate, most often.
    """
    entries: defaultdict[tuple[str, Key], list[Entry]] = defaultdict(list)
    for entry in pool.entries:
        if name := reference(entry.reference):
            for key in amount_keys(entry, pool.currency):
                entries[name, key].append(entry)
    found: list[Match] = []
    used: set[str] = set()
    for line in pool.lines:
        named = [(name, key) for name in sorted(line.references) for key in amount_keys(line, pool.currency)]
        open_ones = [entry for pair in named for entry in entries.get(pair, []) if entry.document not in used]
        if open_ones:
            oldest = min(open_ones, key=lambda entry: (entry.booked_on, entry.document))
            used.add(oldest.document)
            found.append(_match("reference", (line,), (oldest,)))
    return found


def one_line_many_entries(pool: Pool) -> list[Match]:
    """Match a line that names two or more entries whose amounts add up to it: a batch payment."""
    by_name: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in pool.entries:
        by_name[reference(entry.reference)].append(entry)
    found: list[Match] = []
    used: set[str] = set()
    for line in pool.lines:
        named = [entry for name in sorted(line.references) for entry in by_name.get(name, [])]
        is_free = not used.intersection(entry.document for entry in named)
        if len(named) >= 2 and is_free and _total(named) == line.amount:
            used.update(entry.document for entry in named)
            found.append(_match("batch", (line,), tuple(named)))
    return found


def many_lines_one_entry(pool: Pool) -> list[Match]:
    """Match an entry that two or more lines name and together pay: a split payment."""
    by_name: defaultdict[str, list[Line]] = defaultdict(list)
    for line in pool.lines:
        for name in line.references:
            by_name[name].append(line)
    found: list[Match] = []
    used: set[str] = set()
    for entry in pool.entries:
        paying = by_name.get(reference(entry.reference), [])
        is_free = not used.intersection(line.ref for line in paying)
        if len(paying) >= 2 and is_free and _total(paying) == entry.amount:
            used.update(line.ref for line in paying)
            found.append(_match("split", tuple(paying), (entry,)))
    return found


def _total(items: list[Entry] | list[Line]) -> Decimal:
    return sum((item.amount for item in items), Decimal(0))


def _match(how: str, lines: tuple[Line, ...], entries: tuple[Entry, ...]) -> Match:
    named = ", ".join(dict.fromkeys(entry.reference for entry in entries))
    evidence = (
        Evidence(f"both sides name {named}", SAME_REFERENCE),
        Evidence("the amounts are equal", SAME_AMOUNT),
    )
    return Match(lines=lines, entries=entries, how=how, evidence=evidence)
