"""
A call of an agent that was refused: the first of a kind are events, the others are counted.

    refuse_call ─▶ in the transaction: an event, or nothing any more
    counted     ─▶ after the commit: one more of its kind, for the summary of the minute
"""

from typing import TypeVar

from escalation.ids import AgentName
from escalation.reason import Refused
from escalation.service.context import Core
from escalation.service.steps.clerk import Clerk
from escalation.service.tallies import RefusedKind

T = TypeVar("T")


async def refuse_call(
    clerk: Clerk, refused: Refused, subject: str, *, agent: AgentName, what: str
) -> Refused:
    """Add the refusal of *agent*'s call to the record, unless its kind was listed often enough; return it."""
    if clerk.core.refused_calls.is_listed(_kind(agent, what, refused)):
        await clerk.refuse(refused, subject, agent=agent, what=what)
    return refused


def counted(core: Core, agent: AgentName, what: str, outcome: T) -> T:
    """Count *outcome* if it is a refusal, once it is committed: a transaction may run twice. Return it."""
    if isinstance(outcome, Refused):
        core.refused_calls.add(_kind(agent, what, outcome))
    return outcome


def _kind(agent: AgentName, what: str, refused: Refused) -> RefusedKind:
    return RefusedKind(agent=agent, what=what, reason=refused.reason.value)
