"""Puts on the record what got no further than a door: a stranger's command, a call nobody could read."""

from escalation.audit import EventName
from escalation.ids import AgentName
from escalation.service.core import Click, Core, by_agent, take_in

#: How much is kept of the place that an agent's call went wrong at: the agent chose its names.
_LONGEST_PATH = 200


async def stranger(core: Core, click: Click, subject: str) -> None:
    """Record that whoever is behind *click*, and belongs to nobody, tried it on *subject*."""
    async with core.store.write() as tx:
        await take_in(core, tx, click, subject)


async def unreadable(core: Core, agent: AgentName, *, what: str, reason: str, path: str | None) -> None:
    """Record that *agent* sent *what* (such as ``POST /v1/requests``), and why it could not be read."""
    async with core.store.write() as tx:
        await by_agent(core, tx, agent).note(
            EventName.INGRESS_REFUSED,
            agent,
            agent=agent,
            what=what,
            reason=reason,
            path=None if path is None else path[:_LONGEST_PATH],
        )
