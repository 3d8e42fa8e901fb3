"""Money is a Decimal with exactly as many places as its currency has; nothing is ever rounded silently."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

#: Decimal places by ISO 4217, for the currencies a Muscat trader meets.
PLACES = {
    "AED": 2, "BHD": 3, "CHF": 2, "CNY": 2, "EUR": 2, "GBP": 2, "INR": 2, "JOD": 3,
    "JPY": 0, "KWD": 3, "OMR": 3, "QAR": 2, "SAR": 2, "TND": 3, "USD": 2,
}  # fmt: skip

_PLAIN = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.([0-9]{1,10}))?")

#: How far a foreign line may stray from its own rate; banks round rates and keep a little for themselves.
RATE_SLACK = Decimal("0.005")

type_of_error = Callable[[str], Exception]


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """The same money in another currency: positive amount, and what one unit of it costs at home."""

    currency: str
    amount: Decimal
    rate: Decimal

    def __str__(self) -> str:
        return f"{self.currency} {self.amount:f} @ {self.rate:f}"


def parse_amount(text: str, currency: str, error: type_of_error) -> Decimal:
    """
    Return the unsigned amount that *text* spells in *currency*, with the currency's own places.

    Raise *error* for an unknown currency, a sign, a thousands separator, an exponent or too many places.
    """
    if currency not in PLACES:
        raise error(f"currency {currency!r} is not known here; known are {', '.join(PLACES)}")
    found = _PLAIN.fullmatch(text)
    if found is None:
        raise error(f"{text!r} is not an amount; write digits and a point, for example 1250.000")
    decimals = (found.group(1) or "").rstrip("0")
    if len(decimals) > PLACES[currency]:
        raise error(f"{text} has more than the {PLACES[currency]} decimal places of {currency}")
    return in_places(Decimal(text), currency)


def parse_rate(text: str, error: type_of_error) -> Decimal:
    """Return the positive exchange rate that *text* spells; raise *error* otherwise."""
    if _PLAIN.fullmatch(text) is None or Decimal(text) == 0:
        raise error(f"{text!r} is not an exchange rate; write a positive number, for example 0.3845")
    return Decimal(text)


def in_places(amount: Decimal, currency: str) -> Decimal:
    """Return *amount* written with the places of *currency* (half even, where places are lost)."""
    return amount.quantize(Decimal(1).scaleb(-PLACES[currency]), rounding=ROUND_HALF_EVEN)


def show(amount: Decimal, currency: str) -> str:
    """Return *amount* for people: ``1,250.000 OMR``; machines get ``1250.000``."""
    return f"{in_places(amount, currency):,f} {currency}"
