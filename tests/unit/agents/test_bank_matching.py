"""Which line is which entry, with the arithmetic of each confidence written out."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from bank_samples import abroad, entry, line, sample
from reconcile.ledger.entry import Entry
from reconcile.matching.by_likeness import date_evidence
from reconcile.matching.stages import Matching, match
from reconcile.requests.question import question
from reconcile.shared.evidence import Evidence, confidence
from reconcile.shared.text import likeness, one_line, reference, references
from reconcile.statement.statement import Line

WADI = "Al Wadi Cold Stores LLC"


def matched(lines: list[Line], entries: list[Entry]) -> Matching:
    """Return the matching in rials."""
    return match(lines, entries, currency="OMR")


def pairs(result: Matching) -> set[tuple[str, str, str]]:
    """Return each match as lines, entries and how."""
    return {
        ("+".join(one.ref for one in found.lines), "+".join(one.document for one in found.entries), found.how)
        for found in result.matches
    }


def test_confidence_is_the_chance_that_not_all_witnesses_are_wrong() -> None:
    """0.95 and 0.50 make 1 − 0.05 × 0.50 = 0.975; 0.50, 0.60 and 0.10 make 1 − 0.5 × 0.4 × 0.9 = 0.82."""
    assert confidence([Evidence("reference", 0.95), Evidence("amount", 0.50)]) == 0.975
    assert confidence([Evidence("", 0.50), Evidence("", 0.60), Evidence("", 0.10)]) == 0.82
    assert confidence([]) == 0.0
    assert confidence([Evidence("", 1.0)] * 9) == 0.9999


def test_references_are_compared_without_case_and_punctuation() -> None:
    """INV-26/0413 and inv 26-0413 differ only in words; NOTPROVIDED and bare words are no references."""
    assert reference("inv-26/0413") == "INV260413"
    assert references("NOTPROVIDED", "PAYMENT INV-26/0413, THANKS") == {"INV260413"}


def test_account_numbers_are_masked() -> None:
    """An IBAN in a bank's text keeps its country and its last four characters, with or without blanks."""
    assert one_line("TRF OM290990000314159265358 OCT") == "TRF OM…5358 OCT"
    assert one_line("TRF OM29 0990 0003 1415 9265 358") == "TRF OM…5358"
    assert one_line("PAYMENT INV-26-0413 TO AL WADI") == "PAYMENT INV-26-0413 TO AL WADI"


@pytest.mark.parametrize(
    ("limit", "cut"),
    [
        (26, "PAYMENT OF RENT FOR OFFICE"),
        (25, "PAYMENT OF RENT FOR…"),
        (20, "PAYMENT OF RENT FOR…"),
        (19, "PAYMENT OF RENT…"),
        (5, "PAYM…"),
    ],
)
def test_long_text_ends_after_a_word(limit: int, cut: str) -> None:
    """What does not fit ends after a whole word, within the limit; one long word is cut where it must be."""
    assert one_line("PAYMENT OF RENT FOR OFFICE", limit) == cut
    assert len(cut) <= limit


@pytest.mark.parametrize(
    ("other", "said"), [(10, "on the same day"), (11, "1 day apart"), (8, "2 days apart")]
)
def test_days_are_counted_as_people_do(other: int, said: str) -> None:
    """No day, one day, two days: each is said in its own words."""
    assert date_evidence(line("L1", "1.000"), entry("D1", "1.000", day=other)).title == said


def test_what_was_seen_says_what_its_number_is() -> None:
    """A number behind an observation is named; where there is nothing to weigh there is none."""
    assert str(Evidence("the amounts are equal", 0.5)) == "the amounts are equal (weight 0.50)"
    assert str(Evidence("statement line L1: FEE", 0.0)) == "statement line L1: FEE"
    both = [entry("D1", "100.000", WADI), entry("D2", "100.000", WADI, day=9)]
    doubt = matched([line("L1", "100.000", WADI)], both).doubts[0]
    said = [str(item) for item in question(doubt, currency="OMR").evidence]
    alike = "the amounts are equal (weight 0.25); the name is like Al Wadi Cold Stores LLC (weight 0.60)"
    assert said == [
        f"D1: {alike}; on the same day (weight 0.20); confidence 0.76",
        f"D2: {alike}; 1 day apart (weight 0.19); confidence 0.76",
    ]


def test_names_are_compared_without_order_and_legal_form() -> None:
    """A legal form and the order of words do not make another company; another company does."""
    assert likeness("AL WADI COLD STORES", WADI) == 1.0
    assert likeness("STORES COLD AL WADI", WADI) == 1.0
    assert likeness("SUR FISHERIES SPC", WADI) < 0.6


def test_the_same_reference_and_amount_match() -> None:
    """Equal reference (0.95) and amount (0.50): 1 − 0.05 × 0.50 = 0.975."""
    result = matched(
        [line("L1", "100.000", text="INV-26-0001")], [entry("D1", "100.000", WADI, "INV-26-0001")]
    )
    assert pairs(result) == {("L1", "D1", "reference")}
    assert result.matches[0].confidence == 0.975


