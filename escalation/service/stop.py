"""
Somebody pulls the cord; a different operator lets go of it.

A stop is one small commit, however much waits: the switch, and the mark from which the engine ends
what was pending and takes back what was not claimed (``sweep.py``). From that commit on nothing
starts, and whoever touches what waits finds it ended (``steps/settle.py``).
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from escalation import notice
from escalation import switch as switches
from escalation.audit import EventName
from escalation.authority import Person
from escalation.errors import NotInForce, SchemaMismatch
from escalation.ids import PersonId
from escalation.ports import Sweep, Topic, Transaction, UseCase
from escalation.reason import Reason, Refused
from escalation.service.context import Click, Core, wake
from escalation.service.steps.clerk import Clerk, by_person
from escalation.service.steps.click import take_in
from escalation.service.steps.fence import by_the_one_in_force, follow, frozen
from escalation.service.steps.judge import is_anything_left
from escalation.service.steps.pull import pull
from escalation.service.steps.restored import last_restore
from escalation.switch import EVERYTHING, Scope, ScopeKind, Switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The switch was moved."""

    switch: Switch
    repeated: bool = False  #: This very click was taken before; nothing moved now.


async def stop(core: Core, click: Click, scope: Scope, reason: str) -> Moved | Refused:
    """
    Stop *scope*: nothing in it starts any more, whatever was approved. Anybody we know may.

    It does not wait for the fence; but whom this process does not know, the configuration in force may.
    """
    if core.configuration().directory.whose(click.account) is None:
        # Where that cannot be loaded, it is as it is here: a stop fails for no rule that is newer.
        with suppress(NotInForce, SchemaMismatch):
            await follow(core)
    async with core.store.write() as tx:
        outcome = await _move(core, tx, click, scope, partial(_pull, reason))
        core.kill("stop:before-commit")
    core.kill("stop:before-reply")
    await wake(core, Topic.STOPS)
    return outcome


async def _pull(reason: str, clerk: Clerk, person: Person, switch: Switch) -> Moved | Refused:
    outcome = await pull(clerk, person.id, switch, reason)
    return outcome if isinstance(outcome, Refused) else Moved(switch=outcome)


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
    await wake(core, Topic.STOPS)
    return outcome


async def _release(clerk: Clerk, person: Person, switch: Switch) -> Moved | Refused:
    scope = str(switch.scope)
    outcome = switches.release(switch, by=person.id, operators=_operators(clerk.core))
    if not isinstance(outcome, Refused):
        outcome = await frozen(clerk.tx) or await _acknowledged_it(clerk, person, switch) or outcome
    if isinstance(outcome, Refused):
        return outcome
    # A stop ends everything that waited at its instant, also when it is let go of a moment later.
    if (sweep := await clerk.tx.sweeps.of(switch)) is not None and await _goes_on(clerk, sweep):
        return Refused(Reason.STILL_ENDING, f"{sweep.killed:,} ended so far")
    await clerk.tx.switches.save(outcome.switch)
    stopped_by = "" if switch.stop is None else switch.stop.by
    await clerk.record(EventName.SWITCH_RESUMED, scope, stopped_by=stopped_by)
    await clerk.alert(notice.Resumed(scope=scope, by=person.id, stopped_by=stopped_by))
    return Moved(switch=outcome.switch)


async def _acknowledged_it(clerk: Clerk, person: Person, switch: Switch) -> Refused | None:
    """Return the refusal if a restore ended in this stop, whoever had pulled it, and *person* was alone."""
    if switch.scope != EVERYTHING or switch.stop is None:
        return None
    restored = await last_restore(clerk.tx)
    if restored is None or restored.by != person.id or switch.stop.at > restored.at:
        return None
    return Refused(Reason.SAME_PERSON_RESTORED)


async def _goes_on(clerk: Clerk, sweep: Sweep) -> bool:
    """Return whether *sweep* has something left to end; one that was through goes again."""
    if sweep.finished_at is None:
        return True
    # An agent may have come to work for the function after its sweep was through.
    left = sweep.scope.kind is ScopeKind.FUNCTION and await is_anything_left(
        clerk.core.configuration(), clerk.tx, sweep.scope
    )
    if left:
        await clerk.tx.sweeps.reopen(sweep)
    return left


async def _move(
    core: Core,
    tx: Transaction,
    click: Click,
    scope: Scope,
    move: Callable[[Clerk, Person, Switch], Awaitable[Moved | Refused]],
) -> Moved | Refused:
    known = scope in core.configuration().scopes()
    clicker = await take_in(core, tx, click, str(scope) if known else click.what, typed=str(scope))
    if isinstance(clicker, Refused):
        return clicker
    switch = await _lock(core, tx, scope)
    unknown = Refused(Reason.UNKNOWN_SCOPE, str(scope))
    if clicker is None:
        return unknown if switch is None else Moved(switch=switch, repeated=True)
    clerk = by_person(core, tx, clicker.person.id)
    outcome = unknown if switch is None else await move(clerk, clicker.person, switch)
    if isinstance(outcome, Refused):
        # The name of what there is not may be anything that was pasted: it is committed to, as words are.
        subject = click.what if switch is None else str(scope)
        return await clerk.refuse(outcome, subject, what=click.what)
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
