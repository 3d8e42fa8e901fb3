"""
What may be removed once it was kept for its term, and what has to stay.

    settled, its grant ended ──the term──▶ nothing of it is still to come ──▶ removed, on the record

The record of events is never removed; after a term of its own, what people and agents wrote in it is erased.
"""

from collections.abc import Collection
from datetime import datetime
from enum import Enum

from escalation.action import Action
from escalation.grant import Grant, GrantState
from escalation.ids import RequestId
from escalation.request import Request

#: Grants that can still be claimed, reported or resolved.
_UNDER_WAY = {GrantState.GRANTED, GrantState.CLAIMED, GrantState.UNKNOWN}


class Kept(Enum):
    """What is kept for a term."""

    REQUESTS = (
        "requests"  #: Settled, with their decisions and the clicks under them, grants, cards and rungs.
    )
    CLICKS = "clicks"  #: That no decision stands on.
    MESSAGES = "messages"  #: That were sent.
    WORDS = "words"  #: Beside the events of the record.
    CONFIGURATIONS = "configurations"  #: The files; which version was in force, and when, is kept for good.


def may_go(
    request: Request,
    grant: Grant | None,
    *,
    before: datetime,
    unsaid: Collection[RequestId],
    stored: Collection[RequestId],
) -> bool:
    """
    Return whether *request*, with its *grant*, had ended *before* that instant and leaves nothing open.

    *unsaid* are the requests that something still to be said is about, *stored* those among the requests
    that others go on in which are still there: what goes on in another request goes after that one.
    """
    if request.settled_at is None or request.settled_at >= before:
        return False
    if request.id in unsaid or request.follow in stored:
        return False
    if isinstance(request.subject, Action) and request.state.gives_authority:
        # A grant that should be there and cannot be read is none that has ended.
        return grant is not None and _ended_before(grant, before)
    return True


def _ended_before(grant: Grant, before: datetime) -> bool:
    return grant.state not in _UNDER_WAY and grant.ended_at is not None and grant.ended_at < before
