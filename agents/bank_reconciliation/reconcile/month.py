"""The inputs of one close, read and checked."""

from dataclasses import dataclass

from reconcile.ledger.chart import Chart
from reconcile.ledger.entry import Entry
from reconcile.statement.statement import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What one close is about."""

    statement: Statement
    ledger: tuple[Entry, ...]
    chart: Chart
