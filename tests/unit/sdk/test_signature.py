"""Arguments survive the way to a person and back, or they are refused."""

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, JsonValue, PlainSerializer

from andon.canonical import canonical, parse
from andon.errors import Mismatch, Unfit
from andon.signature import UNRECORDED, Signature


class Currency(enum.Enum):
    OMR = "OMR"
    USD = "USD"


class Line(BaseModel):
    model_config = ConfigDict(strict=True)

    account: str = Field(alias="konto")
    amount: Decimal
    on: dt.date


@dataclass(frozen=True)
class Party:
    name: str
    iban: str | None = None


def journal(
    lines: list[Line], party: Party, currency: Currency, at: dt.datetime, *, weights: tuple[float, ...] = ()
) -> dict[str, Decimal]:
    return {f"{party.name} {currency.value} {at} {weights}": sum((line.amount for line in lines), Decimal())}


lines = st.builds(
    Line,
    konto=st.text(st.characters(exclude_categories=["Cs"])),
    amount=st.decimals(allow_nan=False, allow_infinity=False),
    on=st.dates(),
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(lines, max_size=3),
    st.builds(Party, st.text(st.characters(exclude_categories=["Cs"]))),
    st.sampled_from(Currency),
    st.datetimes(timezones=st.just(dt.UTC)),
    st.lists(st.floats(-1e15, 1e15), max_size=3),
)
def test_what_is_encoded_is_what_is_called(
    entries: list[Line], party: Party, currency: Currency, at: dt.datetime, weights: list[float]
) -> None:
    """Dumped, written, read and validated, every argument is equal to the one given."""
    signature = Signature[dict[str, Decimal]](journal)
    encoded = signature.encode(entries, party, currency, at, weights=weights)
    read = parse(canonical(encoded))
    assert isinstance(read, dict)
    call = signature.decode(read)
    assert call.args == (entries, party, currency, at)
    assert call.kwargs == {"weights": tuple(weights)}


def _takes_rest(*rest: str) -> None: ...
def _takes_named(**rest: str) -> None: ...
def _takes_anything(thing) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001  # the point
def _takes_set(names: dict[str, set[str]]) -> None: ...
def _takes_frozenset(names: frozenset[str]) -> None: ...
def _takes_handle(handle: Signature[int]) -> None: ...
def _gives_handle() -> Signature[int]: ...  # type: ignore[empty-body]  # never called


@pytest.mark.parametrize(
    "function",
    [_takes_rest, _takes_named, _takes_anything, _takes_set, _takes_frozenset, _takes_handle, _gives_handle],
)
def test_what_has_no_json_is_refused_when_decorated(function: Callable[..., object]) -> None:
    """Unnamed, unannotated, unordered or opaque parameters are refused before anything is asked."""
    with pytest.raises(TypeError, match=r"_takes|_gives"):
        Signature[object](function)


Rounded = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str)]


def _rounds(amount: Rounded) -> None: ...


Marked = Annotated[str, PlainSerializer(lambda text: text + "!", return_type=str)]


def _marks(text: Marked) -> None: ...
def _float(amount: float) -> None: ...
def _any(amount: Any) -> None: ...
def _when(at: dt.datetime, days: list[int]) -> None: ...


def test_a_value_that_changes_on_the_way_is_refused() -> None:
    """What its own serializer rounds, or JSON cannot carry, is not asked about."""
    assert Signature[None](_float).encode(0.1) == {"amount": 0.1}
    for amount in (float("nan"), 1e20):
        with pytest.raises(Unfit):
            Signature[None](_float).encode(amount)
    with pytest.raises(Unfit, match="changes"):
        Signature[None](_marks).encode("a")
    for thing in (object(), 2**60, b"\xff"):
        with pytest.raises(Unfit):
            Signature[None](_any).encode(thing)


@pytest.mark.parametrize(
    "approved",
    [
        {"at": "2026-01-01T00:00:00+00:00", "days": [1]},
        {"at": "2026-01-01T00:00:00Z", "days": ["1"]},
        {"at": "2026-01-01T00:00:00Z", "days": [True]},
        {"at": "2026-01-01T00:00:00Z"},
        {"at": "2026-01-01T00:00:00Z", "days": [1], "nights": []},
    ],
)
def test_an_approval_is_taken_literally(approved: dict[str, JsonValue]) -> None:
    """Approved JSON that would be read leniently, completed or cut short is refused."""
    with pytest.raises(Mismatch):
        Signature[None](_when).decode(approved)


def test_a_serializer_cannot_hide_what_was_approved() -> None:
    """An approved value the function would see differently is refused."""
    with pytest.raises(Mismatch):
        Signature[None](_rounds).decode({"amount": "10.001"})


def test_results_are_recorded_or_said_not_to_be() -> None:
    """A result is kept as JSON; one that has none, or is of another type, is marked as not recorded."""

    def total(of: str) -> Decimal: ...  # type: ignore[empty-body]  # never called

    signature = Signature[Decimal](total)
    assert signature.decode_result(signature.encode_result(Decimal("1.50"))) == Decimal("1.50")
    assert signature.encode_result("1.50") == UNRECORDED  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(Mismatch):
        signature.decode_result(UNRECORDED)
    assert Signature[object](_any).decode_result(None) is None
