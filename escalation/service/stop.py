"""Somebody pulls the cord; a different operator lets go of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from escalation import notice
from escalation import request as requests
from escalation import switch as switches
from escalation.audit import EventName
from escalation.authority import Person
from escalation.ids import PersonId
from escalation.ports import Transaction
from escalation.reason import Reason, Refused
from escalation.request import Kill
from escalation.service.context import Click, Core, wake
from escalation.service.steps.clerk import Clerk, by_person
from escalation.service.steps.click import take_in
from escalation.service.steps.grants import revoke_grant
from escalation.service.steps.set_aside import readable
from escalation.service.steps.settle import settle_if_late, settled
from escalation.switch import Scope, Stop, Switch

#: How many of the requests that a stop ended its line in the record names.
_NAMED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The switch was moved."""

    switch: Switch
    killed: tuple[str, ...] = ()  #: The pending requests that a stop ended.
    late: tuple[str, ...] = ()  #: Those whose deadline was past: they timed out.
    revoked: int = 0  #: How many unclaimed grants it took back.
    repeated: bool = False  #: This very click was taken before; nothing moved now.


async def stop(core: Core, click: Click, scope: Scope, reason: str) -> Moved | Refused:
    """Stop *scope*: nothing in it starts any more, whatever was approved. Anybody we know may."""
    async with core.store.write() as tx:
        outcome = await _move(core, tx, click, scope, partial(_pull, reason))
        core.kill("stop:before-commit")
    ended = (*outcome.killed, *outcome.late) if isinstance(outcome, Moved) else ()
    await wake(core, *ended)
    return outcome


async def _pull(reason: str, clerk: Clerk, person: Person, switch: Switch) -> Moved | Refused:
    scope, tx = switch.scope, clerk.tx
    outcome = switches.pull(switch, Stop(by=person.id, at=tx.now, reason=reason))
    if isinstance(outcome, Refused):
        return outcome
    await tx.switches.save(outcome.switch)
    ended = await _kill_pending(clerk, scope, f"stopped by {person.name}: {reason}")
    revoked = await _revoke_unclaimed(clerk, scope)
    # Each of them has a line of its own as well; however many an agent asked, this one has to fit.
    named, unnamed = list(ended.killed[:_NAMED]), len(ended.killed[_NAMED:])
    await clerk.record(
        EventName.SWITCH_STOPPED,
        str(scope),
        reason=reason,
        killed=named,
        more=unnamed or None,
        revoked=revoked,
    )
    told = notice.Stopped(
        scope=str(scope), by=person.id, reason=reason, killed=len(ended.killed), revoked=revoked
    )
    await clerk.alert(told)
    return Moved(switch=outcome.switch, killed=ended.killed, late=ended.late, revoked=revoked)


async def resume(core: Core, click: Click, scope: Scope) -> Moved | Refused:
    """Let *scope* run again. What was killed stays killed."""
    async with core.store.write() as tx:
        outcome = await _move(core, tx, click, scope, _release)
    await wake(core)
    return outcome


async def _release(clerk: Clerk, person: Person, switch: Switch) -> Moved | Refused:
    scope = str(switch.scope)
    outcome = switches.release(switch, by=person.id, operators=_operators(clerk.core))
    if isinstance(outcome, Refused):
        return outcome
    await clerk.tx.switches.save(outcome.switch)
    stopped_by = "" if switch.stop is None else switch.stop.by
    await clerk.record(EventName.SWITCH_RESUMED, scope, stopped_by=stopped_by)
    await clerk.alert(notice.Resumed(scope=scope, by=person.id, stopped_by=stopped_by))
    return Moved(switch=outcome.switch)


async def _move(
    core: Core,
    tx: Transaction,
    click: Click,
    scope: Scope,
    move: Callable[[Clerk, Person, Switch], Awaitable[Moved | Refused]],
) -> Moved | Refused:
    clicker = await take_in(core, tx, click, str(scope))
    if isinstance(clicker, Refused):
        return clicker
    switch = await _lock(core, tx, scope)
    unknown = Refused(Reason.UNKNOWN_SCOPE, str(scope))
    if clicker is None:
        return unknown if switch is None else Moved(switch=switch, repeated=True)
    clerk = by_person(core, tx, clicker.person.id)
    outcome = unknown if switch is None else await move(clerk, clicker.person, switch)
    if isinstance(outcome, Refused):
        return await clerk.refuse(outcome, str(scope), what=click.what)
    return outcome


def _operators(core: Core) -> frozenset[PersonId]:
    configuration = core.configuration()
    return configuration.directory.members(configuration.operators)


async def _lock(core: Core, tx: Transaction, scope: Scope) -> Switch | None:
    # A scope that the configuration does not know has no row, unless it was stopped before the
    # configuration changed: then it can still be resumed.
    found = await tx.switches.lock(scope)
    if found is None and scope in core.configuration().scopes():
        await tx.switches.ensure([scope])
        found = await tx.switches.lock(scope)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    killed: tuple[str, ...]
    late: tuple[str, ...]  #: Those that had timed out before the stop came.


async def _kill_pending(clerk: Clerk, scope: Scope, why: str) -> _Ended:
    killed, late = [], []
    for found in await clerk.tx.requests.lock_pending(scope):
        request = await settle_if_late(clerk.core, clerk.tx, found)
        outcome = requests.apply(request, Kill(why), now=clerk.tx.now)
        if isinstance(outcome, Refused):
            late.append(str(request.id))
            continue
        await settled(clerk, outcome.request)
        killed.append(str(request.id))
    return _Ended(killed=tuple(killed), late=tuple(late))


async def _revoke_unclaimed(clerk: Clerk, scope: Scope) -> int:
    revoked = 0
    for grant in await clerk.tx.grants.lock_unclaimed(scope):
        if await revoke_grant(clerk, grant, reason="stopped") is not None:
            continue
        if (request := await readable(clerk.tx.requests.get(grant.request))) is not None:
            await clerk.card(request)
        revoked += 1
    return revoked
