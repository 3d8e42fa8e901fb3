"""
The approved postings, in a file of their own that is only ever appended to.

A posting's identity is in its metadata: writing it again changes nothing, so an agent that crashed between
the effect and its report can be run again without harm. Only what `Journal.append` wrote is read back; a file
that was edited by hand is refused rather than guessed at.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from reconcile.postings.atomic_file import locked, replace_atomically
from reconcile.postings.beancount import leg, string, unstring
from reconcile.postings.posting import Kind, Posting, Side
from reconcile.shared.errors import BookRefused, PostingRefused
from reconcile.shared.money import RATE_SLACK, in_places
from reconcile.shared.text import one_line

HEADER = (
    "; Postings that people or a named rule allowed. Written by the agent; do not edit, reverse instead.\n"
)

_BLOCK = re.compile(
    r'(?P<booking_date>\S+) \* (?P<memo>"(?:[^"\\]|\\.)*")\n'
    r'  posting: "(?:[^"\\]|\\.)*"\n'
    r'  kind: "(?P<kind>\w+)"\n'
    r'  statement_ref: (?P<statement_ref>"(?:[^"\\]|\\.)*")\n'
    r'  ledger_ref: (?P<ledger_ref>"(?:[^"\\]|\\.)*")\n'
    r"  value_date: (?P<value_date>\S+)\n"
    r'  instructed: (?P<instructed>"(?:[^"\\]|\\.)*")\n'
    r'  asked: (?P<asked>"(?:[^"\\]|\\.)*")\n'
    r"  (?P<account>\S+)  .*\n"
    r"  (?P<against>\S+)  (?P<moved>-?[0-9.]+) (?P<currency>[A-Z]{3})\n"
)
_INSTRUCTED = re.compile(r"([A-Z]{3}) ([0-9.]+) @ ([0-9.]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A posting in the book, and the idempotency key under which it was approved."""

    posting: Posting
    asked: str


class Journal:
    """The file of approved postings."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self) -> None:
        """Make the file if there is none, so that the book can include it."""
        if not self._path.exists():
            replace_atomically(self._path, HEADER)

    def read(self) -> tuple[Posted, ...]:
        """Return every posting, oldest first; raise `BookRefused` when the file was edited by hand."""
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else HEADER
        blocks = text.removeprefix(HEADER).split("\n\n")
        return tuple(self._parse(block.strip("\n") + "\n") for block in blocks if block.strip())

    def append(self, posting: Posting, *, asked: str) -> str:
        """
        Write *posting* and return its identity; do nothing when it is there already.

        Raise `PostingRefused` when a different posting has this identity: the first one stands.
        """
        clean = replace(
            posting,
            amount=in_places(posting.amount, posting.currency),
            memo=one_line(posting.memo),
        )
        with locked(self._path):
            there = {one.posting.ident: one.posting for one in self.read()}
            if clean.ident not in there:
                old = self._path.read_text(encoding="utf-8") if self._path.exists() else HEADER
                replace_atomically(self._path, f"{old}\n{_block(Posted(posting=clean, asked=asked))}")
            elif there[clean.ident] != clean:
                raise PostingRefused(f"{clean.ident} is in the book already with other contents; it stands")
        return clean.ident

    def _parse(self, block: str) -> Posted:
        found = _BLOCK.fullmatch(block)
        if found is None:
            raise BookRefused(f"{self._path.name} has a part that the agent did not write: {block[:80]!r}")
        try:
            posted = _posted(found)
        except (ValueError, ArithmeticError) as error:
            raise BookRefused(f"{self._path.name} has a posting that cannot be read: {error}") from error
        if _block(posted) != block:
            raise BookRefused(
                f"{self._path.name}: {posted.posting.ident} was changed by hand; reverse it instead"
            )
        return posted


def active(postings: Iterable[Posted]) -> tuple[Posting, ...]:
    """Return the postings that were not taken back, without the ones that took back."""
    known = [one.posting for one in postings]
    taken_back = {posting.ledger_ref for posting in known if posting.kind is Kind.REVERSAL}
    return tuple(one for one in known if one.kind is not Kind.REVERSAL and one.ident not in taken_back)


def _posted(found: re.Match[str]) -> Posted:
    moved = Decimal(found["moved"])
    side: Side = "credit" if moved > 0 else "debit"
    posting = Posting(
        kind=Kind(found["kind"]),
        account=found["account"],
        side=side,
        against=found["against"],
        amount=abs(moved),
        currency=found["currency"],
        memo=unstring(found["memo"]),
        booking_date=date.fromisoformat(found["booking_date"]),
        value_date=date.fromisoformat(found["value_date"]),
        statement_ref=unstring(found["statement_ref"]),
        ledger_ref=unstring(found["ledger_ref"]),
        instructed=unstring(found["instructed"]),
    )
    return Posted(posting=posting, asked=unstring(found["asked"]))


def _block(posted: Posted) -> str:
    posting = posted.posting
    return (
        f"{posting.booking_date} * {string(posting.memo)}\n"
        f"  posting: {string(posting.ident)}\n"
        f'  kind: "{posting.kind}"\n'
        f"  statement_ref: {string(posting.statement_ref)}\n"
        f"  ledger_ref: {string(posting.ledger_ref)}\n"
        f"  value_date: {posting.value_date}\n"
        f"  instructed: {string(posting.instructed)}\n"
        f"  asked: {string(posted.asked)}\n"
        f"{_account_leg(posting)}\n"
        f"{leg(posting.against, posting.moved, posting.currency)}\n"
    )


def _account_leg(posting: Posting) -> str:
    """Return the account's side, in the money of the other country where the amount is still that money."""
    found = _INSTRUCTED.fullmatch(posting.instructed)
    if found is not None:
        currency, amount, rate = found[1], Decimal(found[2]), Decimal(found[3])
        if abs(amount * rate - posting.amount) <= RATE_SLACK * posting.amount:
            units = -amount if posting.moved > 0 else amount
            home = f"{posting.amount:f} {posting.currency}"
            return f"  {posting.account}  {units:f} {currency} @@ {home}"
    return leg(posting.account, -posting.moved, posting.currency)
