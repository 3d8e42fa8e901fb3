"""
A stop ends what waited when it was pulled: the pending requests, then the unclaimed grants.

    the stop ──▶ requests, batch by batch ──▶ grants, batch by batch ──▶ finished: the counts are told

Each batch is a transaction of its own and the progress is a row, so any replica goes on after a crash.
Nobody can let go of the switch before the sweep is finished: what a batch finds is still to be ended.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from escalation import notice
from escalation.audit import EventName
from escalation.grant import Grant
from escalation.ports import Sweep
from escalation.request import Request
from escalation.service.context import Core, wake
from escalation.service.steps.clerk import Clerk, by_person, by_us
from escalation.service.steps.grants import revoke_grant
from escalation.service.steps.set_aside import set_aside
from escalation.service.steps.settle import settle_if_over

#: How many stops are swept side by side; there are as many as somebody pulled just now.
_AT_ONCE = 20
#: How many requests are ended before others in this process have a turn.
_AT_A_STRETCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What one batch came to."""

    count: int
    up_to: datetime  #: When the last of them had been due: the next batch goes on there.


async def unfinished(core: Core) -> Sequence[Sweep]:
    """Return the stops that have not ended all that waited."""
    async with core.store.read() as tx:
        return await tx.sweeps.unfinished(_AT_ONCE)


async def end_requests(core: Core, sweep: Sweep, *, since: datetime, batch: int) -> Ended:
    """End up to *batch* pending requests under *sweep*'s stop that are due at *since* or later."""
    async with core.store.write() as tx:
        stopped = await tx.switches.stopped()
        found = await tx.requests.lock_pending(sweep.scope, since=since, limit=batch)
        after = []
        for first in range(0, len(found), _AT_A_STRETCH):
            stretch = found[first : first + _AT_A_STRETCH]
            after += [await settle_if_over(core, tx, request, stopped) for request in stretch]
            # SQLite never waits, and a batch must not keep the rest of this process waiting.
            await asyncio.sleep(0)
        core.kill("sweep:before-commit")
    core.kill("sweep:committed")
    ended = [request.id for request in after if request.state.is_settled]
    if ended:
        await wake(core, *ended)
    return Ended(count=len(ended), up_to=max((each.next_due_at or since for each in found), default=since))


async def revoke_grants(core: Core, sweep: Sweep, *, batch: int) -> int:
    """Take back up to *batch* unclaimed grants under *sweep*'s stop; return how many."""
    async with core.store.write() as tx:
        stops = {switch.scope: switch.stop for switch in await tx.switches.stopped()}
        stop, revoked = stops.get(sweep.scope), 0
        if stop is not None:
            found = await tx.grants.lock_unclaimed(sweep.scope, limit=batch)
            requests = await tx.requests.among([grant.request for grant in found])
            for grant in found:
                revoked += await _revoke(by_person(core, tx, stop.by), grant, requests.get(grant.request))
        if revoked:
            await tx.sweeps.count(Sweep(scope=sweep.scope, version=sweep.version, revoked=revoked))
        core.kill("sweep:before-commit")
    # What cannot be read, request or grant, is ended by nobody: set aside, it is not waited for.
    await set_aside(core)
    if revoked:
        await wake(core)
    return revoked


async def finish(core: Core, sweep: Sweep) -> bool:
    """Note that *sweep* is finished and tell the counts; return False if others hold what is left."""
    async with core.store.write() as tx:
        held = await tx.sweeps.lock(sweep)
        if held is None or held.finished_at is not None:
            return True
        # Whoever ends something counts it in the row that we hold: what we do not find is counted.
        if await tx.requests.any_pending(sweep.scope) or await tx.grants.any_unclaimed(sweep.scope):
            return False
        await tx.sweeps.finish(sweep, tx.now)
        clerk, scope = by_us(core, tx, "sweeper"), str(sweep.scope)
        killed, late, revoked = held.killed, held.late, held.revoked
        await clerk.record(EventName.SWITCH_SWEPT, scope, killed=killed, late=late, revoked=revoked)
        await clerk.alert(notice.Swept(scope=scope, killed=killed, late=late, revoked=revoked))
        core.kill("sweep:before-finish")
    await wake(core)
    return True


async def _revoke(clerk: Clerk, grant: Grant, request: Request | None) -> int:
    if await revoke_grant(clerk, grant, reason="stopped") is not None:
        return 0
    if request is not None:
        await clerk.card(request)
    return 1
