"""
A stop ends what waited when it was pulled: the pending requests, then the unclaimed grants.

    the stop ──▶ requests, batch by batch ──▶ grants, batch by batch ──▶ finished: the counts are told

Each batch is a transaction of its own and the progress is a row, so any replica goes on after a crash.
What cannot be read, or cannot be ended, is set aside and not waited for.
Nobody can let go of the switch before the sweep is finished: what a batch finds is still to be ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from escalation import notice
from escalation.audit import EventName
from escalation.grant import Grant
from escalation.ids import GrantId, RequestId
from escalation.ports import Sweep, Transaction, UseCase
from escalation.reason import Refused
from escalation.request import Request
from escalation.service.context import Core, wake
from escalation.service.steps.batch import settle_batch
from escalation.service.steps.clerk import Clerk, by_person, by_us
from escalation.service.steps.fence import by_the_one_in_force
from escalation.service.steps.grants import doubt_grant, revoke_grant
from escalation.service.steps.judge import agents_under, is_anything_left
from escalation.service.steps.restored import is_older_copy
from escalation.service.steps.set_aside import readable
from escalation.service.steps.settle import settle_if_over
from escalation.switch import Stop, Switch

#: How many stops are swept side by side; there are as many as somebody pulled just now.
_AT_ONCE = 20


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
    pending = _Pending(core, sweep, since)
    ended = await settle_batch(core, pending, limit=batch)
    core.kill("sweep:committed")
    if ended:
        await wake(core, *ended)
    return Ended(count=len(ended), up_to=pending.up_to)


async def revoke_grants(core: Core, sweep: Sweep, *, batch: int) -> int:
    """Take back up to *batch* unclaimed grants under *sweep*'s stop; return how many."""
    revoked = await settle_batch(core, _Unclaimed(core, sweep), limit=batch)
    if revoked:
        await wake(core)
    return len(revoked)


class _Pending:
    """Requests that wait under the stop of *sweep*, as they are due."""

    kind = "requests"

    def __init__(self, core: Core, sweep: Sweep, since: datetime) -> None:
        self._scope = sweep.scope
        self._agents = agents_under(core.configuration(), sweep.scope)
        self._since = self.up_to = since
        self._stopped: Sequence[Switch] = ()

    async def lock_due(self, tx: Transaction, limit: int) -> Sequence[Request]:
        self._stopped = await tx.switches.stopped()
        return await tx.requests.lock_pending(
            self._scope, agents=self._agents, since=self._since, limit=limit
        )

    async def lock(self, tx: Transaction, id_: str) -> Request | None:
        self._stopped = await tx.switches.stopped()
        return await tx.requests.lock(RequestId(id_))

    async def settle(self, clerk: Clerk, row: Request) -> bool:
        self.up_to = row.next_due_at or self.up_to
        return (await settle_if_over(clerk.core, clerk.tx, row, self._stopped)).state.is_settled

    def pass_kill_point(self, core: Core) -> None:
        core.kill("sweep:before-commit")


class _Unclaimed:
    """Grants under the stop of *sweep* that nobody claimed."""

    kind = "grants"

    def __init__(self, core: Core, sweep: Sweep) -> None:
        self._sweep = sweep
        self._agents = agents_under(core.configuration(), sweep.scope)
        self._stop: Stop | None = None

    async def lock_due(self, tx: Transaction, limit: int) -> Sequence[Grant]:
        if not await self._is_stopped(tx):
            return ()
        return await tx.grants.lock_unclaimed(self._sweep.scope, agents=self._agents, limit=limit)

    async def lock(self, tx: Transaction, id_: str) -> Grant | None:
        return await tx.grants.lock(GrantId(id_)) if await self._is_stopped(tx) else None

    async def settle(self, clerk: Clerk, row: Grant) -> bool:
        if self._stop is not None and await is_older_copy(clerk.tx):
            # Nobody can say that it was not used since the copy was made.
            return not isinstance(await doubt_grant(clerk, row), Refused)
        if self._stop is None or not await _revoke(clerk.core, clerk.tx, row, self._stop):
            return False
        await clerk.tx.sweeps.count(Sweep(scope=self._sweep.scope, version=self._sweep.version, revoked=1))
        return True

    def pass_kill_point(self, core: Core) -> None:
        core.kill("sweep:before-commit")

    async def _is_stopped(self, tx: Transaction) -> bool:
        stops = {switch.scope: switch.stop for switch in await tx.switches.stopped()}
        self._stop = stops.get(self._sweep.scope)
        return self._stop is not None


async def finish(core: Core, sweep: Sweep) -> bool:
    """
    Note that *sweep* is finished and tell the counts; return False if others hold what is left.

    By the configuration in force: an older one may not know who works for the function that is stopped.
    """

    def begin(core: Core) -> UseCase[bool]:
        return lambda tx: _finish(core, tx, sweep)

    finished = await by_the_one_in_force(core, begin, touches=None)
    if finished:
        await wake(core)
    return finished


async def _finish(core: Core, tx: Transaction, sweep: Sweep) -> bool:
    held = await tx.sweeps.lock(sweep)
    if held is None or held.finished_at is not None:
        return True
    # Whoever ends something counts it in the row that we hold: what we do not find is counted.
    if await is_anything_left(core.configuration(), tx, sweep.scope):
        return False
    await tx.sweeps.finish(sweep, tx.now)
    clerk, scope = by_us(core, tx, "sweeper"), str(sweep.scope)
    killed, late, revoked = held.killed, held.late, held.revoked
    await clerk.record(EventName.SWITCH_SWEPT, scope, killed=killed, late=late, revoked=revoked)
    await clerk.alert(notice.Swept(scope=scope, killed=killed, late=late, revoked=revoked))
    core.kill("sweep:before-finish")
    return True


async def _revoke(core: Core, tx: Transaction, grant: Grant, stop: Stop) -> bool:
    clerk = by_person(core, tx, stop.by)
    if await revoke_grant(clerk, grant, reason="stopped") is not None:
        return False
    if (request := await readable(tx.requests.get(grant.request))) is not None:
        await clerk.card(request)
    return True