@pytest.mark.parametrize("amount", ["100.001", "99.999", "-100.000"])
def test_a_baisa_or_a_sign_makes_another_amount(amount: str) -> None:
    """The same reference with an amount off by 0.001, or the other way round, is never matched by code."""
    result = matched([line("L1", amount, text="INV-26-0001")], [entry("D1", "100.000", WADI, "INV-26-0001")])
    assert result.matches == ()


def test_a_longer_reference_is_not_a_shorter_one() -> None:
    """INV-26-00012 does not name INV-26-0001, though it contains it."""
    result = matched(
        [line("L1", "100.000", text="INV-26-00012")], [entry("D1", "100.000", WADI, "INV-26-0001")]
    )
    assert result.matches == ()


def test_of_a_duplicate_the_older_is_matched() -> None:
    """One line and two entries of one bill: the older entry is matched, the younger stays."""
    entries = [
        entry("D2", "-50.000", WADI, "BILL-99", day=12),
        entry("D1", "-50.000", WADI, "BILL-99", day=9),
    ]
    result = matched([line("L1", "-50.000", text="BILL-99")], entries)
    assert pairs(result) == {("L1", "D1", "reference")}
    assert [one.document for one in result.entries] == ["D2"]


def test_a_reference_that_comes_back_is_matched_oldest_with_oldest() -> None:
    """Two lines and two entries with one contract's reference and rate are paired by age."""
    lines = [line("L2", "-50.000", text="RENT-07", day=20), line("L1", "-50.000", text="RENT-07", day=1)]
    entries = [
        entry("D2", "-50.000", WADI, "RENT-07", day=19),
        entry("D1", "-50.000", WADI, "RENT-07", day=1),
    ]
    assert pairs(matched(lines, entries)) == {("L1", "D1", "reference"), ("L2", "D2", "reference")}


def test_one_line_pays_many_entries() -> None:
    """410.500 + 233.125 + 98.000 = 741.625: one transfer that names three bills."""
    parts = [("D1", "-410.500"), ("D2", "-233.125"), ("D3", "-98.000")]
    entries = [entry(document, amount, WADI, f"BILL-700{document}") for document, amount in parts]
    whole = line("L1", "-741.625", text="BILL-700D1 BILL-700D2 BILL-700D3")
    assert pairs(matched([whole], entries)) == {("L1", "D1+D2+D3", "batch")}


def test_a_batch_that_is_off_by_a_baisa_is_not_matched() -> None:
    """410.500 + 233.125 = 643.625, so a line of 643.626 is no batch of the two."""
    entries = [entry("D1", "-410.500", WADI, "BILL-7001"), entry("D2", "-233.125", WADI, "BILL-7002")]
    assert matched([line("L1", "-643.626", text="BILL-7001 BILL-7002")], entries).matches == ()


def test_many_lines_pay_one_entry() -> None:
    """4,000.000 + 2,400.000 = 6,400.000: one invoice paid in two parts that both name it."""
    lines = [line("L1", "4000.000", text="INV-26-1201"), line("L2", "2400.000", text="INV-26-1201", day=20)]
    result = matched(lines, [entry("D1", "6400.000", WADI, "INV-26-1201")])
    assert pairs(result) == {("L1+L2", "D1", "split")}


def test_name_amount_and_day_are_enough_without_a_reference() -> None:
    """Amount 0.50, the same name 0.60, the same day 0.20: 1 − 0.5 × 0.4 × 0.8 = 0.84, above 0.80."""
    result = matched([line("L1", "100.000", WADI)], [entry("D1", "100.000", WADI)])
    assert pairs(result) == {("L1", "D1", "likeness")}
    assert result.matches[0].confidence == 0.84


@pytest.mark.parametrize(("line_day", "entry_day", "is_matched"), [(13, 16, True), (12, 16, False)])
def test_the_window_ends_three_days_after_the_bank(line_day: int, entry_day: int, is_matched: bool) -> None:  # noqa: FBT001
    """The ledger may be three days later than the bank: 1 − 0.5 × 0.4 × 0.82 = 0.836; not four."""
    result = matched(
        [line("L1", "100.000", WADI, day=line_day)], [entry("D1", "100.000", WADI, day=entry_day)]
    )
    assert bool(result.matches) is is_matched


@pytest.mark.parametrize(("days", "is_matched"), [(30, True), (31, False)])
def test_the_window_begins_thirty_days_before_the_bank(days: int, is_matched: bool) -> None:  # noqa: FBT001
    """An entry thirty days older has 1 − 0.5 × 0.4 × 1.0 = 0.80, just enough; an older one is none."""
    old = entry("D1", "100.000", WADI)
    old = replace(old, booked_on=old.booked_on - timedelta(days=days))
    assert bool(matched([line("L1", "100.000", WADI)], [old]).matches) is is_matched


