"""
What must hold between asking and acting, checked here whatever the bot says.

A request never changes: its digest is the digest of its action, and only an edit (which supersedes it) leads
to another action. Whatever contradicts that raises `Mismatch`, and nothing runs.
"""

from datetime import datetime, timedelta

from andon import canonical
from andon.errors import (
    AnswerTooOld,
    Cancelled,
    Killed,
    Mismatch,
    NotAllowed,
    Rejected,
    TimedOut,
    Undeliverable,
)
from andon.models import Action, Claim, Grant, GrantState, Kind, Request, State

_REFUSALS: dict[State, type[NotAllowed]] = {
    State.REJECTED: Rejected,
    State.TIMED_OUT: TimedOut,
    State.UNDELIVERABLE: Undeliverable,
    State.CANCELLED: Cancelled,
    State.KILLED: Killed,
}


def digest_of(action: Action) -> str:
    """Return the digest of *action* as computed here, never as the bot states it."""
    return canonical.digest(action.type, action.arguments)


def genuine(request: Request) -> Request:
    """Return *request* if its digests are those of its action; questions have no action to compare."""
    if request.kind is Kind.QUESTION:
        return request
    if request.action is None:
        raise Mismatch(f"{request.id} is a proposal without an action")
    computed = digest_of(request.action)
    if request.digest != computed:
        raise Mismatch(f"the digest of {request.id} is not that of its action")
    if request.grant is not None and request.grant.digest != computed:
        raise Mismatch(f"the grant of {request.id} is for another action")
    return request


def unchanged(before: Request, now: Request) -> Request:
    """Return *now* if it is the same request as *before*, perhaps settled meanwhile."""
    if (now.id, now.kind, now.digest) != (before.id, before.kind, before.digest):
        raise Mismatch(f"{before.id} became something else while it was looked at")
    return genuine(now)


def successor(before: Request, after: Request) -> Request:
    """Return *after* if it may take the place of *before*: only an edit leads to another action."""
    if after.id != before.follow or after.kind is not before.kind:
        raise Mismatch(f"{before.id} is followed by something else than it says")
    edited = before.state is State.SUPERSEDED
    if after.kind is Kind.PROPOSAL and not edited and after.digest != before.digest:
        raise Mismatch(f"{after.id} asks for another action than {before.id}, which nobody edited")
    return genuine(after)


def allowed(request: Request, *, action_type: str) -> tuple[Action, Grant]:
    """Return what a settled proposal allows; raise `NotAllowed` when people said no, `Mismatch` in doubt."""
    _raise_if_refused(request)
    genuine(request)
    if request.state not in {State.APPROVED, State.APPROVED_WITH_EDITS}:
        raise Mismatch(f"{request.id} is {request.state}, which is no answer to a proposal")
    if request.action is None or request.action.type != action_type:
        raise Mismatch(f"{request.id} is not about {action_type}")
    if request.grant is None:
        raise Mismatch(f"{request.id} is {request.state} but carries no grant")
    return request.action, request.grant


def answered(request: Request, *, options: tuple[str, ...], allow_text: bool) -> str:
    """Return the answer to a settled question; raise `NotAllowed` without one, `Mismatch` in doubt."""
    _raise_if_refused(request)
    if request.kind is not Kind.QUESTION or request.state is not State.ANSWERED or request.answer is None:
        raise Mismatch(f"{request.id} is {request.state}, which is no answer to a question")
    if request.answer not in options and not allow_text:
        raise Mismatch(f"the answer to {request.id} is none of its options")
    return request.answer


def fresh(request: Request, *, good_for: timedelta | None, now: datetime) -> Request:
    """Return a question that an earlier call asked; raise `AnswerTooOld` for an answer of another time.

    Unless *good_for* says otherwise an answer holds as long as people had to give it: its SLA.
    """
    limit = request.deadline - request.created_at if good_for is None else good_for
    if request.state is State.ANSWERED and (request.decided_at is None or now - request.decided_at > limit):
        raise AnswerTooOld(request, limit=limit)
    return request


def same_grant(now: Grant, *, before: Grant) -> Grant:
    """Return *now* if it is the same grant as *before*, for the same action."""
    if (now.id, now.digest) != (before.id, before.digest):
        raise Mismatch(f"{before.id} became something else while it was waited for")
    return now


def same_action(claim: Claim, *, grant: Grant, digest: str) -> None:
    """Raise `Mismatch` unless *claim* is of this *grant* and for the action with this *digest*."""
    if digest_of(claim.action) != digest or claim.grant.digest != digest:
        raise Mismatch(f"what was claimed is not what {grant.id} was granted for; nothing ran")
    if claim.grant.id != grant.id:
        raise Mismatch(f"{claim.grant.id} was claimed in place of {grant.id}; nothing ran")
    if claim.grant.state is not GrantState.CLAIMED:
        raise Mismatch(f"{grant.id} is {claim.grant.state}, not claimed; nothing ran")


def _raise_if_refused(request: Request) -> None:
    refusal = _REFUSALS.get(request.state)
    if refusal is not None:
        raise refusal(request)
