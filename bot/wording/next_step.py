"""What an agent should do next: one sentence for each way a request can stand."""

from typing import assert_never

from escalation.grant import Grant, GrantState
from escalation.request import Request, State


def what_to_do_next(request: Request, grant: Grant | None) -> str:
    """Return the sentence."""
    match request.state:
        case State.PENDING:
            return "Wait: people were asked. Poll with ?wait=30; do not act meanwhile."
        case State.APPROVED | State.APPROVED_WITH_EDITS:
            return _with_grant(grant)
        case State.ANSWERED:
            return "Go on with the answer."
        case State.REJECTED:
            return "Do not act. Read the reason; propose again only if you can meet it."
        case State.TIMED_OUT:
            return _again(request, "Do not act. Nobody decided in time and the owner was told.")
        case State.UNDELIVERABLE:
            return _again(request, "Do not act. Nobody could be asked and the owner was told.")
        case State.CANCELLED:
            return "Do not act. You took it back."
        case State.SUPERSEDED:
            return f"Follow {request.follow}: a person edited the arguments."
        case State.KILLED:
            return "Do not act and do not ask again until you are resumed; send heartbeats to learn when."
        case _:
            assert_never(request.state)


def _again(request: Request, words: str) -> str:
    if request.follow is None:
        return f"{words} You may ask again with a new idempotency key."
    return f"{words} A person asked again since: follow {request.follow}."


def _with_grant(grant: Grant | None) -> str:
    match None if grant is None else grant.state:
        case GrantState.GRANTED:
            return "Claim the grant with the digest, run exactly these arguments once, then report."
        case GrantState.CLAIMED:
            return "Finish the attempt that claimed it and report. Do not run it again."
        case GrantState.SUCCEEDED:
            return "It was done. Do not run it again."
        case GrantState.FAILED:
            return "It failed. Propose again with a new idempotency key if it should be tried again."
        case GrantState.UNKNOWN:
            return "Do not run it again. A person finds out what happened."
        case GrantState.EXPIRED | GrantState.REVOKED | None:
            return "Do not act: the grant is no longer valid. Ask again with a new idempotency key."
