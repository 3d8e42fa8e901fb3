"""A person decides: approves, rejects, or answers."""

from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, assert_never

from escalation.ids import RequestId
from escalation.reason import Refused
from escalation.request import Decision, Question, Request, Verdict
from escalation.service.context import Click, Core, Counted, wake
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.click import Clicker, use_click
from escalation.service.steps.decision import apply_decision, decision_of
from escalation.service.steps.settle import lock


@dataclass(frozen=True, slots=True)
class Approve:
    """Yes, exactly this."""


@dataclass(frozen=True, slots=True)
class Reject:
    """No, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Pick:
    """One of the question's options."""

    index: int  #: Counted from 0.


@dataclass(frozen=True, slots=True)
class Write:
    """An answer in a person's own words."""

    text: str


Choice: TypeAlias = Approve | Reject | Pick | Write


async def decide(core: Core, click: Click, request_id: RequestId, choice: Choice) -> Counted | Refused:
    """Let the person behind *click* make *choice* about a request."""
    outcome = await use_click(core, click, request_id, find=lock, use=partial(_decide, choice))
    core.kill("decide:before-ack")
    await wake(core, request_id)
    return outcome


async def _decide(choice: Choice, clerk: Clerk, clicker: Clicker, request: Request) -> Counted | Refused:
    outcome = await apply_decision(clerk, request, _decision(clerk, clicker, request, choice))
    clerk.core.kill("decide:before-commit")
    return outcome


def _decision(clerk: Clerk, clicker: Clicker, request: Request, choice: Choice) -> Decision:
    match choice:
        case Approve():
            verdict, text = Verdict.APPROVE, None
        case Reject(reason=reason):
            verdict, text = Verdict.REJECT, reason.strip()
        case Pick(index=index):
            verdict, text = Verdict.ANSWER, _option(request, index)
        case Write(text=words):
            verdict, text = Verdict.ANSWER, words.strip()
        case _:
            assert_never(choice)
    return decision_of(clerk, clicker, request, verdict=verdict, text=text)


def _option(request: Request, index: int) -> str | None:
    options = request.subject.options if isinstance(request.subject, Question) else ()
    return options[index] if 0 <= index < len(options) else None
