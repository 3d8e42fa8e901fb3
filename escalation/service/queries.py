"""Reads what people and agents want to know; changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from escalation.audit import Entry
from escalation.authority import Authority
from escalation.configuration import Configuration
from escalation.grant import Grant
from escalation.ids import AgentName, GrantId, PersonId, RequestId
from escalation.ports import Dossier, Page, Transaction
from escalation.request import Request, State
from escalation.service.context import Core
from escalation.service.steps.dossier import dossier_of, grant_of, with_cards
from escalation.service.steps.judge import authority
from escalation.service.steps.set_aside import readable
from escalation.service.steps.waiting import OPEN_END, Seen, wait_for
from escalation.switch import EVERYTHING, Stop, Switch, covering

#: Pending requests are looked through for those that one person may decide in pages of so many, and in so
#: many pages of each list of approvers: more than one is needed only where today's rules ask others.
_PAGE = 100
_PAGES = 20
#: How many lists of approvers are looked at.
_LISTS = 500
_FROZEN = "the database is an older copy, which an operator has to acknowledge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What one person may decide."""

    shown: Sequence[Dossier]  #: Soonest deadline first.
    more: bool  #: Whether there is more, or may be where looking for it was given up.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scan:
    found: Sequence[Request]
    gave_up: bool = False


async def dossier(core: Core, request_id: RequestId) -> Dossier | None:
    """Return the request and what belongs to it."""
    async with core.store.read() as tx:
        request = await tx.requests.get(request_id)
        return None if request is None else await dossier_of(tx, request)


async def own(core: Core, agent: AgentName, request_id: RequestId, *, wait: float = 0) -> Dossier | None:
    """Return the agent's own request; while it is pending, wait up to *wait* seconds for its outcome."""

    async def look(tx: Transaction) -> Seen[Dossier] | None:
        request = await tx.requests.get(request_id)
        if request is None or request.agent != agent:
            return None
        # An agent reads of the grant, and never of cards and rungs.
        found = Dossier(request=request, grant=await grant_of(tx, request))
        return Seen(found=found, worth_waiting_until=None if request.state.is_settled else OPEN_END)

    return await wait_for(core, request_id, look, wait=wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a grant stood at an instant of the store's clock."""

    grant: Grant
    now: datetime


async def own_grant(core: Core, agent: AgentName, grant_id: GrantId, *, wait: float = 0) -> Standing | None:
    """Return the agent's own grant; while its claim is held, wait up to *wait* seconds for the report."""

    async def look(tx: Transaction) -> Seen[Standing] | None:
        grant, now = await tx.grants.get(grant_id), tx.now
        if grant is None or grant.agent != agent:
            return None
        held_until = grant.lease_until if grant.is_held(now) else None
        return Seen(found=Standing(grant=grant, now=now), worth_waiting_until=held_until)

    return await wait_for(core, grant_id, look, wait=wait)


async def listed(core: Core, agent: AgentName, *, states: Sequence[State], page: Page) -> Sequence[Dossier]:
    """Return a page of the agent's own requests, newest first."""
    async with core.store.read() as tx:
        found = await tx.requests.page(page, agent=agent, states=states)
        grants = await tx.grants.among([request.id for request in found])
        return [Dossier(request=request, grant=grants.get(request.id)) for request in found]


async def queue(core: Core, person: PersonId, *, limit: int) -> Queue:
    """Return what *person* may decide now, soonest deadline first."""
    members = core.configuration().directory.members
    async with core.store.read() as tx:
        # Whoever may decide is in the list that was asked, whatever the rules became since.
        every = await tx.requests.pending_approvers(_LISTS)
        mine = [names for names in every if person in members(names)]
        scans = [await _scan(core, tx, person, names, enough=limit + 1) for names in mine]
        found = sorted(chain(*(scan.found for scan in scans)), key=lambda r: (r.deadline, r.id))
        more = len(found) > limit or len(every) == _LISTS or any(scan.gave_up for scan in scans)
        return Queue(shown=await with_cards(tx, found[:limit]), more=more)


async def _scan(
    core: Core, tx: Transaction, person: PersonId, approvers: tuple[str, ...], *, enough: int
) -> _Scan:
    """Look through what was asked of *approvers* for what *person* may decide by today's rules as well."""
    found: list[Request] = []
    last: Request | None = None
    # Nearly always whoever was asked may still decide: then no more is read than is shown.
    size = enough
    for _ in range(_PAGES):
        page = await tx.requests.most_urgent(approvers, not_of=person, after=last, limit=size)
        found += [request for request in page if _may_decide(core, person, request)]
        if len(found) >= enough or len(page) < size:
            return _Scan(found=found[:enough])
        last, size = page[-1], _PAGE
    return _Scan(found=found, gave_up=True)


def _may_decide(core: Core, person: PersonId, request: Request) -> bool:
    return authority(core.configuration(), request).objection(person, to_reject=True) is None


async def waiting(core: Core) -> Mapping[AgentName, int]:
    """Return how many requests wait of each agent that has any."""
    async with core.store.read() as tx:
        return await tx.requests.pending_by_agent()


async def decided_by(core: Core, person: PersonId, *, limit: int) -> Sequence[Dossier]:
    """Return what *person* decided, newest first, each with its card."""
    async with core.store.read() as tx:
        return await with_cards(tx, await tx.requests.decided_by(person, limit))


def who_decides(configuration: Configuration, request: Request) -> Authority:
    """Return who may decide *request* now."""
    return authority(configuration, request)


async def stopped(core: Core) -> Sequence[Switch]:
    """Return the switches that are stopped."""
    async with core.store.read() as tx:
        return await tx.switches.stopped()


async def stop_of(core: Core, agent: AgentName) -> Switch | None:
    """
    Return the first stop that holds *agent*, whatever it does; nothing if it may go on.

    While releases are frozen everything is held: no claim of its would go through.
    """
    known = core.configuration().agents.get(agent)
    function = "" if known is None else known.function
    scopes = covering(agent=agent, function=function, action_type=None)
    async with core.store.read() as tx:
        pulled, fence, now = await tx.switches.stopped(), await readable(tx.fence.read()), tx.now
    holding = next((switch for switch in pulled if switch.scope in scopes), None)
    if holding is None and fence is not None and fence.frozen is not None:
        return Switch(scope=EVERYTHING, stop=Stop(by=PersonId("nobody"), at=now, reason=_FROZEN))
    return holding


async def events(core: Core, *, agent: str | None, subject: str | None, limit: int) -> Sequence[Entry]:
    """Return the newest events of the record, the oldest of them first, each with its place in the chain."""
    async with core.store.read() as tx:
        return await tx.record.page(agent=agent, subject=subject, limit=limit)
