"""Beancount syntax: strings that cannot break out, amounts that balance to the last baisa."""

import re
from datetime import date
from decimal import Decimal

from reconcile.shared.money import in_places

#: Weights may differ by a millionth (a total price divided and multiplied again), never by a baisa.
TOLERANCE = 'option "tolerance_multiplier" "0.001"'


def string(text: str) -> str:
    """Return *text* as a Beancount string on one line; quotes and backslashes are escaped."""
    safe = "".join(letter if letter.isprintable() else " " for letter in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unstring(literal: str) -> str:
    """Return the text of a string that `string` wrote."""
    return re.sub(r"\\(.)", r"\1", literal[1:-1])


def leg(account: str, amount: Decimal, currency: str) -> str:
    """Return one posting line."""
    return f"  {account}  {in_places(amount, currency):f} {currency}"


def balance(on: date, account: str, amount: Decimal, currency: str) -> str:
    """
    Return an assertion that is exact.

    Without ``~ 0`` Beancount would let a difference of one baisa pass (twice half of the last place).
    """
    return f"{on} balance {account}  {in_places(amount, currency):f} ~ 0 {currency}"
