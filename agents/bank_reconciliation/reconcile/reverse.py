"""Takes an approved posting back by its mirror image, which needs approval like any other posting."""

from collections.abc import Callable

from reconcile.book import Book
from reconcile.ledger.chart import Chart
from reconcile.postings.journal import active
from reconcile.postings.posting import Posting
from reconcile.requests.approved_posting import writer
from reconcile.requests.approvers import Approvers, Verdict
from reconcile.requests.proposal import Proposal
from reconcile.shared.errors import BookRefused
from reconcile.shared.evidence import Evidence, confidence
from reconcile.shared.money import show
from reconcile.shared.text import one_line


def reversal(posting: Posting, *, reason: str) -> Proposal:
    """Return the proposal to take *posting* back because of *reason*."""
    amount = show(posting.amount, posting.currency)
    evidence = (
        Evidence(f"{posting.ident} is in the book", 0.50),
        Evidence("a person asked for the reversal", 0.80),
    )
    return Proposal(
        posting=posting.reversed(memo=f"Take back {posting.ident}"),
        limit=posting.amount,
        summary=one_line(f"Take back {posting.ident}: {amount} on {posting.account}", 300),
        reasoning=one_line(reason, 1000),
        confidence=confidence(evidence),
        evidence=evidence,
    )


async def reverse(ident: str, approvers: Approvers, book: Book, *, chart: Chart, reason: str) -> Verdict:
    """
    Ask to take the posting *ident* back; on approval write its mirror image and take the book's verdict away.

    The line is open again until the ledger has its entry and the close has run. Raise `BookRefused` when
    there is no such posting.
    """
    known = book.journal.read()
    found = [one for one in known if one.posting.ident == ident]
    # One that was taken back may be asked again: the run that died before its report finds its request so.
    if not found:
        names = ", ".join(posting.ident for posting in active(known)) or "none"
        raise BookRefused(f"there is no posting {ident!r}; there are: {names}")
    posting = found[0].posting
    proposal = reversal(posting, reason=reason)
    key = proposal.key(workflow_of(posting))
    write = writer(book.journal, proposal, chart=chart, asked=key)
    return await approvers.post(proposal, _verdict_first(book, ident, write))


def workflow_of(posting: Posting) -> str:
    """Return the name of the close that *posting* belongs to."""
    return f"close-{posting.booking_date:%Y-%m}"


def _verdict_first(book: Book, ident: str, write: Callable[[Posting], str]) -> Callable[[Posting], str]:
    def effect(approved: Posting) -> str:
        # In this order a crash leaves a book that claims too little, never one that claims too much.
        book.leave_open(f"{ident} was taken back: run the close again.")
        return write(approved)

    return effect
