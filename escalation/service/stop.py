"""
Somebody pulls the cord; a different operator lets go of it.

A stop is one small commit, however much waits: the switch, and the mark from which the engine ends
what was pending and takes back what was not claimed (``sweep.py``). From that commit on nothing
starts, and whoever touches what waits finds it ended (``steps/settle.py``).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from escalation import notice
from escalation import switch as switches
from escalation.audit import EventName
from escalation.authority import Person
from escalation.commitment import written
from escalation.ids import PersonId
from escalation.ports import Sweep, Topic, Transaction, UseCase
from escalation.reason import Reason, Refused
from escalation.service.context import Click, Core, wake
from escalation.service.steps.clerk import Clerk, by_person
from escalation.service.steps.click import take_in
from escalation.service.steps.fence import by_the_one_in_force
from escalation.switch import Scope, Stop, Switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The switch was moved."""

    switch: Switch
    repeated: bool = False  #: This very click was taken before; nothing moved now.


async def stop(core: Core, click: Click, scope: Scope, reason: str) -> Moved | Refused:
    """Stop *scope*: nothing in it starts any more, whatever was approved. Anybody we know may."""
    async with core.store.write() as tx:
        outcome = await _move(core, tx, click, scope, partial(_pull, reason))
        core.kill("stop:before-commit")
    core.kill("stop:before-reply")
    await wake(core, Topic.STOPS)
    return outcome


async def _pull(reason: str, clerk: Clerk, person: Person, switch: Switch) -> Moved | Refused:
    scope, tx = str(switch.scope), clerk.tx
    outcome = switches.pull(switch, Stop(by=person.id, at=tx.now, reason=reason))
    if isinstance(outcome, Refused):
        return outcome
    await tx.switches.save(outcome.switch)
    await tx.sweeps.add(Sweep(scope=switch.scope, version=outcome.switch.version))
    await clerk.record(EventName.SWITCH_STOPPED, scope, reason=written(reason))
    await clerk.alert(notice.Stopped(scope=scope, by=person.id, reason=reason))
    return Moved(switch=outcome.switch)


async def resume(core: Core, click: Click, scope: Scope) -> Moved | Refused:
    """Let *scope* run again. What was killed stays killed."""

    def begin(core: Core) -> UseCase[Moved | Refused]:
        async def in_transaction(tx: Transaction) -> Moved | Refused:
            outcome = await _move(core, tx, click, scope, _release)
            core.kill("resume:before-commit")
            return outcome

        return in_transaction

    # Whoever stopped being an operator a moment ago must not let go of it here.
    outcome = await by_the_one_in_force(core, begin, touches=None)
    core.kill("resume:before-reply")
    await wake(core)
    return outcome


async def _release(clerk: Clerk, person: Person, switch: Switch) -> Moved | Refused:
    scope = str(switch.scope)
    outcome = switches.release(switch, by=person.id, operators=_operators(clerk.core))
    if isinstance(outcome, Refused):
        return outcome
    # A stop ends everything that waited at its instant, also when it is let go of a moment later.
    if (sweep := await clerk.tx.sweeps.of(switch)) is not None and sweep.finished_at is None:
        return Refused(Reason.STILL_ENDING, f"{sweep.killed:,} ended so far")
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
