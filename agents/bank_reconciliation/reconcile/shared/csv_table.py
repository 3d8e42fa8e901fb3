"""Reads CSV strictly: the columns are the expected ones, in any order, and every row has all of them."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from reconcile.shared.money import Foreign, parse_amount, parse_rate, type_of_error

MAX_BYTES = 16 * 1024 * 1024


def decode(data: bytes, error: type_of_error) -> list[str]:
    """Return the lines of a UTF-8 file, byte-order mark or not; their ends are kept for quoted cells."""
    if len(data) > MAX_BYTES:
        raise error(f"the CSV has {len(data)} bytes; at most {MAX_BYTES} are read")
    try:
        return list(io.StringIO(data.decode("utf-8-sig"), newline=""))
    except UnicodeDecodeError as cause:
        raise error("the CSV is not UTF-8; export it as UTF-8") from cause


def rows(lines: Iterable[str], columns: Sequence[str], error: type_of_error) -> Iterator[dict[str, str]]:
    """Yield each row by column name; raise *error* naming the row or the column that is wrong."""
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, [])
        if sorted(header) != sorted(columns):
            raise error(f"the columns are {', '.join(header)}; they must be {', '.join(columns)}")
        for number, cells in enumerate(reader, start=2):
            if len(cells) != len(header):
                raise error(f"row {number} has {len(cells)} cells, but there are {len(header)} columns")
            yield dict(zip(header, (cell.strip() for cell in cells), strict=True))
    except csv.Error as cause:
        raise error(f"the CSV is malformed: {cause}") from cause


def day(text: str, error: type_of_error) -> date:
    """Return the ISO date that *text* spells."""
    try:
        return date.fromisoformat(text)
    except ValueError as cause:
        raise error(f"{text!r} is not a date like 2026-10-31") from cause


def in_or_out(money_in: str, money_out: str, currency: str, error: type_of_error) -> Decimal:
    """Return the signed amount of a row that has either of two columns filled."""
    if bool(money_in) == bool(money_out):
        raise error("exactly one of the two amount columns must be filled")
    amount = parse_amount(money_in or money_out, currency, error)
    if amount == 0:
        raise error("the amount is zero")
    return amount if money_in else -amount


def foreign(currency: str, amount: str, rate: str, error: type_of_error) -> Foreign | None:
    """Return the money abroad that three cells spell, or none when all three are empty."""
    if not (currency or amount or rate):
        return None
    if not (currency and amount and rate):
        raise error("foreign currency, amount and rate are given together or not at all")
    return Foreign(
        currency=currency, amount=parse_amount(amount, currency, error), rate=parse_rate(rate, error)
    )
