"""Reads what people and agents want to know; changes nothing."""

from collections.abc import Sequence
from datetime import timedelta

from escalation.audit import Event
from escalation.authority import Authority
from escalation.configuration import Configuration
from escalation.ids import AgentName, PersonId, RequestId
from escalation.ports import Dossier, Page
from escalation.request import Request, State
from escalation.service.context import Core, seconds_until
from escalation.service.steps.dossier import dossier_of, grant_of
from escalation.service.steps.judge import authority
from escalation.service.steps.set_aside import readable
from escalation.switch import Switch, covering

#: How many pending requests are looked through for those that one person may decide.
_SCANNED = 500
#: How often a waiter reads again although nobody woke it: the net under a lost wake-up.
_REREAD_SECONDS = 5.0


async def dossier(core: Core, request_id: RequestId) -> Dossier | None:
    """Return the request and what belongs to it."""
    async with core.store.read() as tx:
        request = await tx.requests.get(request_id)
        return None if request is None else await dossier_of(tx, request)


async def own(core: Core, agent: AgentName, request_id: RequestId, *, wait: float = 0) -> Dossier | None:
    """Return the agent's own request; while it is pending, wait up to *wait* seconds for its outcome."""
    async with core.wakeups.listen(request_id) as waiter:
        until = None
        while True:
            async with core.store.read() as tx:
                request, now = await tx.requests.get(request_id), tx.now
                if request is None or request.agent != agent:
                    return None
                # An agent reads of the grant, and never of cards and rungs.
                found = Dossier(request=request, grant=await grant_of(tx, request))
            until = until or now + timedelta(seconds=wait)
            left = seconds_until(until, now)
            if request.state.is_settled or left <= 0 or core.is_closing:
                return found
            await waiter.wait(min(left, _REREAD_SECONDS))


async def listed(core: Core, agent: AgentName, *, states: Sequence[State], page: Page) -> Sequence[Dossier]:
    """Return a page of the agent's own requests, newest first."""
    async with core.store.read() as tx:
        found = await tx.requests.page(page, agent=agent, states=states)
        return [Dossier(request=request, grant=await readable(tx.grants.of(request.id))) for request in found]


async def queue(core: Core, person: PersonId | None = None, *, limit: int = 50) -> Sequence[Dossier]:
    """Return what is pending, soonest deadline first; with *person*, only what they may decide."""
    configuration = core.configuration()
    async with core.store.read() as tx:
        mine = [
            request
            for request in await tx.requests.most_urgent(_SCANNED)
            if person is None or authority(configuration, request).objection(person, to_reject=True) is None
        ][:limit]
        return [Dossier(request=request, card=await tx.cards.get(request.id)) for request in mine]


async def decided_by(core: Core, person: PersonId, *, limit: int) -> Sequence[Request]:
    """Return what *person* decided, newest first."""
    async with core.store.read() as tx:
        return await tx.requests.decided_by(person, limit)


def who_decides(configuration: Configuration, request: Request) -> Authority:
    """Return who may decide *request* now."""
    return authority(configuration, request)


async def stopped(core: Core) -> Sequence[Switch]:
    """Return the switches that are stopped."""
    async with core.store.read() as tx:
        return await tx.switches.stopped()


async def stop_of(core: Core, agent: AgentName) -> Switch | None:
    """Return the first stop that holds *agent*, whatever it does; nothing if it may go on."""
    known = core.configuration().agents.get(agent)
    function = "" if known is None else known.function
    scopes = covering(agent=agent, function=function, action_type=None)
    return next((switch for switch in await stopped(core) if switch.scope in scopes), None)


async def events(core: Core, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Event]:
    """Return the newest events of the record, the oldest of them first."""
    async with core.store.read() as tx:
        return await tx.record.page(agent=agent, subject=subject, limit=limit)
