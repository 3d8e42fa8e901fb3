"""Whether what a person approved still fits its subject: people may change the amount, not the subject."""

from collections.abc import Callable

from reconcile.ledger.chart import Chart
from reconcile.postings.journal import Journal
from reconcile.postings.posting import Kind, Posting
from reconcile.requests.proposal import Proposal
from reconcile.shared.errors import PostingRefused
from reconcile.shared.money import PLACES, in_places, show

#: What an approver may change; the rest says which money it is, and another money is another proposal.
CHANGEABLE = frozenset({"account", "amount", "memo", "value_date"})


def fitting(approved: Posting, proposal: Proposal, *, postable: tuple[str, ...]) -> Posting:
    """Return *approved* if it can be booked for *proposal*; raise `PostingRefused` saying why not."""
    before, after = proposal.posting.arguments(), approved.arguments()
    changed = [name for name in before if before[name] != after[name] and name not in CHANGEABLE]
    if changed:
        raise PostingRefused(
            f"{', '.join(changed)} cannot be changed on approval; reject and explain instead"
        )
    whole = (approved.account, approved.amount) == (proposal.posting.account, proposal.limit)
    if approved.kind is Kind.REVERSAL and not whole:
        raise PostingRefused("a reversal takes back the whole posting, from its own account")
    if approved.account not in postable:
        raise PostingRefused(f"{approved.account} is not an account that may be posted to")
    limit = show(proposal.limit, approved.currency)
    if not approved.amount.is_finite() or not 0 < approved.amount <= proposal.limit:
        raise PostingRefused(f"{approved.amount:,f} does not fit: above zero and at most {limit}")
    if approved.amount != in_places(approved.amount, approved.currency):
        raise PostingRefused(f"{approved.amount:,f} has more than {PLACES[approved.currency]} decimal places")
    return approved


def writer(journal: Journal, proposal: Proposal, *, chart: Chart, asked: str) -> Callable[[Posting], str]:
    """Return the effect of ``ledger.post``: append the approved posting to *journal*, once."""

    def write(approved: Posting) -> str:
        return journal.append(fitting(approved, proposal, postable=chart.postable), asked=asked)

    return write
