"""
Matches by likeness where references fail: the same amount, a similar name or reference, near in time.

Weights: the same amount 0.50, shared equally by the entries that have it; the name 0.60 × likeness, from 0.60
up; a reference that is nearly the same 0.50 × likeness, from 0.80 up; the date 0.20, falling to 0 at the end
of the window. A pair is matched when its confidence is at least 0.80 and no rival of either side comes within
0.15.
"""

from datetime import timedelta
from difflib import SequenceMatcher

from reconcile.ledger.entry import Entry
from reconcile.matching.amounts import amount_keys
from reconcile.matching.match import Match
from reconcile.matching.pool import Pool
from reconcile.shared.evidence import Evidence
from reconcile.shared.text import apart, likeness, reference
from reconcile.statement.statement import Line

WINDOW_BEFORE = timedelta(days=30)  #: A cheque may be presented a month after it was booked.
WINDOW_AFTER = timedelta(days=3)  #: The ledger is sometimes booked a few days after the bank.
ACCEPT = 0.80
MARGIN = 0.15
ASK = 0.65  #: Equal amounts alone make 0.60 at most: no reason to bother anybody.


def alike(pool: Pool) -> list[Match]:
    """Return the pairs that are sure and have no rival; call again until there are none."""
    pairs = candidates(pool)
    best: dict[str, Match] = {}
    for pair in pairs:
        rivals = [one for one in pairs if one is not pair and _share(one, pair)]
        beaten = all(one.confidence < pair.confidence - MARGIN for one in rivals)
        if pair.confidence >= ACCEPT and beaten:
            best[pair.lines[0].ref] = pair
    return list(best.values())


def candidates(pool: Pool) -> list[Match]:
    """Return every open line with every open entry of the same amount in the window."""
    entries = pool.entries
    named = frozenset(reference(entry.reference) for entry in entries)
    found: list[Match] = []
    for line in pool.lines:
        amounts = amount_keys(line, pool.currency)
        same = [one for one in entries if amounts & amount_keys(one, pool.currency) and near(line, one)]
        # A line that names another open entry speaks against all that it does not name.
        spoken = line.references & named
        kept = [one for one in same if not spoken or reference(one.reference) in spoken]
        found.extend(pair(line, entry, rivals=len(kept)) for entry in kept)
    return found


def near(line: Line, entry: Entry) -> bool:
    """Whether *entry* was booked at a time at which it can be *line*."""
    return entry.booked_on - WINDOW_AFTER <= line.booked_on <= entry.booked_on + WINDOW_BEFORE


def pair(line: Line, entry: Entry, *, rivals: int) -> Match:
    """Return *line* and *entry* as a match with its evidence; *rivals* entries have the same amount."""
    evidence = [Evidence("the amounts are equal", 0.50 / max(rivals, 1))]
    evidence += name_evidence(line, entry)
    looks = _reference_likeness(line, entry)
    if looks >= 0.80:
        evidence.append(Evidence(f"the reference is like {entry.reference}", 0.50 * looks))
    evidence.append(date_evidence(line, entry))
    return Match(lines=(line,), entries=(entry,), how="likeness", evidence=tuple(evidence))


def name_evidence(line: Line, entry: Entry) -> list[Evidence]:
    """Return what the two names say, if they are alike at all."""
    alike_by = likeness(line.counterparty or line.text, entry.counterparty)
    if alike_by < 0.60:
        return []
    return [Evidence(f"the name is like {entry.counterparty}", 0.60 * alike_by)]


def date_evidence(line: Line, entry: Entry) -> Evidence:
    """Return what the distance of the two dates says."""
    days = abs((line.booked_on - entry.booked_on).days)
    return Evidence(apart(days), max(0.0, 0.20 * (1 - days / WINDOW_BEFORE.days)))


def _reference_likeness(line: Line, entry: Entry) -> float:
    name = reference(entry.reference)
    if len(name) < 5:
        return 0.0
    ratios = (SequenceMatcher(None, name, one, autojunk=False).ratio() for one in line.references)
    return max(ratios, default=0.0)


def _share(one: Match, other: Match) -> bool:
    return one.lines[0].ref == other.lines[0].ref or one.entries[0].document == other.entries[0].document
