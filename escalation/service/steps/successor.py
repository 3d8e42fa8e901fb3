"""A request gives way to a successor: the part that editing and asking again have in common."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from escalation.authority import Authority
from escalation.configuration import Agent
from escalation.ids import RequestId
from escalation.reason import Reason, Refused
from escalation.request import AskAgain, Request, State, Supersede, apply
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.draft import Wish, draft
from escalation.service.steps.fence import frozen
from escalation.service.steps.judge import authority, stop_over
from escalation.service.steps.settle import lock

GiveWay: TypeAlias = Supersede | AskAgain


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """A request, held locked, that the person behind the click may let give way."""

    request: Request
    command: GiveWay  #: Names itself as successor until there is one.
    agent: Agent | None  #: None if it is not configured any more.
    stopped: Refused | None  #: What keeps a successor from being asked: a stop, or a freeze.


@dataclass(frozen=True, slots=True, kw_only=True)
class Succession:
    """Both requests as they are to be saved."""

    before: Request
    successor: Request


async def hold_predecessor(
    clerk: Clerk, seen: Request, command: Callable[[RequestId, Authority], GiveWay]
) -> Predecessor | Refused:
    """Lock the request that was *seen*, and make sure that *command* may be given about it."""
    core, tx = clerk.core, clerk.tx
    agent = core.configuration().agents.get(seen.agent)
    # Switches before requests, as everywhere: nobody waits in a circle.
    stopped = None if agent is None else await stop_over(tx, agent, seen.subject)
    stopped = await frozen(tx) or stopped
    request = await lock(core, tx, seen.id)
    if request is None:
        return Refused(Reason.UNKNOWN_REQUEST)
    trial = command(request.id, authority(core.configuration(), request))
    # A person who may not decide is told so, and nothing about arguments, rules and stops.
    if isinstance(refused := apply(request, trial, now=tx.now), Refused):
        return refused
    return Predecessor(request=request, command=trial, agent=agent, stopped=stopped)


def succeed(clerk: Clerk, held: Predecessor, wish: Wish) -> Succession | Refused:
    """Return *wish* as the successor of *held*, unless today's rules deny it."""
    successor = draft(clerk.core, clerk.tx, wish)
    if successor.state is State.REJECTED:
        return Refused(Reason.DENIED_BY_RULE, successor.reason or "")
    outcome = apply(held.request, replace(held.command, successor=successor.id), now=clerk.tx.now)
    if isinstance(outcome, Refused):
        return outcome
    return Succession(before=outcome.request, successor=successor)
