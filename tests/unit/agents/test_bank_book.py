"""What is written is written once, whole, exactly as approved, and can break out of nothing."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from bank_samples import AGENT, BANK, CHART, TRANSIT, bean_check, entry, line, month_of
from hypothesis import given, settings
from hypothesis import strategies as st
from reconcile.book import Book
from reconcile.postings.beancount import string
from reconcile.postings.journal import HEADER, Journal, active
from reconcile.postings.posting import Kind, Posting
from reconcile.requests.approved_posting import fitting
from reconcile.requests.classifier import RuleClassifier
from reconcile.requests.proposal import Proposal
from reconcile.requests.proposer import Proposer
from reconcile.shared.errors import BookRefused, PostingRefused

FEE = Posting(
    kind=Kind.BANK_FEE,
    account=CHART["fees"],
    side="debit",
    against=BANK,
    amount=Decimal("4.200"),
    currency="OMR",
    memo="TT CHARGES",
    booking_date=date(2026, 10, 15),
    value_date=date(2026, 10, 15),
    statement_ref="FT1",
)
HOSTILE = '"\n2026-10-01 open Assets:Stolen\n2026-10-01 * "x" \\'


def proposal(posting: Posting = FEE) -> Proposal:
    """Return a proposal of *posting*."""
    return Proposal(
        posting=posting, limit=posting.amount, summary="", reasoning="", confidence=0.9, evidence=()
    )


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Return an empty journal."""
    found = Journal(tmp_path / "book.postings.beancount")
    found.start()
    return found


def test_a_posting_is_written_once(journal: Journal, tmp_path: Path) -> None:
    """Appending the same posting again returns its identity and changes not one byte."""
    assert journal.append(FEE, asked="k") == "line:FT1"
    once = (tmp_path / "book.postings.beancount").read_bytes()
    assert journal.append(FEE, asked="k") == "line:FT1"
    assert (tmp_path / "book.postings.beancount").read_bytes() == once


def test_a_second_posting_under_the_same_identity_is_refused(journal: Journal) -> None:
    """The first posting stands; another amount for the same line raises and writes nothing."""
    journal.append(FEE, asked="k")
    with pytest.raises(PostingRefused, match="already with other contents"):
        journal.append(replace(FEE, amount=Decimal("4.100")), asked="k")
    assert [one.posting for one in journal.read()] == [FEE]


def test_a_file_changed_by_hand_is_refused(journal: Journal, tmp_path: Path) -> None:
    """An amount edited on one side, or a foreign part, is not guessed at."""
    journal.append(FEE, asked="k")
    path = tmp_path / "book.postings.beancount"
    text = path.read_text()
    for old, new in ((" 4.200 OMR", " 4.201 OMR"), ("posting:", "posted:"), ('"bank_fee"', '"gift"')):
        path.write_text(text.replace(old, new, 1))
        with pytest.raises(BookRefused):
            journal.read()
    path.write_text(text + "\n2026-10-01 open Assets:Mine\n")
    with pytest.raises(BookRefused, match="did not write"):
        journal.read()


POSTINGS = st.builds(
    Posting,
    kind=st.sampled_from([kind for kind in Kind if kind is not Kind.REVERSAL]),
    account=st.sampled_from(CHART.postable),
    side=st.sampled_from(["debit", "credit"]),
    against=st.sampled_from([BANK, TRANSIT]),
    amount=st.decimals("0.001", "999999", places=3),
    currency=st.just("OMR"),
    memo=st.text(max_size=60),
    booking_date=st.dates(date(2026, 10, 1), date(2026, 10, 31)),
    value_date=st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    statement_ref=st.from_regex(r"[!-~]([ -~]{0,20}[!-~])?", fullmatch=True),
    ledger_ref=st.from_regex(r"([!-~]([ -~]{0,20}[!-~])?)?", fullmatch=True),
    instructed=st.sampled_from(["", "USD 1200.00 @ 0.3845", "EUR 1.00 @ 0.4"]),
)


