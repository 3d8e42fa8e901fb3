"""Records what got no further than a door: strangers' commands, forms not opened, calls that were refused."""

from escalation.audit import EventName
from escalation.commitment import written
from escalation.ids import AgentName, RequestId
from escalation.reason import Reason, Refused
from escalation.service.context import Click, Core
from escalation.service.steps.clerk import by_agent, by_person
from escalation.service.steps.click import Clicker, take_in
from escalation.service.steps.judge import authority
from escalation.service.tallies import LISTED, RefusedKind

#: How much is kept of the place that an agent's call went wrong at: the agent chose its names.
_LONGEST_PATH = 200


async def stranger(core: Core, click: Click, typed: str) -> None:
    """Record that an account which belongs to no person tried *click*, and *typed* these words."""
    async with core.store.write() as tx:
        await take_in(core, tx, click, click.what, typed=typed)


async def from_form(core: Core, click: Click, request_id: RequestId, *, to_reject: bool) -> Refused | None:
    """
    Return why the person who clicked cannot decide now, and record it; None if they may fill in a form.

    That is a courtesy: what they submit is judged anew.
    """
    person = core.configuration().directory.whose(click.account)
    async with core.store.read() as tx:
        request, now = await tx.requests.get(request_id), tx.now
    if person is None:
        refused: Refused | None = Refused(Reason.UNKNOWN_PERSON)
    elif request is None:
        refused = Refused(Reason.UNKNOWN_REQUEST)
    elif request.state.is_settled:
        refused = Refused(Reason.ALREADY_SETTLED)
    elif now >= request.deadline:
        refused = Refused(Reason.PAST_DEADLINE)
    else:
        why = authority(core.configuration(), request).objection(person.id, to_reject=to_reject)
        refused = None if why is None else Refused(why)
    if refused is None:
        return None
    async with core.store.write() as tx:
        clicker = await take_in(core, tx, click, request_id)
        if isinstance(clicker, Clicker):
            agent = None if request is None else request.agent
            clerk = by_person(core, tx, clicker.person.id)
            await clerk.refuse(refused, request_id, agent=agent, what=click.what)
    return refused


async def unreadable(core: Core, agent: AgentName, *, what: str, reason: str, path: str | None) -> None:
    """Record that *agent* called *what*, a route such as ``POST /v1/requests``, and why it was not read."""
    kind = RefusedKind(agent=agent, what=what, reason=reason)
    if core.refused_calls.is_listed(kind):
        async with core.store.write() as tx:
            await by_agent(core, tx, agent).record(
                EventName.INGRESS_REFUSED,
                agent,
                agent=agent,
                what=what,
                reason=reason,
                path=written(None if path is None else path[:_LONGEST_PATH]),
            )
    core.refused_calls.add(kind)


async def summarise(core: Core) -> int:
    """Record how many calls of each kind were refused, where they were too many to list; return the kinds."""
    taken = core.refused_calls.taken()
    often = {kind: calls for kind, calls in taken.items() if calls > LISTED}
    if not often:
        return 0
    try:
        async with core.store.write() as tx:
            for kind, calls in often.items():
                clerk = by_agent(core, tx, kind.agent)
                await clerk.record(
                    EventName.INGRESS_REFUSED_OFTEN,
                    kind.agent,
                    agent=kind.agent,
                    what=kind.what,
                    reason=kind.reason,
                    calls=calls,
                )
    except BaseException:
        for kind, calls in taken.items():
            core.refused_calls.add(kind, calls)
        raise
    return len(often)
