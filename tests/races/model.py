"""
What one request, its grant and its switch may answer, in as few words as possible: the law of a race.

    request   (none) ──▶ pending ──▶ approved | rejected | superseded | cancelled | unanswered | killed
    grant     (none) ──▶ granted ──▶ claimed by one attempt | revoked
    switch    running ◀──▶ stopped

It shares no code with the program. Time is a claim about each step: whether it may have happened before
the deadline, and whether after. What the engine does is seen by nobody, so it may have happened or not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

PENDING, UNANSWERED, KILLED, APPROVED = "pending", "unanswered", "killed", "approved"
GRANTED, REVOKED = "granted", "revoked"
#: What a step makes of a pending request, if it counts.
_MAKES = {"approve": APPROVED, "reject": "rejected", "edit": "superseded", "cancel": "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How things stand between two steps."""

    request: str = PENDING  #: Empty before there is one.
    subject: str = ""  #: What was asked under the key.
    grant: str = ""  #: Empty, granted, revoked, or the attempt that claimed it.
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Doing:
    """What somebody does."""

    name: str  #: approve, reject, edit, cancel, see, wait, propose, claim, stop, resume.
    by: str = ""  #: Who; of a claim the attempt, of a proposal what is asked.


def steps(
    state: State, doing: Doing, told: str, *, may_be_before: bool, may_be_after: bool
) -> Iterator[State]:
    """Yield every state that *doing* may lead to from *state* if its client was *told* so.

    *may_be_before*, *may_be_after*: whether it may have happened before the deadline, and after.
    """
    for now in {state, *_unseen(state, may_be_after=may_be_after)}:
        match doing.name:
            case "see":
                found = [now] if told == now.request else []
            case "wait":
                found = [now] if told == now.request != PENDING else []
            case "propose":
                found = _propose(now, doing.by, told)
            case "claim":
                found = _claim(now, doing.by, told)
            case "stop":
                found = _stop(now, told)
            case "resume":
                found = _resume(now, told)
            case _:
                found = _settle(now, _MAKES[doing.name], told, may_be_before=may_be_before)
        yield from found


def _unseen(state: State, *, may_be_after: bool) -> Iterator[State]:
    """Yield what the engine may have made of it: the deadline, or one batch or more of a sweep."""
    ends = [
        *([UNANSWERED] if may_be_after and state.request == PENDING else []),
        *([KILLED] if state.stopped and state.request == PENDING else []),
    ]
    for request in (state.request, *ends):
        for grant in {state.grant, REVOKED if state.stopped and state.grant == GRANTED else state.grant}:
            yield replace(state, request=request, grant=grant)


def _settle(now: State, makes: str, told: str, *, may_be_before: bool) -> list[State]:
    if told != f"counts: {makes}":
        # Who does not count is told how it ended.
        return [now] if told == now.request != PENDING else []
    if now.request != PENDING or now.stopped or not may_be_before:
        return []
    return [replace(now, request=makes, grant=GRANTED if makes == APPROVED else now.grant)]


def _propose(now: State, subject: str, told: str) -> list[State]:
    if told == "new":
        fresh = not now.request and not now.stopped
        return [replace(now, request=PENDING, subject=subject)] if fresh else []
    known = bool(now.request)
    if told == "known":
        return [now] if known and now.subject == subject else []
    return [now] if told == "key_reused" and known and now.subject != subject else []


def _claim(now: State, attempt: str, told: str) -> list[State]:
    if told == "claimed":
        free = now.grant in {GRANTED, attempt} and not now.stopped
        return [replace(now, grant=attempt)] if free else []
    why = {
        "stopped": now.stopped,
        "grant_revoked": now.grant == REVOKED,
        "grant_claimed": now.grant not in {"", GRANTED, REVOKED, attempt},
    }
    return [now] if why.get(told) else []


def _stop(now: State, told: str) -> list[State]:
    if told == "stopped":
        return [] if now.stopped else [replace(now, stopped=True)]
    return [now] if told == "already_stopped" and now.stopped else []


def _resume(now: State, told: str) -> list[State]:
    if told == "resumed" and now.stopped:
        # Whatever waited under the stop has been ended by then.
        if now.request == PENDING or now.grant == GRANTED:
            return []
        return [replace(now, stopped=False)]
    refused = {"still_ending": now.stopped, "not_stopped": not now.stopped}
    return [now] if refused.get(told) else []
