"""
The port to the people who decide: proposals and questions go out, verdicts and answers come back as values.

Whatever goes wrong on the way is a value too, so that one lost request never takes the others with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from reconcile.postings.posting import Posting
from reconcile.requests.proposal import Proposal
from reconcile.requests.question import Question


@dataclass(frozen=True, slots=True)
class Done:
    """The posting is in the book; its identity there."""

    ident: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A person chose an option."""

    answer: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A person said no, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Nobody said yes or no, or it could not be done: nothing may be assumed."""

    state: str  #: ``timed out``, ``unknown``, ``failed``, …
    reason: str


Verdict: TypeAlias = Done | Refused | Unsettled
Reply: TypeAlias = Answered | Unsettled
Effect: TypeAlias = Callable[[Posting], str]


class Approvers(Protocol):
    """Puts proposals and questions to people and waits for what they say."""

    async def post(self, proposal: Proposal, effect: Effect) -> Verdict:
        """Run *effect* with the approved posting, once and only when it is allowed."""
        ...

    async def ask(self, question: Question) -> Reply:
        """Return what a person answered."""
        ...
