"""Shows a report: a table for the terminal, Markdown and JSON for the files beside the book."""

import json
from collections.abc import Sequence
from decimal import Decimal

from reconcile.report.report import Report, Row, State
from reconcile.requests.plan import Plan
from reconcile.shared.money import show
from reconcile.shared.text import one_line

HEADINGS = {
    State.OPEN: "Open: somebody has to do something",
    State.REFUSED: "Refused by people, not written",
    State.POSTED: "Posted with leave",
    State.ASKED: "Matched by an answer",
    State.TRANSIT: "In the ledger, not yet at the bank",
    State.MATCHED: "Matched by code",
}

LONGEST = 400  #: Characters of a last column: it may wrap, and nothing that people said is lost.


def as_table(report: Report) -> str:
    """Return the report for a terminal: what people had to do with in full, the rest as counts."""
    shown = report.of(State.ASKED, State.POSTED, State.REFUSED, State.OPEN)
    cells: list[tuple[str, ...]] = [
        ("STATE", "REFERENCE", "DATE", "AMOUNT", "NOT IN THE BOOK", "ABOUT", "DETAIL")
    ]
    cells += [_cells(row, report.currency) for row in shown]
    return "\n".join((_columns(cells), "", _counts(report), _verdict(report)))


def as_plan(plan: Plan) -> str:
    """Return, for a terminal, what would be asked."""
    cells = [("WOULD", "ABOUT", "CONFIDENCE", "SUMMARY")]
    cells += [
        ("propose", one.posting.ident, f"{one.confidence:.2f}", one_line(one.summary, LONGEST))
        for one in plan.proposals
    ]
    cells += [
        ("ask", one.line.ref, f"{one.confidence:.2f}", one_line(one.text, LONGEST)) for one in plan.questions
    ]
    matched = sum(len(match.lines) for match in plan.matches)
    return f"{_columns(cells)}\n\n{matched} lines matched by code; nothing was asked, nothing was written."


def as_markdown(report: Report) -> str:
    """Return the report as Markdown, what needs somebody first."""
    parts = [f"# {report.workflow}", _verdict(report), _counts(report)]
    for state, heading in HEADINGS.items():
        if rows := report.of(state):
            parts.append(f"## {heading}\n\n{_markdown_table(rows, report.currency)}")
    return "\n\n".join(parts) + "\n"


def as_json(report: Report) -> str:
    """Return the report as JSON; amounts are strings."""
    summary = {
        "workflow": report.workflow,
        "reconciled": report.is_reconciled,
        "currency": report.currency,
        "statement_closing": _plain(report.closing),
        "book_balance": _plain(report.booked),
        "in_transit": _plain(report.in_transit),
        "counts": {state.value: len(report.of(state)) for state in State},
        "rows": [
            {
                "state": row.state.value,
                "ref": row.ref,
                "date": row.on.isoformat(),
                "amount": _plain(row.amount),
                "left": _plain(row.left),
                "about": row.about,
                "detail": row.detail,
                "statement_line": row.is_line,
            }
            for row in report.rows
        ],
    }
    return json.dumps(summary, indent=1, ensure_ascii=False) + "\n"


def _verdict(report: Report) -> str:
    closing, booked = show(report.closing, report.currency), show(report.booked, report.currency)
    if report.is_reconciled:
        return f"Reconciled: the bank says {closing}, the book says {booked}."
    gap = show(report.closing - report.booked, report.currency)
    return f"NOT reconciled: the bank says {closing}, the book says {booked}; {gap} is open."


def _counts(report: Report) -> str:
    counts = ", ".join(f"{len(report.of(state))} {state}" for state in State)
    return f"{sum(row.is_line for row in report.rows)} statement lines. Lines and ledger entries: {counts}."


def _cells(row: Row, currency: str) -> tuple[str, ...]:
    return (
        row.state.value,
        row.ref,
        f"{row.on:%d %b}",
        show(row.amount, currency),
        show(row.left, currency) if row.left else "",
        one_line(row.about, 32),
        one_line(row.detail, LONGEST),
    )


def _columns(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


def _markdown_table(rows: Sequence[Row], currency: str) -> str:
    names = "| Reference | Date | Amount | Not in the book | About | Detail |"
    lines = [
        f"| {_cell(row.ref)} | {row.on} | {show(row.amount, currency)} | {show(row.left, currency)} "
        f"| {_cell(row.about)} | {_cell(row.detail)} |"
        for row in rows
    ]
    return "\n".join((names, "| --- | --- | ---: | ---: | --- | --- |", *lines))


def _cell(text: str) -> str:
    """Bank and customer texts are foreign: no cell may become a column, a link or a heading."""
    return "".join(
        "\\" + letter if letter in r"\`*_[]<>|#!" else letter for letter in one_line(text, LONGEST)
    )


def _plain(amount: Decimal) -> str:
    return f"{amount:f}"
