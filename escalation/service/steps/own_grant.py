"""
What an agent says about a grant of its own: locked, not somebody else's, applied.

    lock ──not this agent's──▶ refused as unknown
      ╲──unclaimed, by an older copy, and reported──▶ unknown first: the report is kept, a person resolves it
      ╲──apply──refused──────▶ refused, and on the record
           ╲────nothing new──▶ as it stands
            ╲───changed──────▶ what *then* makes of it
"""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from escalation import grant as grants
from escalation.grant import Beat, Grant, GrantState, Tell
from escalation.ids import GrantId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.service.context import Core
from escalation.service.steps.clerk import Clerk, by_agent, by_us
from escalation.service.steps.grants import doubt_grant
from escalation.service.steps.refused_call import counted, refuse_call
from escalation.service.steps.restored import is_older_copy

#: Saves and tells that a grant changed: given as it was, and as it is to be.
Then: TypeAlias = Callable[[Clerk, Grant, Grant], Awaitable[Grant | Refused]]


async def change_own_grant(
    core: Core, grant_id: GrantId, command: Beat | Tell, then: Then, *, what: str
) -> Grant | Refused:
    """Apply an agent's *command* to its grant; *what* it is called on the record where it is refused."""

    async def in_transaction(tx: Transaction) -> Grant | Refused:
        clerk = by_agent(core, tx, command.agent)
        grant = await tx.grants.lock(grant_id)
        # Another agent's grant does not exist for this one.
        if grant is None or grant.agent != command.agent:
            refused = Refused(Reason.UNKNOWN_GRANT)
            return await refuse_call(clerk, refused, grant_id, agent=command.agent, what=what)
        grant = await _as_known(clerk, grant, command)
        outcome = grants.apply(grant, command, now=tx.now)
        if isinstance(outcome, Refused):
            return await refuse_call(clerk, outcome, grant_id, agent=command.agent, what=what)
        if outcome.grant.version == grant.version:
            return outcome.grant
        return await then(clerk, grant, outcome.grant)

    outcome = await core.store.transact(in_transaction, touches=(grant_id,))
    return counted(core, command.agent, what, outcome)


async def _as_known(clerk: Clerk, grant: Grant, command: Beat | Tell) -> Grant:
    """Return *grant*, as unknown if an older copy holds it as unclaimed and its agent reports on it."""
    if not isinstance(command, Tell) or grant.state is not GrantState.GRANTED:
        return grant
    if not await is_older_copy(clerk.tx):
        return grant
    doubted = await doubt_grant(by_us(clerk.core, clerk.tx, "clock"), grant)
    return grant if isinstance(doubted, Refused) else doubted
