"""
The stages of matching, the surest evidence first, and the doubts that are left to people.

    reference ─▶ batch ─▶ split ─▶ likeness (until nothing moves) ─▶ sum ─▶ doubts
"""

from collections.abc import Iterable
from dataclasses import dataclass

from reconcile.ledger.entry import Entry
from reconcile.matching.by_likeness import ASK, candidates, name_evidence
from reconcile.matching.by_likeness import alike as by_likeness
from reconcile.matching.by_reference import (
    SAME_REFERENCE,
    many_lines_one_entry,
    one_line_many_entries,
    one_to_one,
)
from reconcile.matching.by_sum import adding_up, combinations_of
from reconcile.matching.match import Doubt, Match
from reconcile.matching.pool import Pool, Stage
from reconcile.shared.evidence import Evidence
from reconcile.shared.text import reference
from reconcile.statement.statement import Line

STAGES: tuple[Stage, ...] = (one_to_one, one_line_many_entries, many_lines_one_entry, by_likeness, adding_up)
MAX_CANDIDATES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Where everything ended: each line and each entry is in exactly one of these, or a doubt's candidate."""

    matches: tuple[Match, ...]
    doubts: tuple[Doubt, ...]
    lines: tuple[Line, ...]  #: Without any candidate.
    entries: tuple[Entry, ...]  #: Not matched; some are candidates of a doubt.


def match(lines: Iterable[Line], entries: Iterable[Entry], *, currency: str) -> Matching:
    """Return the matching of *lines* and *entries*; the same input gives the same output in any order."""
    pool = Pool(lines, entries, currency=currency)
    matches = [found for stage in STAGES for found in _exhaust(pool, stage)]
    doubts = _doubts(pool)
    doubted = {doubt.line.ref for doubt in doubts}
    rest = tuple(line for line in pool.lines if line.ref not in doubted)
    return Matching(matches=tuple(matches), doubts=tuple(doubts), lines=rest, entries=pool.entries)


def _exhaust(pool: Pool, stage: Stage) -> list[Match]:
    taken: list[Match] = []
    while found := [match for match in stage(pool) if pool.has(match)]:
        for one in found:
            if pool.has(one):
                pool.take(one)
                taken.append(one)
    return taken


def _doubts(pool: Pool) -> list[Doubt]:
    pairs = [pair for pair in candidates(pool) if pair.confidence >= ASK]
    found: list[Doubt] = []
    for line in pool.lines:
        options = [pair for pair in pairs if pair.lines[0].ref == line.ref]
        options += combinations_of(pool, line) + _other_amounts(pool, line)
        best_first = sorted(options, key=lambda one: (-one.confidence, one.entries[0].document))
        if best_first:
            found.append(Doubt(line=line, candidates=tuple(best_first[:MAX_CANDIDATES])))
    return found


def _other_amounts(pool: Pool, line: Line) -> list[Match]:
    """Return the entries that *line* names though the amounts differ: mistyped, or paid in part."""
    named = [
        entry
        for entry in pool.entries
        if reference(entry.reference) in line.references and entry.amount != line.amount
    ]
    same_way = [_named(line, entry) for entry in named if (entry.amount > 0) == (line.amount > 0)]
    # The bank's charge for a payment names the payment too, but is far from its amount.
    return [one for one in same_way if one.confidence >= ASK]


def _named(line: Line, entry: Entry) -> Match:
    small, large = sorted((abs(line.amount), abs(entry.amount)))
    evidence = (
        Evidence(
            f"both name {entry.reference}, but the amounts differ", SAME_REFERENCE * float(small / large)
        ),
        *name_evidence(line, entry),
    )
    return Match(lines=(line,), entries=(entry,), how="named", evidence=evidence)
