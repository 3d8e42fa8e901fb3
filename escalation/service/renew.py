"""An agent that runs an effect says that it is alive, so that its other processes wait for it."""

from escalation.grant import Beat, Grant
from escalation.ids import GrantId
from escalation.reason import Refused
from escalation.service.context import Core
from escalation.service.steps.clerk import Clerk
from escalation.service.steps.own_grant import change_own_grant


async def renew(core: Core, grant_id: GrantId, command: Beat) -> Grant | Refused:
    """Renew the lease of a claim; what comes too soon to matter writes nothing."""
    return await change_own_grant(core, grant_id, command, _save, what="heartbeat")


async def _save(clerk: Clerk, _: Grant, renewed: Grant) -> Grant:
    await clerk.save(renewed)  # nobody is told, and no event added: it happens all the time
    return renewed