def test_two_candidates_are_a_doubt() -> None:
    """Two invoices of one amount share its 0.50: 1 − 0.75 × 0.4 × 0.8 = 0.76 each, and people are asked."""
    entries = [entry("D1", "100.000", WADI, "INV-26-0001"), entry("D2", "100.000", WADI, "INV-26-0002")]
    result = matched([line("L1", "100.000", WADI)], entries)
    assert result.matches == ()
    assert [one.confidence for one in result.doubts[0].candidates] == [0.76, 0.76]


def test_two_lines_for_one_entry_are_two_doubts() -> None:
    """Two lines that could be the same entry are both asked about; code chooses neither."""
    result = matched(
        [line("L1", "100.000", WADI), line("L2", "100.000", WADI)], [entry("D1", "100.000", WADI)]
    )
    assert result.matches == ()
    assert [doubt.line.ref for doubt in result.doubts] == ["L1", "L2"]


def test_a_doubt_dissolves_when_its_rival_is_taken() -> None:
    """Of two equal invoices one is named by its own line; the other is then alone, and matched."""
    lines = [line("L1", "100.000", WADI), line("L2", "100.000", WADI, "INV-26-0002")]
    entries = [entry("D1", "100.000", WADI, "INV-26-0001"), entry("D2", "100.000", WADI, "INV-26-0002")]
    assert pairs(matched(lines, entries)) == {("L2", "D2", "reference"), ("L1", "D1", "likeness")}


def test_equal_amounts_alone_are_no_reason_to_ask() -> None:
    """Amount 0.50 and day 0.20 make 0.60, below 0.65: strangers with one amount are not connected."""
    result = matched([line("L1", "100.000", "SUR FISHERIES")], [entry("D1", "100.000", WADI)])
    assert (result.matches, result.doubts) == ((), ())
    assert [one.ref for one in result.lines] == ["L1"]


def test_unnamed_invoices_that_add_up_are_matched() -> None:
    """512.750 + 388.400 = 901.150, the same name and day: 1 − 0.5 × 0.4 × 0.8 = 0.84."""
    entries = [entry("D1", "512.750", WADI), entry("D2", "388.400", WADI), entry("D3", "77.000", WADI)]
    result = matched([line("L1", "901.150", WADI)], entries)
    assert pairs(result) == {("L1", "D1+D2", "sum")}


def test_two_ways_to_add_up_are_a_doubt() -> None:
    """100 + 200 = 300 = 120 + 180: two combinations, so people are asked."""
    parts = ("100.000", "200.000", "120.000", "180.000")
    entries = [entry(f"D{number}", amount, WADI) for number, amount in enumerate(parts)]
    result = matched([line("L1", "300.000", WADI)], entries)
    assert result.matches == ()
    assert len(result.doubts[0].candidates) == 2


def test_a_mistyped_amount_is_a_doubt() -> None:
    """Both name INV-26-1225, but 1,350.000 is not 1,530.000: 0.95 × 1350 / 1530 = 0.838: asked."""
    result = matched(
        [line("L1", "1350.000", text="INV-26-1225")], [entry("D1", "1530.000", WADI, "INV-26-1225")]
    )
    assert result.matches == ()
    assert result.doubts[0].candidates[0].confidence == 0.8382


def test_a_charge_that_names_a_payment_is_not_the_payment() -> None:
    """12.600 against 3,845.000 is 0.95 × 0.0033 = 0.003: a charge, and nobody is asked."""
    result = matched(
        [line("L1", "-12.600", text="TT CHARGES PO-26-0077")], [entry("D1", "-3845.000", WADI, "PO-26-0077")]
    )
    assert result.doubts == ()


def test_money_abroad_is_recognised_by_what_was_sent() -> None:
    """USD 10,000.00 is the same payment at 0.3850 and at 0.3845; −3,850.000 − −3,845.000 = −5.000 is left."""
    sent = replace(line("L1", "-3850.000", text="PO-26-0077"), foreign=abroad("USD", "10000.00", "0.3850"))
    booked = replace(
        entry("D1", "-3845.000", WADI, "PO-26-0077"), foreign=abroad("USD", "10000.00", "0.3845")
    )
    result = matched([sent], [booked])
    assert pairs(result) == {("L1", "D1", "reference")}
    assert result.matches[0].difference == Decimal("-5.000")


def test_october_ends_as_it_was_told() -> None:
    """Of October's lines all but the planted gaps and doubts are matched, each case in its own way."""
    month = sample("2026-10")
    result = matched(list(month.statement.lines), list(month.ledger))
    ways = [found.how for found in result.matches]
    assert (ways.count("batch"), ways.count("split"), ways.count("sum")) == (1, 1, 1)
    assert len(result.doubts) == 2
    # 13 charges, 2 interest, 3 receipts and a payment that nobody booked.
    assert len(result.lines) == 17
    assert sum(len(found.lines) for found in result.matches) + 17 + 2 == len(month.statement.lines)