@given(postings=st.lists(POSTINGS, max_size=6, unique_by=lambda one: one.ident))
@settings(deadline=None)
def test_what_is_written_is_read_back(
    postings: list[Posting], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every posting comes back as it went in, but for its memo, which comes back as one plain line."""
    journal = Journal(tmp_path_factory.mktemp("law") / "j.beancount")
    for posting in postings:
        journal.append(posting, asked="key")
    back = [one.posting for one in journal.read()]
    assert [replace(one, memo="") for one in back] == [replace(one, memo="") for one in postings]
    assert all(one.memo.isprintable() for one in back)
    for posting in back:
        journal.append(posting, asked="key")
    assert [one.posting for one in journal.read()] == back


@given(memo=st.text(max_size=80) | st.just(HOSTILE))
@settings(deadline=None)
def test_no_text_can_write_a_directive(memo: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a memo holds, the file has as many lines as one posting has, and the amount is unchanged."""
    path = tmp_path_factory.mktemp("law") / "j.beancount"
    Journal(path).append(replace(FEE, memo=memo), asked="k")
    assert len(path.read_text().removeprefix(HEADER).strip("\n").split("\n")) == 10
    assert sum(one.posting.amount for one in Journal(path).read()) == Decimal("4.200")


def test_a_string_is_one_line() -> None:
    """Line feeds and other control characters become blanks; quotes and backslashes are escaped."""
    assert string('a\nb\x1b"c\\') == '"a b \\"c\\\\"'


def test_history_is_the_same_in_any_order() -> None:
    """Of two accounts with equal shares the older entry's is suggested, however the file is sorted."""
    before = [entry("D1", "7.000", "AL WADI", day=1), entry("D2", "8.000", "AL WADI", day=2)]
    before[1] = replace(before[1], account=CHART["suspense"])
    said = {
        RuleClassifier(CHART, ledger).classify(line("L1", "9.000", "AL WADI")).account
        for ledger in (before, before[::-1])
    }
    assert said == {CHART["receivables"]}


def test_hostile_names_stay_inside_their_strings(tmp_path: Path) -> None:
    """Quotes, line feeds and directives in names and texts leave a book that bean-check accepts."""
    month = month_of(
        [line("L1", "10.000", HOSTILE, "INV-0001 " + HOSTILE)],
        [replace(entry("D1", "10.000", HOSTILE, "INV-0001"), text=HOSTILE)],
    )
    book = Book(tmp_path / "b.beancount")
    book.begin(month, ())
    assert bean_check(book.path) == ""
    assert "\n2026-10-01 open Assets:Stolen" not in book.path.read_text()


APPENDING = """
import sys
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
from pathlib import Path
from reconcile.postings.journal import Journal
sys.path.insert(0, sys.argv[2])
from test_bank_book import FEE
for number in sys.argv[4:]:
    Journal(Path(sys.argv[3])).append(replace(FEE, statement_ref=f"FT{number}"), asked="k")
"""


def test_two_processes_do_not_lose_each_others_postings(tmp_path: Path) -> None:
    """Twelve postings from four processes at once are all in the file."""
    path = tmp_path / "j.beancount"
    common = [sys.executable, "-c", APPENDING, str(AGENT), str(Path(__file__).parent), str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    # Programs of their own: a fork of this one, with its threads, may never end.
    appending = [
        subprocess.Popen([*common, *map(str, range(first, 12, 4))], env=environment) for first in range(4)
    ]
    assert [process.wait(60) for process in appending] == [0] * 4
    assert len(Journal(path).read()) == 12


KILLED = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from reconcile.postings.journal import Journal
sys.path.insert(0, sys.argv[2])
from test_bank_book import FEE
point = sys.argv[4]
real = {"fsync": os.fsync, "replace": Path.replace}
def die(*_): os.kill(os.getpid(), 9)
if point == "before-sync": os.fsync = die
if point == "before-rename": Path.replace = die
if point == "after-rename":
    def then_die(*arguments): real["replace"](*arguments); die()
    Path.replace = then_die
Journal(Path(sys.argv[3])).append(FEE, asked="k")
"""


@pytest.mark.parametrize(
    ("point", "written"), [("before-sync", 0), ("before-rename", 0), ("after-rename", 1)]
)
def test_a_kill_leaves_the_old_file_or_the_new_one(
    point: str, written: int, journal: Journal, tmp_path: Path
) -> None:
    """A process killed at any step of writing leaves a whole file; running again leaves the posting once."""
    path = tmp_path / "book.postings.beancount"
    folders = [str(AGENT), str(Path(__file__).parent), str(path), point]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", KILLED, *folders], env=environment, check=False)
    assert done.returncode == -9
    assert len(journal.read()) == written
    journal.append(FEE, asked="k")
    assert [one.posting for one in journal.read()] == [FEE]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"amount": Decimal("4.201")}, "at most 4.200 OMR"),
        ({"amount": Decimal(0)}, "above zero"),
        ({"amount": Decimal("-4.200")}, "above zero"),
        ({"amount": Decimal("NaN")}, "above zero"),
        ({"amount": Decimal("4.1995")}, "more than 3 decimal places"),
        ({"side": "credit"}, "side cannot be changed"),
        ({"currency": "USD"}, "currency cannot be changed"),
        ({"against": TRANSIT}, "against cannot be changed"),
        ({"statement_ref": "FT2"}, "statement_ref cannot be changed"),
        ({"booking_date": date(2026, 11, 2)}, "booking_date cannot be changed"),
        ({"kind": Kind.INTEREST}, "kind cannot be changed"),
        ({"account": BANK}, "not an account that may be posted to"),
        ({"account": "Assets:Mine"}, "not an account that may be posted to"),
    ],
)
def test_an_approval_that_does_not_fit_is_not_written(change: dict[str, object], why: str) -> None:
    """An edit beyond amount, account, memo and value date, or beyond the line, is refused with the reason."""
    with pytest.raises(PostingRefused, match=why):
        fitting(replace(FEE, **change), proposal(), postable=CHART.postable)  # type: ignore[arg-type]  # a table


def test_an_edit_that_fits_is_written_as_edited() -> None:
    """Less money, another account, memo and value date are the approver's to choose."""
    edited = replace(
        FEE, amount=Decimal(4), account=CHART["suspense"], memo="x", value_date=date(2026, 10, 1)
    )
    assert fitting(edited, proposal(), postable=CHART.postable) == edited


def test_a_reversal_is_all_or_nothing() -> None:
    """A posting is taken back whole: half of it would leave a line that nobody can follow."""
    back = FEE.reversed(memo="x")
    with pytest.raises(PostingRefused, match="whole posting"):
        fitting(replace(back, amount=Decimal("4.000")), proposal(back), postable=CHART.postable)


def test_a_reversed_posting_is_not_active(journal: Journal) -> None:
    """A posting and its reversal add up to nothing, and neither counts as settling its line."""
    journal.append(FEE, asked="k")
    journal.append(FEE.reversed(memo="x"), asked="k2")
    assert sum(one.posting.moved for one in journal.read()) == 0
    assert active(journal.read()) == ()


def test_the_rest_of_an_edit_is_recognised_as_vat() -> None:
    """Of 105.000 including 5 %: 105.000 × 5 / 105 = 5.000 is input VAT; any other rest is suspense."""
    proposer = Proposer(CHART, RuleClassifier(CHART, ()), currency="OMR")
    fee = line("FT1", "-105.000")
    assert proposer.rest(fee, Decimal("-5.000")).posting.account == CHART["vat"]
    assert proposer.rest(fee, Decimal("-5.001")).posting.account == CHART["suspense"]
    assert proposer.rest(fee, Decimal("-5.000")).confidence == 0.96  # 1 − 0.10 × 0.40
