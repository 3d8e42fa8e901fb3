"""A statement is believed only when it adds up: opening, plus every line, is closing, to the last baisa."""

from collections import Counter
from decimal import Decimal
from itertools import chain

from reconcile.shared.errors import StatementRefused
from reconcile.shared.money import PLACES, RATE_SLACK, show
from reconcile.shared.text import REFERENCE
from reconcile.statement.statement import Line, Statement


def consistent(statement: Statement) -> Statement:
    """Return *statement* if it is consistent with itself; raise `StatementRefused` saying where it is not."""
    if statement.currency not in PLACES:
        raise StatementRefused(f"currency {statement.currency!r} is not known here")
    if statement.opened_on > statement.closed_on:
        raise StatementRefused(f"the period ends {statement.closed_on}, before {statement.opened_on}")
    total = sum((line.amount for line in statement.lines), Decimal(0))
    if statement.opening + total != statement.closing:
        raise StatementRefused(_does_not_add_up(statement, total))
    twice = [ref for ref, times in Counter(line.ref for line in statement.lines).items() if times > 1]
    problems = chain(
        (f"reference {ref} appears more than once" for ref in twice),
        chain.from_iterable(_problems(line, statement) for line in statement.lines),
    )
    for problem in problems:
        raise StatementRefused(problem)
    return statement


def _problems(line: Line, statement: Statement) -> list[str]:
    found = []
    if REFERENCE.fullmatch(line.ref) is None:
        found.append(f"{line.ref!r} is no bank reference: 1 to 64 visible ASCII characters")
    if line.amount == 0:
        found.append(f"{line.ref}: the amount is zero")
    if not statement.opened_on <= line.booked_on <= statement.closed_on:
        found.append(
            f"{line.ref}: booked {line.booked_on}, outside {statement.opened_on} to {statement.closed_on}"
        )
    if line.foreign is not None:
        expected = line.foreign.amount * line.foreign.rate
        if abs(expected - abs(line.amount)) > RATE_SLACK * abs(line.amount):
            found.append(
                f"{line.ref}: {line.foreign} is {expected}, but the line says {abs(line.amount)} "
                f"{statement.currency}"
            )
    return found


def _does_not_add_up(statement: Statement, total: Decimal) -> str:
    home = statement.currency
    gap = statement.closing - statement.opening - total
    return (
        f"statement {statement.ident} does not add up: opening {show(statement.opening, home)} plus "
        f"{len(statement.lines)} lines of together {show(total, home)} makes "
        f"{show(statement.opening + total, home)}, but it closes with {show(statement.closing, home)}: "
        f"a difference of {show(gap, home)}. Ask the bank for the complete file."
    )
